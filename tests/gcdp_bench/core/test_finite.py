"""What is not finite is found at the first place where it is; an accelerator is asked once."""

import pickle

import pytest
import torch

from gcdp_bench.core.finite import (
    FiniteCheck,
    NotFinite,
    finite_samples,
    precision_of,
    require_finite,
)


class OnAccelerator(torch.Tensor):
    """A tensor of the CPU that says that it lies on a GPU."""

    device = torch.device("cuda", 0)  # pyright: ignore
    transfers = 0

    def cpu(self):
        OnAccelerator.transfers += 1
        return self.as_subclass(torch.Tensor)


def on_accelerator(*rows: float) -> torch.Tensor:
    return torch.tensor([[row, 1.0] for row in rows]).as_subclass(OnAccelerator)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_one_value_is_enough(value, dtype):
    values = torch.zeros(3, 2, 4, dtype=dtype)
    require_finite("logits", values)
    require_finite("logits", torch.full_like(values, torch.finfo(dtype).max))
    values[2, 1, 3] = value
    with pytest.raises(NotFinite, match=r"in the logits, in 1 of 3 images") as caught:
        require_finite("logits", values, remedy="train anew")
    assert caught.value.samples == (2,)
    assert str(caught.value).endswith(f"({str(dtype).removeprefix('torch.')} on cpu); train anew")


def test_a_cpu_is_told_at_once():
    check = FiniteCheck()
    check.see("step 2", torch.zeros(2, 3))
    with pytest.raises(NotFinite, match="in the step 1, in 2 of 2"):
        check.see("step 1", torch.full((2, 3), torch.nan))
    check.require()  # what was said is not said again


def test_an_accelerator_is_asked_once_at_the_end(monkeypatch):
    check = FiniteCheck()
    monkeypatch.setattr(OnAccelerator, "transfers", 0)
    for step, rows in ((3, (0.0, 0.0)), (2, (0.0, torch.inf)), (1, (torch.nan, torch.nan))):
        check.see(f"step {step}", on_accelerator(*rows))
    assert not OnAccelerator.transfers
    with pytest.raises(NotFinite, match="in the step 2, in 1 of 2") as caught:
        check.require()
    assert caught.value.samples == (1,) and OnAccelerator.transfers == 1


def test_the_precision_names_rounded_convolutions(monkeypatch):
    assert precision_of(torch.zeros(1)) == "float32 on cpu"
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert precision_of(on_accelerator(1.0)) == "float32 on cuda:0, TF32 convolutions"
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    assert precision_of(on_accelerator(1.0)) == "float32 on cuda:0"


def test_the_caption_and_the_model_are_named():
    with pytest.raises(FloatingPointError, match=r"^imagen: .*, in 1 of 2 .*caption 'a bus'"):
        with finite_samples("imagen", ["a car", "a bus"]):
            require_finite("images", torch.tensor([[1.0], [torch.nan]]))
    with pytest.raises(ValueError, match="another"):
        with finite_samples("imagen", ["a car"]):
            raise ValueError("another")


def test_the_error_passes_between_processes():
    error = NotFinite("logits", [1], 2, "float32 on cpu", "train anew")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) and copy.samples == (1,)
