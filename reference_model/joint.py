"""The Gaussian-categorical process of Section 3.2: z = (x, y), its losses, its reverse step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor

from gcdp_bench.core.types import IGNORE_ID
from reference_model import categorical, categorical_fused, gaussian
from reference_model.distribution import GaussianCategorical
from reference_model.image_samplers import ImageStep, ancestral
from reference_model.schedules import Schedule, ScheduleConfig

__all__ = [
    "GaussianCategorical",
    "JointProcess",
    "LossConfig",
    "NoiseDraw",
    "Pair",
    "ProcessConfig",
    "loss_terms",
    "posterior_distribution",
    "q_sample",
    "renoise",
    "reverse_distribution",
    "reverse_step",
    "total",
    "vlb_prior_terms",
    "vlb_terms",
]


@dataclass(frozen=True)
class Pair:
    """z = (x, y); a model without layouts leaves `layout` None."""

    image: Float[Tensor, "B 3 H W"]  # [-1, 1] when clean
    layout: Integer[Tensor, "B H W"] | None

    def to(self, device: torch.device) -> Pair:
        """The pair on `device`."""
        return Pair(self.image.to(device), None if self.layout is None else self.layout.to(device))


@dataclass(frozen=True)
class NoiseDraw:
    """The random numbers of one transition; `uniform` is None without layouts."""

    normal: Float[Tensor, "B 3 H W"]
    uniform: Float[Tensor, "B H W"] | None

    @classmethod
    def from_generator(
        cls, generator: torch.Generator, shape: Sequence[int], *, with_layout: bool
    ) -> NoiseDraw:
        """Draw for an image of `shape` (B, 3, H, W), on the generator's device."""
        batch, _, height, width = shape
        device = generator.device
        normal = torch.randn(*shape, generator=generator, device=device)
        if not with_layout:
            return cls(normal, None)
        uniform = torch.rand(batch, height, width, generator=generator, device=device)
        return cls(normal, uniform)

    @classmethod
    def cat(cls, draws: Sequence[NoiseDraw]) -> NoiseDraw:
        """Draws joined along the batch; all with uniform numbers or none."""
        uniforms = [draw.uniform for draw in draws if draw.uniform is not None]
        if len(uniforms) not in (0, len(draws)):
            raise ValueError(f"expected uniform numbers in all or no draws, got {len(uniforms)}")
        normal = torch.cat([draw.normal for draw in draws])  # (B, 3, H, W)
        return cls(normal, torch.cat(uniforms) if uniforms else None)

    def to(self, device: torch.device) -> NoiseDraw:
        """The draw on `device`."""
        uniform = None if self.uniform is None else self.uniform.to(device)
        return NoiseDraw(self.normal.to(device), uniform)


@dataclass(frozen=True, kw_only=True)
class ProcessConfig:
    """Both noise schedules (beta^N and beta^c of Eq. 10) and K.

    The network is told the log SNR of the image chain only; it implies t and so the layout's level,
    for the schedules it was trained with.
    """

    image_schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    layout_schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    num_classes: int | None  # None: images only

    def __post_init__(self):
        image_steps, layout_steps = self.image_schedule.num_steps, self.layout_schedule.num_steps
        if image_steps != layout_steps:
            raise ValueError(
                "image_schedule and layout_schedule: expected the same num_steps, got "
                f"{image_steps} and {layout_steps}"
            )
        if self.num_classes is not None and not 2 <= self.num_classes < IGNORE_ID:
            raise ValueError(
                f"num_classes: expected 2 to {IGNORE_ID - 1}, or None, got {self.num_classes}"
            )

    @property
    def num_steps(self) -> int:
        """T of both chains."""
        return self.image_schedule.num_steps


class JointProcess:
    """The forward process q: a schedule per chain on common integer steps."""

    def __init__(self, config: ProcessConfig):
        self.config = config
        self.num_steps = config.num_steps
        self.num_classes = config.num_classes
        self.image = Schedule(config.image_schedule)
        self.layout = Schedule(config.layout_schedule, normalized=True)

    def prior(self, draw: NoiseDraw) -> Pair:
        """A draw of z_T: standard normal image, uniform layout."""
        if self.num_classes is None:
            return Pair(draw.normal, None)
        layout = (_required(draw.uniform, "uniform") * self.num_classes).long()  # (B, H, W)
        return Pair(draw.normal, layout.clamp_max(self.num_classes - 1))

    def layout_rates(
        self, t: Int[Tensor, " B"], s: Int[Tensor, " B"]
    ) -> tuple[Float[Tensor, "B 1 1"], Float[Tensor, "B 1 1"]]:
        """alpha = alpha_bar_t / alpha_bar_s and alpha_bar_s of the layout chain, (B, 1, 1)."""
        alpha_bar_s = self.layout.at(s, ndim=3)
        return self.layout.at(t, ndim=3) / alpha_bar_s, alpha_bar_s


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Scales of the two terms of Eq. (19). The defaults are the authors' program.

    The paper alone (p2_gamma=0, layout_reduction="step_nats", divide_by_classes=False) has neither
    the P2 weight nor the factor T and the division by K.
    """

    image_weight: float = 1.0
    layout_weight: float = 1.0
    p2_gamma: float = 0.5  # both terms are multiplied by (1 + SNR_t)^-gamma; 0 switches it off
    # elbo_bits: (T KL + KL_prior) / ln 2, the label ELBO in bits per pixel;
    # step_nats: KL of the drawn transition in nats per pixel.
    layout_reduction: Literal["elbo_bits", "step_nats"] = "elbo_bits"
    divide_by_classes: bool = True  # the layout term is divided by K

    def __post_init__(self):
        for name in ("image_weight", "layout_weight", "p2_gamma"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name}: expected a finite value of at least 0, got {getattr(self, name)}"
                )


def q_sample(process: JointProcess, z_0: Pair, t: Int[Tensor, " B"], draw: NoiseDraw) -> Pair:
    """A draw of q(z_t | z_0), Eq. (11) corrected; t in 0..T per sample."""
    image = gaussian.q_sample(z_0.image, process.image.at(t), draw.normal)
    if process.num_classes is None:
        return Pair(image, None)
    layout = categorical.q_sample(
        _required(z_0.layout, "z_0.layout"),
        process.layout.at(t, ndim=3),
        process.num_classes,
        _required(draw.uniform, "draw.uniform"),
    )
    return Pair(image, layout)


def renoise(process: JointProcess, z_s: Pair, s: int, t: int, draw: NoiseDraw) -> Pair:
    """A draw of q(z_t | z_s), Eq. (10), 0 <= s < t: the forward step that RePaint goes back by."""
    device = z_s.image.device
    then, now = torch.tensor([s], device=device), torch.tensor([t], device=device)  # (1,)
    image = gaussian.renoise(z_s.image, process.image.at(then), process.image.at(now), draw.normal)
    if process.num_classes is None:
        return Pair(image, None)
    layout = categorical.renoise(
        _required(z_s.layout, "z_s.layout"),
        process.layout.at(then, ndim=3),
        process.layout.at(now, ndim=3),
        process.num_classes,
        _required(draw.uniform, "draw.uniform"),
    )
    return Pair(image, layout)


def loss_terms(
    process: JointProcess,
    config: LossConfig,
    z_0: Pair,
    z_t: Pair,
    t: Int[Tensor, " B"],
    draw: NoiseDraw,
    noise_hat: Float[Tensor, "B 3 H W"],
    logits: Float[Tensor, "B K H W"] | None,
) -> dict[str, Tensor]:
    """Terms of Eq. (19) for drawn t in 1..T, averaged over the batch, not yet weighted.

    image: P2 weight times the mean of (noise_hat - noise)^2 (L_simple); layout: P2 weight times the
    label divergence, scaled as `config` says. Ignored pixels count as 0 in its mean.
    """
    p2 = (1.0 - process.image.at(t, ndim=1)).float() ** config.p2_gamma  # (B,)
    squares = (noise_hat.float() - draw.normal) ** 2  # (B, 3, H, W)
    terms = {"image": (p2 * squares.mean((1, 2, 3))).mean()}
    if process.num_classes is not None:
        kl = categorical_fused.kl_posterior(
            _required(z_t.layout, "z_t.layout"),
            _required(z_0.layout, "z_0.layout"),
            _required(logits, "logits"),
            *process.layout_rates(t, t - 1),
        )  # (B, H, W)
        per_pixel = kl.mean((1, 2))  # (B,)
        if config.layout_reduction == "elbo_bits":
            prior = float(categorical.kl_prior(process.layout.alpha_bar[-1], process.num_classes))
            per_pixel = (process.num_steps * per_pixel + prior) / math.log(2.0)
        if config.divide_by_classes:
            per_pixel = per_pixel / process.num_classes
        terms["layout"] = (p2 * per_pixel).mean()
    return terms


def total(terms: dict[str, Tensor], config: LossConfig) -> Tensor:
    """lambda_1 L_image + lambda_2 L_layout."""
    weights = {"image": config.image_weight, "layout": config.layout_weight}
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()


def vlb_terms(
    process: JointProcess,
    z_0: Pair,
    z_t: Pair,
    t: Int[Tensor, " B"],
    noise_hat: Float[Tensor, "B 3 H W"],
    logits: Float[Tensor, "B K H W"] | None,
) -> dict[str, Tensor]:
    """L_{t-1} of Eq. (15), or L_0 of Eq. (14) where t = 1: (B,) each, nats summed over pixels.

    The image's L_0 is the likelihood of its 256 grey levels, with variance 1 - alpha_bar_1.
    """
    alpha_bar_t, alpha_bar_s = process.image.at(t), process.image.at(t - 1)
    x_0_hat = gaussian.predict_x_0(z_t.image, noise_hat.float(), alpha_bar_t)
    mean, variance = gaussian.posterior(z_0.image, z_t.image, alpha_bar_t, alpha_bar_s)
    mean_hat, _ = gaussian.posterior(x_0_hat, z_t.image, alpha_bar_t, alpha_bar_s)
    step = (mean - mean_hat) ** 2 / (2.0 * variance).clamp_min(1e-30)  # (B, 3, H, W)
    first = gaussian.discretized_nll(z_0.image, x_0_hat, 1.0 - alpha_bar_t)  # (B, 3, H, W)
    image = torch.where(t[:, None, None, None] == 1, first, step)
    terms = {"image": image.sum((1, 2, 3))}
    if process.num_classes is not None:
        kl = categorical_fused.kl_posterior(
            _required(z_t.layout, "z_t.layout"),
            _required(z_0.layout, "z_0.layout"),
            _required(logits, "logits"),
            *process.layout_rates(t, t - 1),
        )  # (B, H, W)
        terms["layout"] = kl.sum((1, 2))
    return terms


def vlb_prior_terms(process: JointProcess, z_0: Pair) -> dict[str, Tensor]:
    """L_T of Eq. (16): (B,) each, nats summed over pixels."""
    alpha_bar_T = process.image.alpha_bar[-1].to(z_0.image.device)
    mean, variance = alpha_bar_T.sqrt() * z_0.image.double(), 1.0 - alpha_bar_T
    image = gaussian.kl(mean, variance, torch.zeros_like(mean), torch.ones_like(variance))
    terms = {"image": image.sum((1, 2, 3)).to(z_0.image.dtype)}
    if process.num_classes is not None:
        counted = _required(z_0.layout, "z_0.layout") != IGNORE_ID  # (B, H, W)
        per_pixel = categorical.kl_prior(process.layout.alpha_bar[-1], process.num_classes)
        terms["layout"] = counted.sum((1, 2)).to(z_0.image.dtype) * float(per_pixel)
    return terms


def posterior_distribution(
    process: JointProcess, z_0: Pair, z_t: Pair, t: Int[Tensor, " B"], s: Int[Tensor, " B"]
) -> GaussianCategorical:
    """q(z_s | z_t, z_0), Eq. (12) corrected, with N = 3 H W, M = H W and S = 1."""
    classes = _required(process.num_classes, "process.num_classes")
    log_theta = categorical.posterior_true(
        _required(z_t.layout, "z_t.layout"),
        _required(z_0.layout, "z_0.layout"),
        *process.layout_rates(t, s),
        classes,
    ).log()  # (B, K, H, W)
    return _distribution(process, z_0.image, z_t.image, log_theta.to(z_t.image.dtype), t, s)


def reverse_distribution(
    process: JointProcess,
    z_t: Pair,
    t: Int[Tensor, " B"],
    s: Int[Tensor, " B"],
    noise_hat: Float[Tensor, "B 3 H W"],
    logits: Float[Tensor, "B K H W"],
) -> GaussianCategorical:
    """p_theta(z_s | z_t), Eq. (17)-(18), with N = 3 H W, M = H W and S = 1; no thresholding."""
    x_0_hat = gaussian.predict_x_0(z_t.image, noise_hat, process.image.at(t))
    log_theta = categorical.posterior_log_probs(
        _required(z_t.layout, "z_t.layout"), logits.softmax(1), *process.layout_rates(t, s)
    )  # (B, K, H, W)
    return _distribution(process, x_0_hat, z_t.image, log_theta, t, s)


def reverse_step(
    process: JointProcess,
    z_t: Pair,
    t: int,
    s: int,
    noise_hat: Float[Tensor, "B 3 H W"],
    logits: Float[Tensor, "B K H W"] | None,
    draw: NoiseDraw,
    *,
    threshold: bool = True,
    image_step: ImageStep = ancestral,
) -> Pair:
    """A draw of p_theta(z_s | z_t), Eq. (17), 0 <= s < t.

    The image is its posterior mean, with x_0 dynamically thresholded, plus noise of the posterior
    variance (none at s = 0); the layout is drawn from the plug-in posterior, at s = 0 as well.
    Another `image_step` moves the image in another way, from the same x_0; the layout is drawn
    alike.
    """
    if not 0 <= s < t <= process.num_steps:
        raise ValueError(f"expected 0 <= s < t <= {process.num_steps}, got t={t}, s={s}")
    device = z_t.image.device
    now, then = torch.tensor([t], device=device), torch.tensor([s], device=device)  # (1,)
    alpha_bar_t, alpha_bar_s = process.image.at(now), process.image.at(then)  # (1, 1, 1, 1)
    x_0_hat = gaussian.predict_x_0(z_t.image, noise_hat.float(), alpha_bar_t)
    if threshold:
        x_0_hat = gaussian.dynamic_threshold(x_0_hat)
    image = image_step(x_0_hat, z_t.image, alpha_bar_t, alpha_bar_s, draw.normal)  # (B, 3, H, W)
    if process.num_classes is None:
        return Pair(image, None)
    layout = categorical_fused.sample_posterior(
        _required(z_t.layout, "z_t.layout"),
        _required(logits, "logits"),
        *process.layout_rates(now, then),
        _required(draw.uniform, "draw.uniform"),
    )
    return Pair(image, layout)


def _distribution(
    process: JointProcess,
    x_0: Tensor,
    x_t: Tensor,
    log_theta: Tensor,
    t: Tensor,
    s: Tensor,
) -> GaussianCategorical:
    """Flatten the posterior of an image and the label log-probabilities (B, K, H, W)."""
    mean, variance = gaussian.posterior(x_0, x_t, process.image.at(t), process.image.at(s))
    return GaussianCategorical(
        mean.flatten(1)[:, None],  # (B, 1, N)
        variance.expand_as(mean).flatten(1)[:, None],  # (B, 1, N)
        log_theta.flatten(2).transpose(1, 2),  # (B, M, K)
    )


def _required(value, name: str):
    """`value`, which a process with layouts cannot do without."""
    if value is None:
        raise ValueError(f"a process with layouts needs {name}, got None; set num_classes to None")
    return value
