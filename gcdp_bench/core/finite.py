"""Numbers of samples that are not finite stop the sampling: they are no black images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


class NotFinite(FloatingPointError):
    """Some samples of a batch hold NaN or infinite numbers.

    Args:
        where: they were found: "images", "label logits at step 3 of 25".
        samples: indices into the batch.
        num: samples in the batch.
        precision: in which they were computed, and on which device.
        remedy: what to do, if the caller does not say it.
    """

    def __init__(
        self, where: str, samples: Sequence[int], num: int, precision: str, remedy: str = ""
    ):
        self.samples = tuple(samples)
        super().__init__(where, self.samples, num, precision, remedy)

    def __str__(self) -> str:
        where, samples, num, precision, remedy = self.args
        return (
            f"expected finite numbers, got NaN or infinite ones in the {where}, in {len(samples)} "
            f"of {num} images ({precision})" + (f"; {remedy}" if remedy else "")
        )


class FiniteCheck:
    """Looks whether numbers are finite, and does not make an accelerator wait for it.

    On a CPU, `see` raises at once. On an accelerator the steps go on, and `require` reads all
    findings in one transfer.
    """

    def __init__(self):
        self._seen: list[tuple[str, str]] = []  # where, precision
        self._finite: list[Tensor] = []  # bool (B,), on the device

    def see(self, where: str, values: Tensor) -> None:
        """Look at floats (B, ...), one row per sample.

        Raises:
            NotFinite: on a CPU, as `require`.
        """
        self._seen.append((where, precision_of(values)))
        self._finite.append(torch.isfinite(values).flatten(1).all(1))  # (B,)
        if values.device.type == "cpu":
            self.require()

    def require(self) -> None:
        """Refuse what was seen since the last call, if some of it is not finite.

        Raises:
            NotFinite: names the first place that is not.
        """
        seen, finite = self._seen, self._finite
        self._seen, self._finite = [], []
        if not finite:
            return
        broken = ~torch.stack(finite).cpu()  # (N, B)
        if broken.any():
            first = int(broken.any(1).nonzero()[0])
            samples = broken[first].nonzero().flatten().tolist()
            where, precision = seen[first]
            raise NotFinite(where, samples, broken.shape[1], precision)


def require_finite(where: str, values: Tensor, *, remedy: str = "") -> None:
    """Refuse floats (B, ...) that are not all finite.

    Raises:
        NotFinite: says where, and in how many of the B samples.
    """
    if values.sum().isfinite():  # a sum that is not finite may be one of large numbers
        return
    finite = torch.isfinite(values).flatten(1).all(1).tolist()  # B
    if not all(finite):
        samples = [index for index, good in enumerate(finite) if not good]
        raise NotFinite(where, samples, len(finite), precision_of(values), remedy)


def precision_of(values: Tensor) -> str:
    """Precision and device of numbers: "float32 on cuda:0, TF32 convolutions"."""
    name = f"{str(values.dtype).removeprefix('torch.')} on {values.device}"
    if values.device.type == "cuda" and torch.backends.cudnn.allow_tf32:
        name += ", TF32 convolutions"
    return name


@contextmanager
def finite_samples(model: str, captions: Sequence[str]) -> Iterator[None]:
    """Name the model and the caption where sampling a batch comes to numbers that are not finite.

    Raises:
        FloatingPointError: in place of `NotFinite`.
    """
    try:
        yield
    except NotFinite as error:
        raise FloatingPointError(
            f"{model}: {error}; the first of them has the caption {captions[error.samples[0]]!r}; "
            "no sample of this batch is written; take weights of another training, or a guidance "
            "nearer to 1, and sample again: finished samples and points are kept"
        ) from error
