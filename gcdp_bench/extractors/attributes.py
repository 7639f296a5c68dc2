"""The attribute classifier behind attribute recall: yes or no to every attribute of an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from gcdp_bench.core.config import from_dict, read_task
from gcdp_bench.core.finite import require_finite
from gcdp_bench.core.images import Size, to_float
from gcdp_bench.core.types import AttributedDataset, Dataset
from gcdp_bench.datasets.framing import by
from gcdp_bench.extractors.checkpoints import read_checkpoint
from gcdp_bench.extractors.inference import COMPUTATION, FOLDED, for_evaluation
from gcdp_bench.extractors.weights import tensors_digest
from gcdp_bench.io.validation import reason
from gcdp_bench.training.loading import load_network

CHUNK = 64
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, torchvision's convention

Backbone = Literal["shufflenet_v2_x0_5", "resnet18", "resnet50"]
"""Networks of torchvision that end in one linear layer `fc`."""


@dataclass(frozen=True, kw_only=True)
class AttributesConfig:
    """An attribute classifier, resolved: written beside its weights."""

    dataset: str  # what it was trained on
    attribute_names: tuple[str, ...]  # A names, the dataset's
    frequencies: tuple[float, ...]  # (A,), share of the training images with the attribute
    image_size: Size  # it evaluates images of this size
    backbone: Backbone
    largest_weight: float = 10.0  # of an answer in the loss
    start_from: str | None = None  # torchvision's checkpoint of the backbone, a local file

    def __post_init__(self):
        if len(self.frequencies) != len(self.attribute_names):
            raise ValueError(
                f"frequencies: expected one for each of {len(self.attribute_names)} attributes, "
                f"got {len(self.frequencies)}; take them from the training images"
            )
        if not self.largest_weight >= 1.0:
            raise ValueError(f"largest_weight: expected at least 1, got {self.largest_weight:g}")

    @property
    def answer_weights(self) -> Tensor:
        """Weights of the answers no and yes in the loss, float32 (A, 2).

        1 / (2 x frequency of the answer), at most `largest_weight`: both answers of every
        attribute weigh the same in total. 0 where all training images give the same answer.
        """
        yes = torch.tensor(self.frequencies, dtype=torch.float64)  # (A,)
        shares = torch.stack([1.0 - yes, yes], 1)  # (A, 2)
        weights = (0.5 / shares).clamp_max(self.largest_weight)
        return torch.where((shares > 0).all(1, keepdim=True), weights, 0.0).float()

    @property
    def thresholds(self) -> Tensor:
        """Probability from which an attribute counts as seen, float32 (A,).

        w1 f / (w1 f + w0 (1 - f)) with frequency f and weights w0, w1 of no and yes: what a
        network that minimises the weighted loss answers to an image as likely under yes as under
        no, so balanced accuracy is largest there. 0.5 unless `largest_weight` bites; NaN where all
        training images give the same answer, which nothing can be learned from.
        """
        yes = torch.tensor(self.frequencies)  # (A,)
        masses = self.answer_weights * torch.stack([1.0 - yes, yes], 1)  # (A, 2)
        return masses[:, 1] / masses.sum(1)


class AttributeNetwork(nn.Module):
    """A backbone of torchvision with one logit per attribute."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, num_attributes: int):
        super().__init__()
        assert isinstance(backbone.fc, nn.Linear)
        backbone.fc = nn.Linear(backbone.fc.in_features, num_attributes)
        self.backbone = backbone
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(STD)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, A) of float images (B, 3, H, W) in [-1, 1]."""
        return self.backbone((images * 0.5 + 0.5 - self.mean) / self.std)


def build_network(config: AttributesConfig) -> AttributeNetwork:
    """Network with fresh weights, or with those of `config.start_from` below the last layer.

    Raises:
        FileNotFoundError: `start_from` is not there.
        ValueError: it is not a whole checkpoint of this backbone.
    """
    import torchvision

    backbone = getattr(torchvision.models, config.backbone)(weights=None)
    if config.start_from is not None:
        _load_torchvision(backbone, Path(config.start_from), config.backbone)
    return AttributeNetwork(backbone, len(config.attribute_names))


class AttributeClassifier:
    """A trained attribute classifier."""

    computation = f"{COMPUTATION}, {FOLDED}"

    def __init__(self, config: AttributesConfig, network: AttributeNetwork, *, device: str = "cpu"):
        self.config = config
        self.digest = tensors_digest(network.state_dict())
        self._device = torch.device(device)
        self.network = for_evaluation(network, self._device)

    @classmethod
    def load(
        cls, folder: Path, *, device: str = "cpu", trained_on: str | None = None
    ) -> AttributeClassifier:
        """Read `config.json` and `model.safetensors` of a training run.

        Args:
            folder: of the run.
            device: where the network runs.
            trained_on: name of its training data in rows; None: as the configuration says.

        Raises:
            FileNotFoundError: one of them is not there.
            ValueError: the weights are of another configuration, or damaged.
        """
        path = folder / "config.json"
        task = read_task(path)
        if "attributes" not in task:
            raise ValueError(
                f"{path}: expected an attribute classifier, got another network; train one with "
                "`gcdp-bench train attributes`"
            )
        config = from_dict(AttributesConfig, task["attributes"], where=str(path))
        network = load_network(
            lambda: build_network(_without_start(config)),
            folder / "model.safetensors",
            source=folder,
        )
        config = replace(config, dataset=trained_on or config.dataset)
        return cls(config, network, device=device)

    @property
    def name(self) -> str:
        """For the extractor column: what it is, on what it was trained, and at which size."""
        height, width = self.config.image_size
        return f"{self.config.backbone}-{self.config.dataset}-{height}x{width}"

    @property
    def resizer(self) -> str:
        """Images are evaluated at the size at which they come."""
        return "native"

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """A names, in the order of the columns."""
        return self.config.attribute_names

    @property
    def thresholds(self) -> Tensor:
        """See `AttributesConfig.thresholds`."""
        return self.config.thresholds

    def check(self, dataset: Dataset) -> None:
        """Refuse a dataset that it cannot evaluate.

        Raises:
            ValueError: no attributes, others, or images of another size; says what to do.
        """
        names = require_attributes(dataset).attribute_names
        retrain = f"train one with `gcdp-bench train attributes --dataset {dataset.name}`"
        if names != self.attribute_names:
            differing = sorted({*names} ^ {*self.attribute_names}) or ["their order"]
            raise ValueError(
                f"{self.name}: expected its {len(self.attribute_names)} attributes, {dataset.name} "
                f"has {len(names)}; differing: {', '.join(differing[:5])}; {retrain}"
            )
        self._check_size(dataset.image_size)

    @torch.no_grad()
    def predict(self, images: Tensor) -> Tensor:
        """Probability of each attribute in uint8 images (B, 3, H, W), float32 (B, A).

        It is seen where the probability reaches `thresholds`. The probabilities are of a world
        in which both answers are about as frequent: they rank images, they are no frequencies.

        Raises:
            ValueError: images of another size than it was trained for.
            NotFinite: a logit is not finite.
        """
        self._check_size(tuple(images.shape[-2:]))
        chunks = [self.network(to_float(chunk).to(self._device)) for chunk in images.split(CHUNK)]
        logits = torch.cat(chunks)  # (B, A)
        require_finite(
            f"attribute logits of {self.name}", logits, remedy="give another --attributes"
        )
        return logits.sigmoid().cpu()

    def _check_size(self, size: tuple[int, ...]) -> None:
        if size != self.config.image_size:
            raise ValueError(
                f"{self.name}: expected images of {self.config.image_size}, got {size}; train an "
                f"attribute classifier at that size (gcdp-bench train attributes --size {by(size)})"
            )


def require_attributes(dataset: Dataset) -> AttributedDataset:
    """`dataset`, known to have attributes.

    Raises:
        ValueError: it has none.
    """
    if not isinstance(dataset, AttributedDataset):
        raise ValueError(
            f"{dataset.name}: expected a dataset whose images have yes-or-no attributes, this one "
            "has none; use synth-face-100, or celeba-100 with CelebAMask-HQ-attribute-anno.txt in "
            "its folder"
        )
    return dataset


def _without_start(config: AttributesConfig) -> AttributesConfig:
    """The weights of a finished run replace those it started from, which may be gone by now."""
    return replace(config, start_from=None)


def _load_torchvision(backbone: nn.Module, path: Path, name: str) -> None:
    """Fill a backbone strictly, its ImageNet head included."""
    if not path.is_file():
        raise FileNotFoundError(
            f"start_from: expected torchvision's checkpoint of {name}, {path} does not exist; "
            "give another file or leave it out"
        )
    weights = read_checkpoint(path, expected=f"torchvision's checkpoint of {name}")
    try:
        backbone.load_state_dict(weights, strict=True)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: expected torchvision's checkpoint of {name} with its 1000 classes, got "
            f"{reason(error)}; give the file of that backbone"
        ) from error
