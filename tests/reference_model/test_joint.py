import itertools
import math

import pytest
import torch
from scipy import stats

from reference_model import joint
from reference_model.joint import (
    JointProcess,
    LossConfig,
    NoiseDraw,
    Pair,
    ProcessConfig,
    loss_terms,
    q_sample,
    renoise,
    reverse_step,
)
from reference_model.schedules import ScheduleConfig, respaced_transitions


def make_process(num_steps: int = 1000, num_classes: int | None = 5) -> JointProcess:
    schedule = ScheduleConfig(num_steps=num_steps)
    return JointProcess(
        ProcessConfig(image_schedule=schedule, layout_schedule=schedule, num_classes=num_classes)
    )


def make_case(process: JointProcess, t: torch.Tensor, size=(4, 6), seed: int = 0):
    """(z_0, draw, z_t, noise_hat, logits)."""
    source = torch.Generator().manual_seed(seed)
    shape = (len(t), 3, *size)
    image = torch.rand(shape, generator=source) * 2 - 1
    draw = NoiseDraw.from_generator(source, shape, with_layout=process.num_classes is not None)
    layout = logits = None
    if process.num_classes is not None:
        layout = torch.randint(process.num_classes, (len(t), *size), generator=source)
        logits = torch.randn(len(t), process.num_classes, *size, generator=source)
    z_0 = Pair(image, layout)
    noise_hat = torch.randn(shape, generator=source)
    return z_0, draw, q_sample(process, z_0, t, draw), noise_hat, logits


# --- loss ----------------------------------------------------------------------------------------


def test_image_loss_is_weighted_mean_square():
    process, t = make_process(), torch.tensor([1, 300, 1000])
    z_0, draw, z_t, noise_hat, logits = make_case(process, t)
    terms = loss_terms(process, LossConfig(), z_0, z_t, t, draw, noise_hat, logits)
    squares = ((noise_hat - draw.normal) ** 2).mean((1, 2, 3)).double()
    weights = (1 + process.image.log_snr[t].exp()) ** -0.5
    assert float(terms["image"]) == pytest.approx(float((weights * squares).mean()), rel=1e-5)


@pytest.mark.parametrize("t", [2, 100, 500])
def test_layout_loss_is_the_elbo_in_bits_over_k(t):
    """Section 1.3 of the authors' program: T / (K ln 2) times the mean divergence of a pixel."""
    process, steps = make_process(num_classes=19), torch.tensor([t, t])
    z_0, draw, z_t, noise_hat, logits = make_case(process, steps)
    plain = LossConfig(p2_gamma=0.0, layout_reduction="step_nats", divide_by_classes=False)
    official = LossConfig(p2_gamma=0.0)
    nats, bits = (
        float(loss_terms(process, c, z_0, z_t, steps, draw, noise_hat, logits)["layout"])
        for c in (plain, official)
    )
    assert bits / nats == pytest.approx(1000 / (19 * math.log(2)), rel=1e-3)


def test_plain_layout_loss_is_the_kl_of_the_distributions():
    process, t = make_process(num_steps=20), torch.tensor([5, 13])
    z_0, draw, z_t, noise_hat, logits = make_case(process, t)
    assert logits is not None
    plain = LossConfig(p2_gamma=0.0, layout_reduction="step_nats", divide_by_classes=False)
    terms = loss_terms(process, plain, z_0, z_t, t, draw, noise_hat, logits)
    q = joint.posterior_distribution(process, z_0, z_t, t, t - 1).log_theta.double()
    p = joint.reverse_distribution(process, z_t, t, t - 1, noise_hat, logits).log_theta.double()
    expected = (q.exp() * (q - p)).sum(2).mean()
    assert float(terms["layout"]) == pytest.approx(float(expected), rel=1e-4)


def test_losses_of_an_untrained_network_are_those_of_the_authors():
    """Zero outputs, uniform t, K = 19, cosine: image 0.640, label 0.125 (0.224 without P2)."""
    process, t = make_process(num_classes=19), torch.arange(1, 1001)
    z_0, draw, z_t, noise_hat, logits = make_case(process, t, size=(8, 8))
    assert logits is not None
    arguments = (z_0, z_t, t, draw, noise_hat * 0, logits * 0)
    terms = loss_terms(process, LossConfig(), *arguments)
    assert float(terms["image"]) == pytest.approx(0.640, abs=0.005)
    assert float(terms["layout"]) == pytest.approx(0.125, abs=0.005)
    without = loss_terms(process, LossConfig(p2_gamma=0.0), *arguments)
    assert float(without["layout"]) == pytest.approx(0.224, abs=0.005)


def test_image_only_process_has_the_image_term_only():
    process, t = make_process(num_classes=None), torch.tensor([7])
    z_0, draw, z_t, noise_hat, logits = make_case(process, t)
    assert z_t.layout is None
    assert draw.uniform is None
    assert list(loss_terms(process, LossConfig(), z_0, z_t, t, draw, noise_hat, logits)) == [
        "image"
    ]
    assert reverse_step(process, z_t, 7, 3, noise_hat, None, draw).layout is None
    assert process.prior(draw).layout is None


def test_total_is_the_weighted_sum():
    terms = {"image": torch.tensor(2.0), "layout": torch.tensor(3.0)}
    assert float(joint.total(terms, LossConfig(image_weight=0.5, layout_weight=4.0))) == 13.0
    assert float(joint.total({"image": torch.tensor(2.0)}, LossConfig())) == 2.0


# --- variational bound ---------------------------------------------------------------------------


def test_layout_bound_is_the_expectation_over_all_paths():
    """One pixel, K = 3, T = 3: L_0 + ... + L_T = E_q[log q(y_1..y_T | y_0) - log p(y_0..y_T)]."""
    num_classes, num_steps, y_0 = 3, 3, 2
    process = make_process(num_steps, num_classes)
    alpha_bar = process.layout.alpha_bar.tolist()
    networks = torch.randn(num_steps + 1, num_classes, num_classes, generator=_seeded(0)).double()
    image = torch.zeros(1, 3, 1, 1)
    z_0 = Pair(image, torch.tensor([[[y_0]]]))

    def forward(level: float, before: int, after: int) -> float:
        return level * (before == after) + (1 - level) / num_classes

    def reverse(t: int, y_t: int) -> torch.Tensor:
        """p(y_{t-1} | y_t) from Eq. (12) with the prediction in place of y_0."""
        p_0 = networks[t, y_t].softmax(0)
        alpha = alpha_bar[t] / alpha_bar[t - 1]
        likelihood = torch.tensor([forward(alpha, k, y_t) for k in range(num_classes)]).double()
        weights = likelihood * (alpha_bar[t - 1] * p_0 + (1 - alpha_bar[t - 1]) / num_classes)
        return weights / weights.sum()

    expected = evidence = 0.0
    for path in itertools.product(range(num_classes), repeat=num_steps):
        states = (y_0, *path)
        log_q = sum(
            math.log(forward(alpha_bar[t] / alpha_bar[t - 1], states[t - 1], states[t]))
            for t in range(1, num_steps + 1)
        )
        log_p = -math.log(num_classes) + sum(
            math.log(float(reverse(t, states[t])[states[t - 1]])) for t in range(1, num_steps + 1)
        )
        expected += math.exp(log_q) * (log_q - log_p)
        evidence += math.exp(log_p)

    bound = float(joint.vlb_prior_terms(process, z_0)["layout"])
    for t, y_t in itertools.product(range(1, num_steps + 1), range(num_classes)):
        step, z_t = torch.tensor([t]), Pair(image, torch.tensor([[[y_t]]]))
        logits = networks[t, y_t][None, :, None, None]
        term = joint.vlb_terms(process, z_0, z_t, step, image, logits)["layout"]
        bound += forward(alpha_bar[t], y_0, y_t) * float(term)
    assert bound == pytest.approx(expected, rel=1e-6)
    assert bound > -math.log(evidence)


def test_inner_image_term_is_the_kl_of_the_distributions():
    process, t = make_process(num_steps=50), torch.tensor([2, 20, 50])
    z_0, draw, z_t, noise_hat, logits = make_case(process, t)
    assert logits is not None
    q = joint.posterior_distribution(process, z_0, z_t, t, t - 1)
    p = joint.reverse_distribution(process, z_t, t, t - 1, noise_hat, logits)
    terms = joint.vlb_terms(process, z_0, z_t, t, noise_hat, logits)
    torch.testing.assert_close(q.kl(p), terms["image"] + terms["layout"], rtol=1e-3, atol=1e-4)


def test_perfect_prediction_leaves_only_the_grey_levels():
    process, t = make_process(), torch.tensor([1, 500])
    z_0, draw, z_t, _, _ = make_case(process, t)
    assert z_0.layout is not None
    logits = torch.nn.functional.one_hot(z_0.layout, 5).movedim(-1, 1) * 200.0
    terms = joint.vlb_terms(process, z_0, z_t, t, draw.normal, logits)
    assert terms["layout"].abs().max() == 0.0
    assert float(terms["image"][1]) == pytest.approx(0.0, abs=1e-6)
    sigma = math.sqrt(1 - float(process.image.alpha_bar[1]))
    level = stats.norm.cdf(0.5 / 127.5, scale=sigma) - stats.norm.cdf(-0.5 / 127.5, scale=sigma)
    num_values = z_0.image[0].numel()
    assert float(terms["image"][0]) == pytest.approx(-num_values * math.log(level), rel=1e-2)


def test_prior_terms_are_small_and_count_no_ignored_pixel():
    process, t = make_process(), torch.tensor([1])
    z_0 = make_case(process, t)[0]
    assert z_0.layout is not None
    full = joint.vlb_prior_terms(process, z_0)
    half = z_0.layout.clone()
    half[:, :2] = 255
    masked = joint.vlb_prior_terms(process, Pair(z_0.image, half))
    assert 0 < float(full["image"]) < 1e-3
    assert float(masked["layout"]) == pytest.approx(float(full["layout"]) / 2)


# --- sampling ------------------------------------------------------------------------------------


def test_forward_draw_follows_both_marginals():
    process, t = make_process(num_classes=4), torch.full((400,), 350)
    source = _seeded(0)
    draw = NoiseDraw.from_generator(source, (400, 3, 10, 10), with_layout=True)
    z_0 = Pair(torch.full((400, 3, 10, 10), 0.5), torch.full((400, 10, 10), 2))
    z_t = q_sample(process, z_0, t, draw)
    alpha_bar = float(process.image.alpha_bar[350])
    assert z_t.layout is not None
    test = stats.kstest(
        z_t.image.flatten()[:20_000], "norm", (0.5 * alpha_bar**0.5, (1 - alpha_bar) ** 0.5)
    )
    assert test.pvalue > 1e-3
    level = float(process.layout.alpha_bar[350])
    expected = torch.full((4,), (1 - level) / 4, dtype=torch.float64)
    expected[2] += level
    counts = torch.bincount(z_t.layout.flatten(), minlength=4)
    assert stats.chisquare(counts, expected * counts.sum()).pvalue > 1e-3


def test_one_step_with_the_true_noise_and_layout_draws_from_the_true_posterior():
    """With a perfect network the chain's marginal at s is q(z_s | z_0)."""
    process = make_process(num_classes=4)
    count, t, s = 300, 600, 400
    source = _seeded(1)
    z_0 = Pair(torch.full((count, 3, 10, 10), -0.3), torch.full((count, 10, 10), 1))
    first, second = (
        NoiseDraw.from_generator(source, (count, 3, 10, 10), with_layout=True) for _ in range(2)
    )
    z_t = q_sample(process, z_0, torch.full((count,), t), first)
    logits = torch.zeros(count, 4, 10, 10)
    logits[:, 1] = 100.0
    z_s = reverse_step(process, z_t, t, s, first.normal, logits, second)
    assert z_s.layout is not None
    alpha_bar = float(process.image.alpha_bar[s])
    moments = (-0.3 * alpha_bar**0.5, (1 - alpha_bar) ** 0.5)
    assert stats.kstest(z_s.image.flatten()[:20_000], "norm", moments).pvalue > 1e-3
    level = float(process.layout.alpha_bar[s])
    expected = torch.full((4,), (1 - level) / 4, dtype=torch.float64)
    expected[1] += level
    counts = torch.bincount(z_s.layout.flatten(), minlength=4)
    assert stats.chisquare(counts, expected * counts.sum()).pvalue > 1e-3


@pytest.mark.parametrize("num_steps", [10, 7])
def test_a_perfect_network_brings_the_prior_back_to_the_data(num_steps):
    """The full respaced loop: no Gaussian residue at the end, labels drawn to y_0."""
    process = make_process(num_classes=4)
    source = _seeded(2)
    shape = (2, 3, 5, 5)
    target = Pair(
        torch.rand(shape, generator=source) * 2 - 1,
        torch.randint(4, (2, 5, 5), generator=source),
    )
    assert target.layout is not None
    logits = torch.nn.functional.one_hot(target.layout, 4).movedim(-1, 1) * 100.0
    z = process.prior(NoiseDraw.from_generator(source, shape, with_layout=True))
    for t, s in respaced_transitions(1000, num_steps):
        alpha_bar = float(process.image.alpha_bar[t])
        noise_hat = (z.image - alpha_bar**0.5 * target.image) / (1 - alpha_bar) ** 0.5
        draw = NoiseDraw.from_generator(source, shape, with_layout=True)
        z = reverse_step(process, z, t, s, noise_hat, logits, draw)
    torch.testing.assert_close(z.image, target.image, rtol=0, atol=1e-4)
    assert torch.equal(z.layout, target.layout) if z.layout is not None else False


def test_renoising_gives_the_marginal_at_t():
    """q(z_t | z_0) is q(z_s | z_0) and the forward step: mean, variance and share of classes."""
    process = make_process(num_steps=50, num_classes=3)
    num = 4000
    z_0 = Pair(torch.full((num, 3, 8, 8), 0.5), torch.zeros(num, 8, 8, dtype=torch.long))
    draws = [
        NoiseDraw.from_generator(
            torch.Generator().manual_seed(seed), (num, 3, 8, 8), with_layout=True
        )
        for seed in (1, 2)
    ]
    s, t = 20, 30
    z_s = q_sample(process, z_0, torch.full((num,), s), draws[0])
    z_t = renoise(process, z_s, s, t, draws[1])
    alpha_bar = float(process.image.alpha_bar[t])
    assert float(z_t.image.mean()) == pytest.approx(0.5 * math.sqrt(alpha_bar), abs=0.005)
    assert float(z_t.image.var()) == pytest.approx(1 - alpha_bar, rel=0.01)
    layout_bar = float(process.layout.alpha_bar[t])
    share = float((z_t.layout == 0).float().mean())
    assert share == pytest.approx(layout_bar + (1 - layout_bar) / 3, abs=0.005)


def test_thresholding_keeps_the_first_step_in_range_and_can_be_switched_off():
    process, t = make_process(), torch.tensor([1000])
    z_0, draw, z_t, noise_hat, logits = make_case(process, t)
    bounded = reverse_step(process, z_t, 1000, 0, noise_hat, logits, draw)
    free = reverse_step(process, z_t, 1000, 0, noise_hat, logits, draw, threshold=False)
    assert float(bounded.image.abs().max()) <= 1.0
    assert float(free.image.abs().max()) > 10.0


def test_prior_is_normal_and_uniform():
    process = make_process(num_classes=7)
    draw = NoiseDraw.from_generator(_seeded(3), (100, 3, 20, 20), with_layout=True)
    z_T = process.prior(draw)
    assert z_T.layout is not None
    assert torch.equal(z_T.image, draw.normal)
    assert stats.chisquare(torch.bincount(z_T.layout.flatten(), minlength=7)).pvalue > 1e-3


# --- the pieces ----------------------------------------------------------------------------------


def test_draws_join_along_the_batch():
    sources = [_seeded(i) for i in range(3)]
    parts = [NoiseDraw.from_generator(g, (1, 3, 2, 2), with_layout=True) for g in sources]
    whole = NoiseDraw.cat(parts)
    assert whole.uniform is not None
    assert whole.normal.shape == (3, 3, 2, 2)
    assert torch.equal(whole.uniform[1], parts[1].uniform[0])  # type: ignore[index]
    with pytest.raises(ValueError, match="all or no draws"):
        NoiseDraw.cat([parts[0], NoiseDraw(parts[1].normal, None)])


def test_pairs_and_draws_move_between_devices():
    meta = torch.device("meta")
    pair = Pair(torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long)).to(meta)
    draw = NoiseDraw(torch.zeros(1, 3, 2, 2), None).to(meta)
    assert pair.layout is not None
    assert pair.image.device == pair.layout.device == draw.normal.device == meta


def test_missing_layout_is_named():
    process, t = make_process(), torch.tensor([3])
    z_0, draw, *_ = make_case(process, t)
    with pytest.raises(ValueError, match="z_0.layout"):
        q_sample(process, Pair(z_0.image, None), t, draw)


@pytest.mark.parametrize(("t", "s"), [(3, 3), (2, 5), (1001, 3), (4, -1)])
def test_steps_out_of_order_are_refused(t, s):
    process = make_process()
    z_0, draw, z_t, noise_hat, logits = make_case(process, torch.tensor([3]))
    with pytest.raises(ValueError, match="0 <= s < t <= 1000"):
        reverse_step(process, z_t, t, s, noise_hat, logits, draw)


def test_bad_configurations_are_refused():
    with pytest.raises(ValueError, match="same num_steps"):
        ProcessConfig(layout_schedule=ScheduleConfig(num_steps=10), num_classes=4)
    with pytest.raises(ValueError, match="2 to 254"):
        ProcessConfig(num_classes=1)
    with pytest.raises(ValueError, match="p2_gamma"):
        LossConfig(p2_gamma=-0.5)


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
