"""Training of the pixel classifiers on the pixels of a few labelled images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.dataset_ddpm.config import LabelConfig
from baselines.dataset_ddpm.ensemble import PixelEnsemble, disagreement, vote
from baselines.dataset_ddpm.labelled import LabelledImages, chosen_images
from baselines.dataset_ddpm.labelling import pixel_logits
from baselines.dataset_ddpm.model import (
    FOLDER,
    TrainedDdpm,
    build_ensemble,
    load_ddpm,
    write_ddpm,
)
from baselines.dataset_ddpm.presets import DATASET_DDPM_PRESETS, DDPM_PRESETS
from gcdp_bench.core.config import to_dict
from gcdp_bench.core.palette import colourise, image_grid
from gcdp_bench.core.types import IGNORE_ID, Dataset
from gcdp_bench.extractors.weights import tensors_digest
from gcdp_bench.metrics.layout_iou import confusion_matrix, intersection_over_union
from gcdp_bench.profiling.training_cost import copy_cost
from gcdp_bench.training.presets import TrainingSpec
from gcdp_bench.training.task import plain
from reference_model.training import stage_task

NUM_VALIDATION, NUM_PREVIEW = 20, 6


def ddpm_training() -> TrainingSpec:
    """Of the image diffusion model."""
    return TrainingSpec(presets=DDPM_PRESETS, task=stage_task)


def training() -> TrainingSpec:
    """Of the pixel classifiers, on a trained diffusion model."""
    return TrainingSpec(
        presets=DATASET_DDPM_PRESETS,
        task=LabelTask,
        examples_are_items=False,  # but random pixels of all labelled images
        given_part=lambda config: config.ddpm,
    )


class LabelTask:
    """Cross-entropy of every classifier on pixels of its own (Baranchuk et al. 2022, Section 4).

    An example is a pixel per member: a batch of B draws B x M pixels, uniformly from all labelled
    pixels of the chosen images. `indices` only say how many, and an "epoch" of the loop means
    nothing. Training ends after a fixed number of steps, where the paper stops once the loss no
    longer falls. The diffusion model is no part of the network that is trained; it is exported with
    it.

    Args:
        config: of the classifiers.
        train, validation: splits.
        folder: of the trained diffusion model.
    """

    mixes_examples = "its classifiers normalise over the batch"

    def __init__(self, config: LabelConfig, train: Dataset, validation: Dataset, folder: Path):
        self._folder = folder
        self.config = config
        self.stage = load_ddpm(self._folder, config)
        self.stage.network.to("cuda" if torch.cuda.is_available() else "cpu")
        self.chosen = chosen_images(config, len(train))
        self.num_examples = len(self.chosen)
        # every member descends its own mean: the loss is their mean
        self.loss_weights: Mapping[str, float] = {"cross_entropy": float(config.members)}
        self._datasets = train, validation

    @cached_property
    def labelled(self) -> LabelledImages:
        """The chosen training images, read by the diffusion model when first used."""
        return LabelledImages(self.config, self._datasets[0], self.chosen, self.stage)

    def build(self) -> PixelEnsemble:
        """See `Task.build`; the features are computed here, so that no step's cost has them."""
        assert len(self._pixels)
        return build_ensemble(self.config, self.stage)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Task.batch`: features (B, M, F) and classes (B, M) of random labelled pixels."""
        num, members = len(indices), self.config.members
        draw = torch.randint(len(self._pixels), (num * members,), generator=generator)  # (B M,)
        places = self._pixels[draw]
        features, classes = self.labelled.features(places), self.labelled.classes(places)
        return {
            "features": features.unflatten(0, (num, members)),  # (B, M, F)
            "classes": classes.unflatten(0, (num, members)),  # (B, M)
        }

    def losses(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """See `Task.losses`: "cross_entropy" in nats, the mean over members and pixels."""
        logits = network(batch["features"])  # (B, M, K)
        loss = F.cross_entropy(logits.float().flatten(0, 1), batch["classes"].flatten())
        return {"cross_entropy": loss}

    def validation(self, network: nn.Module) -> dict[str, float]:
        """See `Task.validation`: on the first images, "cross_entropy" of the members, "accuracy"
        and "miou" of the vote, and the mean "disagreement"; no class is left out as rare.
        """
        ensemble, seen = plain(network, PixelEnsemble).eval(), self._seen
        classes = seen.layouts.flatten().long()  # (N H W,)
        votes, entropies, divergences, start = [], [], [], 0
        for logits in pixel_logits(ensemble, self.config, seen.maps):  # (P, M, K)
            target = classes[start : start + len(logits)]
            start += len(logits)
            each = target[:, None].expand(logits.shape[:2])  # (P, M)
            entropies.append(
                F.cross_entropy(
                    logits.transpose(1, 2), each, reduction="none", ignore_index=IGNORE_ID
                ).mean(1)
            )
            divergences.append(disagreement(logits))
            votes.append(vote(logits))
        labelled = classes != IGNORE_ID
        found = torch.cat(votes).view_as(seen.layouts)  # (N, H, W)
        confusion = confusion_matrix(seen.layouts, found, len(self.config.class_names))
        iou = intersection_over_union(confusion)
        return {
            "cross_entropy": float(torch.cat(entropies)[labelled].mean()),
            "accuracy": float(confusion.trace() / confusion.sum()),
            "miou": float(iou[iou == iou].mean()),
            "disagreement": float(torch.cat(divergences).mean()),
        }

    def preview(self, network: nn.Module) -> Tensor | None:
        """See `Task.preview`: validation images, their layouts and the voted ones."""
        ensemble, seen = plain(network, PixelEnsemble).eval(), self._seen
        num, names = min(NUM_PREVIEW, len(seen.images)), self.config.class_names
        maps = [part[:num] for part in seen.maps]
        votes = torch.cat([vote(logits) for logits in pixel_logits(ensemble, self.config, maps)])
        layouts = [seen.layouts[:num], votes.view_as(seen.layouts[:num])]
        rows = [seen.images[:num], *(colourise(part, names) for part in layouts)]
        return image_grid(torch.cat(rows), num_columns=num)

    def metadata(self) -> dict[str, Any]:
        """See `Task.metadata`; the number of labelled images is said where all are taken, and the
        digest keeps a resumed run to its diffusion model.
        """
        return {
            "kind": "dataset-ddpm",
            "labels": to_dict(replace(self.config, num_images=len(self.chosen))),
            "ddpm": tensors_digest(self.stage.network.state_dict()),
        }

    def export(self, network: nn.Module, folder: Path) -> None:
        """See `Exporting.export`: the classifiers, and the diffusion model under them."""
        trained = TrainedDdpm(self.config, plain(network, PixelEnsemble), self.stage)
        write_ddpm(folder, trained, self._folder)
        copy_cost(self._folder, folder / FOLDER)

    @cached_property
    def _pixels(self) -> Tensor:
        """Places of the labelled pixels, long (L,)."""
        return self.labelled.labelled_pixels(self.config.min_pixels)

    @cached_property
    def _seen(self) -> LabelledImages:
        """The first validation images."""
        validation = self._datasets[1]
        first = range(min(NUM_VALIDATION, len(validation)))
        return LabelledImages(self.config, validation, first, self.stage)
