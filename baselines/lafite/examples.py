"""Examples of a dataset as Lafite sees them: images, and CLIP's features of them and of text."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from baselines.lafite.clip_features import ClipTeacher
from baselines.lafite.text_features import GROUND_TRUTH_XI, LANGUAGE_FREE_XI, pseudo_text
from gcdp_bench.core.images import Size, to_float
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.framing import fit_image


class LafiteExamples:
    """Each image, mirror image and caption is read by CLIP once, when it is first used, and alone:
    a batch would round in another way, and a resumed training begins with another batch.
    """

    def __init__(
        self, image_size: Size, dataset: Dataset, teacher: ClipTeacher, device: torch.device
    ):
        self._device = device
        self._size = image_size
        self._dataset = dataset
        self._teacher = teacher
        self._examples: dict[int, tuple[Tensor, str]] = {}
        self._image_features: dict[tuple[int, bool], Tensor] = {}
        self._text_features: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return len(self._dataset)

    def images(self, indices: Sequence[int], flip: Tensor) -> Tensor:
        """uint8 (B, 3, H, W); those of `flip`, bool (B,), are mirrored."""
        pairs = zip(indices, flip.tolist(), strict=True)
        return torch.stack([self._image(index, mirrored) for index, mirrored in pairs])

    def captions(self, indices: Sequence[int]) -> list[str]:
        """Captions of the examples."""
        return [self._read(index)[1] for index in indices]

    def conditions(
        self, indices: Sequence[int], flip: Tensor, free: Tensor, noise: Tensor
    ) -> Tensor:
        """Text of training, unit (B, E): the perturbed features of captions, or language-free.

        Args:
            indices: of B examples.
            flip: bool (B,), images that are mirrored.
            free: bool (B,), examples whose image, not caption, is perturbed into a text feature.
            noise: standard normal (B, E).
        """
        text = torch.empty_like(noise)
        if bool(free.any()):
            features = self.image_features(_chosen(indices, free), flip[free])
            text[free] = pseudo_text(features, noise[free], LANGUAGE_FREE_XI)
        if not bool(free.all()):
            features = self.text_features(_chosen(indices, ~free))
            text[~free] = pseudo_text(features, noise[~free], GROUND_TRUTH_XI)
        return text

    def text_features(self, indices: Sequence[int]) -> Tensor:
        """Unit features (B, E) of the captions."""
        captions = self.captions(indices)
        for caption in captions:
            if caption not in self._text_features:
                self._text_features[caption] = self._teacher.text([caption])[0]
        return torch.stack([self._text_features[caption] for caption in captions])  # (B, E)

    def image_features(self, indices: Sequence[int], flip: Tensor) -> Tensor:
        """Unit features (B, E) of the images; of the mirror image where `flip` is set."""
        keys = list(zip(indices, flip.tolist(), strict=True))
        for key in keys:
            if key not in self._image_features:
                pixels = to_float(self._image(*key)[None]).to(self._device)  # (1, 3, H, W)
                with torch.no_grad():
                    self._image_features[key] = self._teacher.image(pixels)[0].cpu()
        return torch.stack([self._image_features[key] for key in keys])  # (B, E)

    def _image(self, index: int, mirrored: bool) -> Tensor:
        image, _ = self._read(index)
        return image.flip(-1) if mirrored else image

    def _read(self, index: int) -> tuple[Tensor, str]:
        if index not in self._examples:
            triplet = self._dataset[index]
            image = fit_image(triplet.image, self._size, "crop")  # (3, H, W)
            self._examples[index] = (image, triplet.caption)
        return self._examples[index]


def _chosen(indices: Sequence[int], mask: Tensor) -> list[int]:
    return [index for index, taken in zip(indices, mask.tolist(), strict=True) if taken]
