"""The reference model against its authors' program: sampling, training and the label chain.

    OMP_NUM_THREADS=1 PYTHONPATH=PACKAGES python -m benchmarks.peers --authors PATH
        [--cases sampling,training,label-chain] [--pairs 7] [--steps 8]

PATH is a checkout of the authors' program (pmh9960/GCDP, f5f8049), which is not part of this
project. Beside the packages of `pip install -e .[dev]` it imports einops, einops-exts, ema-pytorch,
kornia and pytorch-warmup: `pip install --no-deps --target PACKAGES einops einops-exts ema-pytorch
kornia kornia-rs pytorch-warmup`. It asks a server for the width of T5 when it is imported; that
width is given here, and no text encoder runs.

Both programs have the same random weights, read by `reference_model.official`; their outputs with
text, without and guided must agree. Float32 on the CPU: the authors' fp16 needs a GPU. CPU seconds
of one thread, in alternating pairs; `ratio` is the median of theirs / ours, `ratio_low` and
`ratio_high` its range.

- sampling: `JointImagen.sample` and `reference_model.sampler.sample` of one base stage, guidance 3.
- training: `JointImagenTrainer.forward` and `.update`, and `make_step` with `MovingAverage`:
  noising, both passes, Adam, moving average (theirs moves every tenth step). `mib` is the most
  that tensors take during a step above what they took before it.
- label-chain: the authors' functions on log-one-hot tensors and ours on integers, from integer
  labels to integer labels; for the divergence with its gradient theirs get log-one-hot labels.

Lines of the same case, network and batch are replaced.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmarks.authors import NUM_STEPS, import_authors, joint_unet, label_operations
from benchmarks.label_chain import Inputs, index_operations, make_inputs
from benchmarks.numerics import processor
from benchmarks.official_parity import GUIDANCE, outputs
from benchmarks.pairs import alternate, compared
from benchmarks.training_step import peak_mib
from gcdp_bench.core.images import Size
from gcdp_bench.datasets.registry import open_dataset
from gcdp_bench.io.atomic import replacing
from gcdp_bench.training.ema import MovingAverage
from gcdp_bench.training.settings import TrainingConfig
from gcdp_bench.training.steps import make_step
from reference_model import categorical
from reference_model.joint import JointProcess, ProcessConfig
from reference_model.official import AUTHORS_GROUPS, load_unet
from reference_model.sampler import sample
from reference_model.schedules import Schedule, ScheduleConfig
from reference_model.stage import Stage, StageConfig
from reference_model.task import StageTask
from reference_model.text import EncodedText, TextConfig, build_text_encoder
from reference_model.unet import UNetConfig

OUT = Path("results/performance/peers.csv")
KEY = ["case", "parameters", "size", "batch"]
DATASET = "synth-city-25"
TEXT = TextConfig(encoder="hash-ngram", dim=64, max_tokens=24)
TOLERANCE = 1e-4  # of the golden files
CHAIN = (8, 20, 256, 512)  # batch, classes, height, width of the label chain
LARGE = UNetConfig(
    num_classes=20,
    text_dim=TEXT.dim,
    dim=32,
    dim_mults=(1, 2, 4),
    num_blocks=(1, 1, 2),
    self_attention=(False, True, True),
    cross_attention=(False, True, True),
    attention_heads=4,
    attention_head_dim=32,
    cond_dim=64,
    num_text_latents=8,
    max_text_tokens=TEXT.max_tokens,
    groups=AUTHORS_GROUPS,
)
SMALL = replace(
    LARGE,
    dim=16,
    num_blocks=(1, 1, 1),
    self_attention=(False, False, True),
    cross_attention=(False, False, True),
)
NETWORKS: Sequence[tuple[UNetConfig, Size]] = ((LARGE, (64, 128)), (SMALL, (32, 64)))

Line = dict[str, Any]


@dataclass(frozen=True)
class Programs:
    """One network in both programs.

    Args:
        stage: ours.
        unet: theirs, with the same weights.
        imagen: theirs, around `unet`.
        authors: the authors' package.
    """

    stage: Stage
    unet: Any
    imagen: Any
    authors: Any

    def line(self, case: str, batch: int) -> Line:
        """Columns that tell a line of the table from the others."""
        height, width = self.stage.config.image_size
        num = sum(weight.numel() for weight in self.stage.network.parameters())
        return {"case": case, "parameters": num, "size": f"{height}x{width}", "batch": batch}


def build(authors: Any, config: UNetConfig, size: Size, num_steps: int) -> Programs:
    """Both programs with random weights, the heads' too, which start at zero."""
    torch.manual_seed(0)
    unet = joint_unet(authors, config).eval()
    for head in (unet.final_conv, unet.final_conv_seg):
        nn.init.normal_(head.weight, std=0.05)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unet.safetensors"
        save_file(unet.state_dict(), path)
        network = load_unet(path, groups=config.groups).eval()
    assert network.config == config, "the authors' network has other sizes"
    imagen = authors.JointImagen(
        [unet],
        image_sizes=(size,),
        num_classes=config.num_classes,
        text_embed_dim=config.text_dim,
        timesteps=NUM_STEPS,
        sample_timesteps=num_steps,
    )
    process = ProcessConfig(num_classes=config.num_classes)
    stage = StageConfig(
        dataset=DATASET,
        class_names=open_dataset(DATASET, "test", size=size, data_root=None).class_names,
        image_size=size,
        unet=config,
        process=process,
        text=TEXT,
        horizontal_flip=False,
    )
    return Programs(Stage(stage, network, JointProcess(process)), unet, imagen, authors)


def captions(num: int) -> EncodedText:
    """Of the dataset's first images."""
    dataset = open_dataset(DATASET, "test", size=(32, 64), data_root=None)
    return build_text_encoder(TEXT).encode([dataset[index].caption for index in range(num)])


@torch.no_grad()
def largest_error(programs: Programs) -> float:
    """Largest absolute difference of the networks' outputs; see `official_parity.outputs`."""
    text, (height, width) = captions(2), programs.stage.config.image_size
    source = torch.Generator().manual_seed(0)
    image = torch.randn(2, 3, height, width, generator=source)
    layout = torch.randint(20, (2, 1, height, width), generator=source)
    inputs = {
        "image": image,
        "layout": layout,
        "log_snr": torch.tensor([-4.0, 3.0]),
        "text_embeds": text.tokens,
        "text_mask": text.mask,
    }
    ours, errors = outputs(programs.stage.network, inputs), []
    for name, settings in (
        ("cond", {}),
        ("null", {"cond_drop_prob": 1.0}),
        (f"guided_{GUIDANCE:g}", {"cond_scale": GUIDANCE}),
    ):
        run = programs.unet.forward_with_cond_scale if "guided" in name else programs.unet
        theirs = run(
            image,
            layout,
            inputs["log_snr"],
            text_embeds=text.tokens,
            text_mask=text.mask,
            **settings,
        )
        for part, value in zip(("noise", "logits"), theirs, strict=True):
            errors.append(float((ours[f"{part}_{name}"] - value).abs().max()))
    return max(errors)


def sampling(programs: Programs, pairs: int, num_steps: int) -> Iterator[Line]:
    """A stage with guidance, seconds of a batch."""
    for batch in (1, 8):
        text = captions(batch)

        def ours(text: EncodedText = text, batch: int = batch) -> object:
            return sample(
                programs.stage,
                text,
                guidance=GUIDANCE,
                seeds=range(batch),
                num_steps=num_steps,
            )

        def theirs(text: EncodedText = text) -> object:
            return programs.imagen.sample(
                text_embeds=text.tokens,
                text_masks=text.mask,
                cond_scale=GUIDANCE,
                use_tqdm=False,
            )

        seconds = alternate(ours, theirs, pairs)
        yield programs.line(f"sampling, {num_steps} steps", batch) | compared(*seconds, digits=3)


def training(programs: Programs, pairs: int) -> Iterator[Line]:
    """An optimizer step, seconds and memory."""
    for batch in (4, 8):
        ours, theirs = _our_step(programs, batch), _their_step(programs, batch)
        seconds = alternate(ours, theirs, pairs)
        own, other = peak_mib(ours), peak_mib(theirs)
        yield (
            programs.line("training step", batch)
            | compared(*seconds, digits=3)
            | {
                "ours_mib": round(own, 1),
                "theirs_mib": round(other, 1),
                "mib_ratio": round(own / other, 2),
            }
        )


def _data(programs: Programs) -> Any:
    size = programs.stage.config.image_size
    return open_dataset(DATASET, "test", size=size, data_root=None)


def _our_step(programs: Programs, batch: int) -> Callable[[], object]:
    """As the training loop does it, on the same examples in every step."""
    from accelerate import Accelerator

    data = _data(programs)
    task = StageTask(programs.stage.config, data, data, build_text_encoder(TEXT))
    task.num_examples = batch
    network = programs.stage.network.train()
    settings = TrainingConfig(steps=NUM_STEPS, batch_size=batch, max_grad_norm=None)
    accelerator = Accelerator(cpu=True)
    average = MovingAverage(network, settings.ema_max_decay)
    network, optimizer = accelerator.prepare(
        network, torch.optim.AdamW(network.parameters(), lr=1e-9, fused=True, weight_decay=0.0)
    )
    numbers = iter(range(NUM_STEPS))

    def run() -> None:
        make_step(task, settings, next(numbers), accelerator, network, optimizer)
        average.update_parameters(network)

    return run


def _their_step(programs: Programs, batch: int) -> Callable[[], object]:
    """As the authors' trainer does it, after the data are read."""
    data, text = _data(programs), captions(batch)
    items = [data[index] for index in range(batch)]
    images = torch.stack([item.image for item in items]).float() / 255  # (B, 3, H, W)
    labels = torch.stack([item.layout for item in items])[:, None].float()  # (B, 1, H, W)
    trainer = programs.authors.JointImagenTrainer(programs.imagen, lr=1e-9, accelerate_cpu=True)
    trainer.scaler0 = None  # does nothing in float32, and this accelerate takes no disabled one
    trainer.train()

    def run() -> None:
        trainer(images, labels, text_embeds=text.tokens, text_masks=text.mask, unet_number=1)
        trainer.update(unet_number=1)

    return run


def label_chain(authors: Any, pairs: int) -> Iterator[Line]:
    """The three operations on labels, of the size of the paper's second stage."""
    batch, num_classes, height, width = CHAIN
    inputs = make_inputs(*CHAIN)
    ours, theirs = index_operations(), label_operations(authors, inputs)
    _check_divergence(inputs, theirs["kl_forward_backward"]())
    common = {"size": f"{height}x{width}, {num_classes} classes", "batch": batch}
    for operation, run in theirs.items():
        own = ours[operation]
        seconds = alternate(lambda own=own: own(inputs), run, pairs)
        yield {"case": operation} | common | compared(*seconds, digits=3)


def _check_divergence(inputs: Inputs, losses: Tensor) -> None:
    """Their bits per pixel and class are our divergence, scaled as `LossConfig` says."""
    num_classes = inputs.logits.shape[1]
    found = index_operations()["kl_forward"](inputs).double().mean((1, 2))  # (B,)
    chain = Schedule(ScheduleConfig(num_steps=NUM_STEPS), normalized=True)
    last = chain.alpha_bar[NUM_STEPS - 1]  # the authors' last level
    prior = float(categorical.kl_prior(last, num_classes))
    expected = (NUM_STEPS * found + prior) / (math.log(2) * num_classes)
    torch.testing.assert_close(losses.double(), expected, rtol=1e-2, atol=1e-3)


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description="The reference model against the authors'.")
    parser.add_argument("--authors", type=Path, required=True, help="a checkout of their program")
    parser.add_argument("--cases", default="sampling,training,label-chain")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--steps", type=int, default=8, help="reverse transitions of sampling")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    cases = options.cases.split(",")
    if unknown := set(cases) - {"sampling", "training", "label-chain"}:
        parser.error(f"expected sampling, training and label-chain, got {', '.join(unknown)}")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # of the authors' program on this PyTorch
    authors = import_authors(options.authors)
    lines: list[Line] = []
    for config, size in NETWORKS:
        if "sampling" not in cases and "training" not in cases:
            continue
        programs = build(authors, config, size, options.steps)
        error = largest_error(programs)
        assert error < TOLERANCE, f"the outputs differ by {error}"
        print(f"{size}: outputs equal within {error:.1e}", flush=True)
        if "sampling" in cases:
            lines += _shown(sampling(programs, options.pairs, options.steps))
        if "training" in cases:
            lines += _shown(training(programs, options.pairs))
    if "label-chain" in cases:
        lines += _shown(label_chain(authors, options.pairs))
    machine = f"{processor()}, torch {torch.__version__}"
    frame = pd.DataFrame([line | {"pairs": options.pairs, "machine": machine} for line in lines])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if options.out.exists():
        frame = pd.concat([pd.read_csv(options.out), frame]).drop_duplicates(KEY, keep="last")
    frame["parameters"] = frame["parameters"].astype("Int64")
    with replacing(options.out) as temporary:
        frame.to_csv(temporary, index=False)


def _shown(lines: Iterator[Line]) -> Iterator[Line]:
    for line in lines:
        print(line, flush=True)
        yield line


if __name__ == "__main__":
    main()
