"""Our first-order rules: three steps worked by hand, and the identity or known answer of each."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from backend.core.curvature.thresholds import threshold
from backend.core.optimizers.vrgd import agreement
from backend.core.problems.params import Layout
from backend.schemas.optimizer import SgdOptimizer
from backend.schemas.optimizer.aegd import AegdOptimizer
from backend.schemas.optimizer.entropy_sgd import EntropySgdOptimizer
from backend.schemas.optimizer.forward_gradient import ForwardGradientOptimizer
from backend.schemas.optimizer.induced_metric import InducedMetricOptimizer
from backend.schemas.optimizer.optimistic_amsgrad import OptimisticAmsgradOptimizer
from backend.schemas.optimizer.vrgd import VrgdOptimizer
from backend.schemas.optimizer.xgrad import XGradOptimizer
from tests.cases import build
from tests.core.optimizers.solo import Formula, Solo


def bowl(*curvatures: float) -> Formula:
    """½ Σ hᵢxᵢ²."""
    h = torch.tensor(curvatures, dtype=torch.float64)
    return Formula(lambda x: 0.5 * (h * x.square()).sum(), Layout((("x", (len(curvatures),)),)))


PLANE = Layout((("x", (2,)),))
TINY = 1e-12
# Each on ½x², from the given start; the places after steps 1, 2, 3 were worked with pencil and calculator.
BY_HAND: dict[str, tuple[Any, float, tuple[float, float, float]]] = {
    # ŵ = 1, g = 1, v = 1; ŵ = .75 − .25 = .5, v = .5 + .5 = 1; ŵ = .25, v = .75
    "xgrad": (XGradOptimizer(lr=0.25, momentum=0.5), 1.0, (0.75, 0.5, 0.3125)),
    # v = 1; ŵ = .75 − .5 = .25, v = .5 + .25 = .75; ŵ = .5625 − .375 = .1875, v = .375 + .1875
    "xgrad, two ahead": (XGradOptimizer(lr=0.25, momentum=0.5, look_ahead=2.0), 1.0, (0.75, 0.5625, 0.421875)),
    # u = 1; g = .5, m̂ = 2/3, v̂ = .5, u = .942809; g = .278595, m̂ = .444912, v̂ = .258638
    "xgrad, adam": (
        XGradOptimizer(lr=0.25, base="adam", momentum=0.5, beta2=0.5, eps=TINY), 1.0, (0.75, 0.514298, 0.295588),
    ),
    # t = 1: 2/(1 + 1); t = .5625: 1.5/1.5625; t = .2601: 1.02/1.2601
    "metric": (InducedMetricOptimizer(lr=0.5, momentum=0.0, xi=0.25, beta=0.0), 2.0, (1.5, 1.02, 0.615270)),
    # m̂ = 2, ê = 1; m̂ = 1.25/.75, ê = .53125/.75; m̂ = 1.131098/.875, ê = .393692/.875
    "metric, means": (
        InducedMetricOptimizer(lr=0.5, momentum=0.5, xi=0.25, beta=0.5), 2.0, (1.5, 1.012195, 0.566422),
    ),
    # scales 2/(4 + 1), 1.28/(1.6384 + .64), .661896/(.438107 + .330948)
    "metric, log": (
        InducedMetricOptimizer(lr=0.5, momentum=0.0, xi=0.25, beta=0.0, variant="log"), 2.0,
        (1.6, 1.150562, 0.655439),
    ),
    # v̂ = g²: t = .25·2, .25·1.666667, .25·1.313725, and each step .5/(1 + t)
    "metric, rms": (
        InducedMetricOptimizer(lr=0.5, momentum=0.0, xi=0.25, beta=0.0, variant="rms", beta_rms=0.0, eps=TINY), 2.0,
        (1.666667, 1.313725, 0.937341),
    ),
    # first shrunk by 1 − .5·.2
    "metric, decay": (
        InducedMetricOptimizer(lr=0.5, momentum=0.0, xi=0.25, beta=0.0, weight_decay=0.2), 2.0,
        (1.3, 1.3 * 0.9 - 0.65 / 1.4225, 0.713055 * 0.9 - 0.356527 / 1.127112),
    ),
    # √4: v = .5, r = 2/1.25; √2.72: v = .363803, r = 1.6/1.132353; √2.235264: v = .229403, r = 1.412987/1.052626
    "aegd": (AegdOptimizer(lr=0.5, shift=2.0), 2.0, (1.2, 0.685951, 0.378013)),
    # v̂ = .25 from the first step on; w̃ = .9, .775, .64875; h = .75, .6875, .634375
    "optimistic": (
        OptimisticAmsgradOptimizer(lr=0.1, beta1=0.5, beta2=0.75, eps=TINY), 1.0, (0.75, 0.6375, 0.521875),
    ),
    # guesses 1 (a line needs two), 2·.75 − 1 = .5, 2·.6625 − .75 = .575: w̃ = .9, .775, .64625; h = .75, .5625, .609375
    "optimistic, line": (
        OptimisticAmsgradOptimizer(lr=0.1, beta1=0.5, beta2=0.75, eps=TINY, guess="line"), 1.0,
        (0.75, 0.6625, 0.524375),
    ),
    # x′ = 1, 1 and μ = 1.5, 1.25: each step is .625 times the last place
    "entropy": (
        EntropySgdOptimizer(lr=1.0, inner_lr=0.5, inner_steps=2, gamma=1.0, noise=0.0, beta1=0.5), 2.0,
        (1.25, 0.78125, 0.48828125),
    ),
    # In shares of x: γ = 1: x′ = .5, .5, μ = .625; γ = 2: x′ = .5, .75, μ = .75; γ = 4: x′ = .5, 1.25, μ = 1
    "entropy, scoping": (
        EntropySgdOptimizer(lr=1.0, inner_lr=0.5, inner_steps=2, gamma=1.0, noise=0.0, beta1=0.5, scoping=1.0), 2.0,
        (1.25, 1.25 * 0.75, 1.25 * 0.75 * 1.0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BY_HAND))
def test_three_steps_by_hand(name: str) -> None:
    spec, start, places = BY_HAND[name]
    lane = Solo(spec, bowl(1.0), [start])
    assert lane.walk(3)[1:, 0].tolist() == pytest.approx(places, abs=2e-6)


def test_the_loss_and_gradient_are_those_before_the_move() -> None:
    for spec in (InducedMetricOptimizer(), AegdOptimizer(), OptimisticAmsgradOptimizer(), EntropySgdOptimizer()):
        loss, grad_P = Solo(spec, bowl(1.0, 4.0), [2.0, 1.0]).step()
        assert loss.item() == 4.0
        assert grad_P.tolist() == [2.0, 4.0]


# XGrad


def _after_200_steps(spec: Any) -> float:
    lane = Solo(spec, bowl(1.0, 100.0), [1.0, 1.0])
    x, y = lane.walk(200)[-1].tolist()
    return 0.5 * (x**2 + 100 * y**2)


def test_xgrad_beats_heavy_ball_where_that_is_underdamped() -> None:
    ahead = _after_200_steps(XGradOptimizer(lr=0.01, momentum=0.95))
    heavy = _after_200_steps(SgdOptimizer(lr=0.01, momentum=0.95))
    assert ahead == pytest.approx(2.13e-6, rel=0.01)
    assert heavy == pytest.approx(1.202e-3, rel=0.01)
    assert 500 < heavy / ahead < 600


@pytest.mark.parametrize("ahead", [1.0, 2.0])
def test_xgrad_loses_stability_where_heavy_ball_is_fine(ahead: float) -> None:
    edge = (2 + 2 * 0.9) / (1 + 2 * ahead)
    assert threshold(XGradOptimizer(momentum=0.9, look_ahead=ahead), edge) == pytest.approx(1.0)

    def grows(spec: Any) -> bool:
        path = Solo(spec, bowl(1.0), [1.0]).walk(1200).abs()
        return float(path[1100:].max()) > float(path[:100].max())

    assert not grows(XGradOptimizer(lr=0.98 * edge, momentum=0.9, look_ahead=ahead))
    assert grows(XGradOptimizer(lr=1.02 * edge, momentum=0.9, look_ahead=ahead))
    assert not grows(SgdOptimizer(lr=1.02 * edge, momentum=0.9))


def test_xgrad_looks_ahead_without_leaving_a_trace() -> None:
    lane = Solo(XGradOptimizer(lr=0.1, look_ahead=0.0), bowl(1.0, 3.0), [1.0, 1.0])
    plain = Solo(SgdOptimizer(lr=0.1, momentum=0.9), bowl(1.0, 3.0), [1.0, 1.0])
    assert torch.allclose(lane.walk(30), plain.walk(30), rtol=0, atol=1e-14)


# Induced metric


@pytest.mark.parametrize("variant", ["plain", "log", "rms"])
def test_the_induced_metric_is_a_solve_with_its_matrix(variant: str) -> None:
    problem, start_P = build("moons-relu-kaiming"), None
    spec = InducedMetricOptimizer(lr=0.3, momentum=0.0, beta=0.0, beta_rms=0.0, xi=2.0, variant=variant)
    lane = Solo(spec, problem, start_P)
    before_P = lane.at
    loss, grad_P = lane.step()
    direction_P = grad_P / loss if variant == "log" else grad_P
    base_P = grad_P.abs() + 1e-8 if variant == "rms" else torch.ones_like(grad_P)
    metric_PP = torch.diag(base_P) + 2.0 * torch.outer(direction_P, direction_P)
    expected_P = before_P - 0.3 * torch.linalg.solve(metric_PP, direction_P)
    assert torch.allclose(lane.at, expected_P, rtol=0, atol=1e-12)
    assert not torch.equal(lane.at, before_P)


def test_the_logarithm_needs_a_loss_above_zero() -> None:
    below = Formula(lambda x: x.square().sum() - 10.0, PLANE)
    lane = Solo(InducedMetricOptimizer(variant="log"), below, [1.0, 1.0])
    lane.step()
    assert bool(lane.at.isnan().all())


# AEGD


@pytest.mark.parametrize("rate", [1e-3, 0.1, 10.0, 1e4])
def test_aegds_energy_never_rises(rate: float) -> None:
    problem = build("rosenbrock")
    lane = Solo(AegdOptimizer(lr=rate), problem)
    lane.step()
    energy = lane.state()["rule"]["energy"]
    for _ in range(300):
        lane.step()
        now = lane.state()["rule"]["energy"]
        assert bool((now <= energy).all())
        assert bool((now >= 0).all())
        energy = now


def test_aegd_says_when_its_shift_is_too_small() -> None:
    lane = Solo(AegdOptimizer(shift=1.0), Formula(lambda x: x.square().sum() - 10.0, PLANE), [1.0, 1.0])
    lane.step()
    assert bool(lane.at.isnan().all())


# Optimistic AMSGrad


@pytest.mark.parametrize("guess", ["last", "line"])
def test_a_guess_that_comes_true_is_one_step_of_amsgrad_ahead(guess: str) -> None:
    slope = torch.tensor([3.0, -0.5], dtype=torch.float64)
    lane = Solo(OptimisticAmsgradOptimizer(lr=0.1, guess=guess), Formula(lambda x: slope @ x, PLANE), [1.0, 1.0])
    lane.step()
    for _ in range(20):
        ahead_P = lane.at
        lane.step()
        assert torch.allclose(lane.state()["rule"]["base"], ahead_P, rtol=0, atol=1e-12)


# VRGD


def test_vrgds_factor_by_hand() -> None:
    # Means 2, 4, 4 and variances 1, 1, 4: ratios 4, 16, 4, of mean 8. Only the middle one is clipped.
    grads_KP = torch.tensor([[1.0, 3.0, 2.0, 5.0, -1.0], [3.0, 5.0, 6.0, 7.0, 1.0]], dtype=torch.float64)
    layout = Layout((("a", (3,)), ("b", (2,))))
    # The second tensor: means 6, 0, ratios 36, 0, of mean 18: clipped at both ends.
    assert agreement(grads_KP, layout, 0.1).tolist() == [0.5, 1.0, 0.5, 1.0, 0.1]


def test_vrgd_trusts_groups_that_agree_and_survives_zero_gradients() -> None:
    grads_KP = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    assert agreement(grads_KP, Layout((("a", (1,)), ("b", (2,)))), 0.1).tolist() == [1.0, 0.1, 0.1]


@pytest.mark.parametrize("base", ["sgd", "adam"])
def test_vrgd_against_loops_over_groups(base: str) -> None:
    problem = build("wine-linear")
    lane = Solo(VrgdOptimizer(lr=0.05, base=base, groups=5), problem)
    at_P, buffers_B = problem.params0(0)
    mean_P = square_P = smooth_P = torch.zeros_like(at_P)
    data = problem.train
    assert data is not None
    for t in range(1, 4):
        grads = []
        for x, y in zip(data.x.split(10), data.y.split(10), strict=True):
            leaf_P = at_P.clone().requires_grad_()
            grads.append(torch.autograd.grad(problem.batch_loss(leaf_P, buffers_B, x, y), leaf_P)[0])
        g_P = torch.stack(grads).mean(0)
        ratio_P = g_P**2 / (torch.stack(grads) ** 2).mean(0).sub(g_P**2)
        parts = problem.layout.parts(ratio_P)
        ratio_P = torch.cat([(part / part.mean()).clamp(0.1, 1.0).flatten() for part in parts])
        if base == "sgd":
            at_P = at_P - 0.05 * ratio_P * g_P
        else:
            smooth_P = 0.9 * smooth_P + 0.1 * ratio_P
            scaled_P = smooth_P / (1 - 0.9**t) * g_P
            mean_P = 0.9 * mean_P + 0.1 * scaled_P
            square_P = 0.999 * square_P + 0.001 * scaled_P**2
            root_P = (square_P / (1 - 0.999**t)).sqrt() + 1e-8
            at_P = at_P - 0.05 * mean_P / (1 - 0.9**t) / root_P
        lane.step()
        assert torch.allclose(lane.at, at_P, rtol=0, atol=1e-10)


# Entropy-SGD


def test_entropy_sgd_feels_the_curvature_of_the_local_entropy() -> None:
    h, gamma = torch.tensor([0.2, 1.0, 5.0], dtype=torch.float64), 0.7
    spec = EntropySgdOptimizer(lr=gamma, inner_lr=0.1, inner_steps=400, gamma=gamma, noise=0.0, beta1=0.9)
    lane = Solo(spec, bowl(*h.tolist()), [1.0, -2.0, 3.0])
    start_P = lane.at
    lane.step()
    felt_P = (start_P - lane.at) / gamma * gamma / start_P
    assert torch.allclose(felt_P, h * gamma / (h + gamma), rtol=0, atol=1e-9)


def test_the_walk_of_entropy_sgd_is_as_noisy_as_it_should_be() -> None:
    # A flat loss without a tie: after L steps of ε√(2η′)·ζ the mean over the walk has a known variance.
    spec = EntropySgdOptimizer(inner_lr=0.5, inner_steps=3, gamma=0.0, noise=2.0, beta1=0.5)
    size = 40_000
    flat = Formula(lambda x: 0.0 * x.sum(), Layout((("x", (size,)),)))
    lane = Solo(spec, flat, torch.zeros(size))
    lane.step()
    # μ = ½x₃ + ¼x₂ + ⅛x₁ = ⅞ζ₁ + ¾ζ₂ + ½ζ₃ times ε√(2η′) = 2
    expected = 2.0**2 * (0.875**2 + 0.75**2 + 0.5**2)
    assert float(lane.at.var()) == pytest.approx(expected, rel=0.03)
    assert abs(float(lane.at.mean())) < 5 * math.sqrt(expected / size)


# Forward gradients


def test_the_forward_gradient_is_unbiased_with_variance_d_plus_1() -> None:
    slope_P = torch.linspace(-1, 2, 20, dtype=torch.float64)
    lane = Solo(ForwardGradientOptimizer(lr=1e-9), Formula(lambda x: slope_P @ x, Layout((("x", (20,)),))), [0.0] * 20)
    estimates = torch.stack([lane.step()[1] for _ in range(1500)])
    scale = float(slope_P.square().sum())
    error = float((estimates - slope_P).square().sum(1).mean()) / scale
    assert error == pytest.approx(21.0, rel=0.15)
    bias = float((estimates.mean(0) - slope_P).square().sum()) / scale
    assert bias < 3 * 21.0 / 1500


def test_the_forward_gradient_by_hand() -> None:
    lane = Solo(ForwardGradientOptimizer(lr=0.1, samples=3), bowl(1.0, 4.0), [1.0, 1.0])
    generator = torch.Generator()
    generator.set_state(lane.around.generator.get_state())
    at_P = lane.at
    for _ in range(3):
        drawn = [torch.randn(2, generator=generator, dtype=torch.float64) for _ in range(3)]
        gradient_P = at_P * torch.tensor([1.0, 4.0])
        estimate_P: Tensor = sum((gradient_P @ v) * v for v in drawn) / 3  # type: ignore[assignment]
        at_P = at_P - 0.1 * estimate_P
        lane.step()
        assert torch.allclose(lane.at, at_P, rtol=0, atol=1e-13)
