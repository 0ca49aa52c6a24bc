"""The edge of stability: thresholds where steps begin to grow, preconditioners, flow to the end, overlaps."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from backend.core.analyses.base import Moment
from backend.core.curvature.eigenpairs import finish
from backend.core.curvature.gradient_flow import gradient_flow
from backend.core.curvature.hvp import hessian
from backend.core.curvature.lanczos import lanczos
from backend.core.curvature.overlap import baseline, fraction_in, subspace_overlap
from backend.core.curvature.preconditioned import preconditioned, preconditioner
from backend.core.curvature.thresholds import preconditioned_threshold, threshold
from backend.core.optimizers.base import Optimizer
from backend.core.optimizers.registry import build_optimizer
from backend.core.optimizers.surroundings import surround
from backend.core.problems.build import build_problem
from backend.core.problems.params import Layout
from backend.schemas.optimizer import (
    AdagradOptimizer,
    AdamOptimizer,
    AdamWOptimizer,
    AnyOptimizer,
    RmspropOptimizer,
    SgdOptimizer,
)
from backend.schemas.problem import FunctionProblem
from backend.schemas.problem.function import QuadraticFunction
from tests.core.curvature.curvature_cases import CPU, FITTED, Dense, dense_hessian, drawn, over, place
from tests.core.optimizers.solo import Formula

LR = 0.1


def trained(spec: AnyOptimizer, steps: int, grad: Callable[[Tensor], Tensor], size: int) -> tuple[Tensor, Optimizer]:
    params_P = torch.randn(size, generator=drawn(), dtype=torch.float64)
    problem: Any = Formula(lambda at_P: at_P.square().sum(), Layout((("x", (size,)),)))
    rule = build_optimizer(spec, surround(problem, params_P, torch.empty(0)))
    for _ in range(steps):
        rule.step(lambda: (params_P.square().sum(), grad(params_P)))
    return params_P, rule


@pytest.mark.parametrize(
    "spec",
    [
        SgdOptimizer(lr=LR),
        SgdOptimizer(lr=LR, momentum=0.9),
        SgdOptimizer(lr=LR, momentum=0.5),
        SgdOptimizer(lr=LR, momentum=0.9, nesterov=True),
        SgdOptimizer(lr=LR, momentum=0.3, nesterov=True, weight_decay=0.7),
    ],
    ids=["plain", "polyak", "polyak-half", "nesterov", "nesterov-decay"],
)
def test_descent_converges_below_its_threshold_and_diverges_above(spec: SgdOptimizer) -> None:
    edge = threshold(spec, LR)
    assert edge is not None
    for sharpness, grows in ((0.99 * edge, False), (1.01 * edge, True)):
        params_P, _ = trained(spec, 3000, lambda at_P, s=sharpness: s * at_P, 3)
        assert (float(params_P.abs().max()) > 1e3) is grows
    assert preconditioned_threshold(spec, LR) is None


@pytest.mark.parametrize(
    "spec", [AdamOptimizer(lr=LR), AdamOptimizer(lr=LR, beta1=0.5), AdamWOptimizer(lr=LR, beta1=0.0)]
)
def test_adam_with_a_frozen_preconditioner_crosses_at_its_threshold(spec: AdamOptimizer | AdamWOptimizer) -> None:
    edge = preconditioned_threshold(spec, LR)
    assert edge is not None
    assert threshold(spec, LR) is None
    for sharpness, grows in ((0.999 * edge, False), (1.001 * edge, True)):  # of P⁻¹H
        at, mean = 1.0, 0.0
        for _ in range(20_000):
            mean = spec.beta1 * mean + (1 - spec.beta1) * sharpness * at
            at -= LR * mean
        assert (abs(at) > 1.0) is grows


def test_rmsprop_has_descents_thresholds() -> None:
    assert preconditioned_threshold(RmspropOptimizer(lr=LR), LR) == pytest.approx(2 / LR)
    assert preconditioned_threshold(RmspropOptimizer(lr=LR, momentum=0.5), LR) == pytest.approx(3 / LR)
    assert threshold(AdagradOptimizer(), LR) is preconditioned_threshold(AdagradOptimizer(), LR) is None


def test_a_rate_of_zero_has_no_edge() -> None:
    assert threshold(SgdOptimizer(), 0.0) == preconditioned_threshold(AdamOptimizer(), 0.0) == float("inf")


@pytest.mark.parametrize(
    "spec",
    [
        AdamOptimizer(lr=0.01, eps=1e-4),
        AdamOptimizer(lr=0.01, amsgrad=True),
        AdamWOptimizer(lr=0.01, beta1=0.5, weight_decay=0.0),
        RmspropOptimizer(lr=0.01),
    ],
    ids=["adam", "amsgrad", "adamw", "rmsprop"],
)
def test_the_preconditioner_is_what_the_rule_divides_by(spec: AnyOptimizer) -> None:
    """With the state frozen, the next step is −η·P⁻¹m, m the rule's own mean of gradients."""
    size = 6
    params_P, rule = trained(spec, 9, lambda at_P: at_P * torch.arange(1, size + 1) + torch.sin(5 * at_P), size)
    before_P = params_P.clone()
    grad_P = torch.ones(size, dtype=torch.float64)
    rule.step(lambda: (params_P.sum(), grad_P))
    state = rule.state_dict()
    diagonal_P = preconditioner(spec, state, params_P)
    assert diagonal_P is not None
    mean_P = state.get("0.exp_avg", grad_P)
    torch.testing.assert_close(before_P - params_P, spec.lr * mean_P / diagonal_P, rtol=1e-10, atol=0.0)


def test_rules_without_a_preconditioner_say_so() -> None:
    assert preconditioner(SgdOptimizer(), {"0.momentum_buffer": torch.ones(2)}, torch.ones(2)) is None
    assert preconditioner(AdamOptimizer(), {}, torch.ones(2)) is None
    with pytest.raises(ValueError, match="preconditioner above 0, got a smallest entry of 0"):
        preconditioned(Dense(torch.eye(2)), torch.tensor([1.0, 0.0]))


@over(FITTED)
def test_preconditioned_eigenvalues_are_those_of_the_product(name: str) -> None:
    problem, moment = place(name)
    dense = dense_hessian(problem, moment)
    diagonal_P = 0.01 + torch.rand(len(dense), generator=drawn(2), dtype=torch.float64)
    operator = preconditioned(hessian(problem, moment), diagonal_P)
    k = min(4, len(dense) - 1)
    pairs = finish(lanczos(operator, k, drawn(), tol=1e-7))
    exact = torch.linalg.eigvals(dense / diagonal_P.unsqueeze(1)).real.sort(descending=True).values[:k]
    torch.testing.assert_close(pairs.values_K, exact, rtol=1e-6, atol=1e-8)
    V_KP = pairs.vectors_KP
    residuals = (operator.apply(V_KP) - pairs.values_K.unsqueeze(1) * V_KP).norm(dim=1)
    assert bool((residuals <= 1e-6 * float(exact.abs().max())).all())
    assert torch.equal(operator.apply(V_KP), operator.apply(V_KP))


class Hyperbola:
    """L = ½(ab − 1)²: flow keeps a² − b²."""

    def __init__(self) -> None:
        self._bowl = build_problem(FunctionProblem(function=QuadraticFunction()), torch.float64, CPU)

    def __getattr__(self, name: str) -> object:
        return getattr(self._bowl, name)

    def loss(self, params_P: Tensor, buffers_B: Tensor, data: object = None, batchnorm: str = "frozen") -> Tensor:
        return 0.5 * (params_P[0] * params_P[1] - 1) ** 2


@pytest.mark.parametrize(("a", "b"), [(2.0, 1.5), (0.2, 3.0), (1.0, 0.1)])
def test_flow_ends_where_the_formula_says(a: float, b: float) -> None:
    problem = Hyperbola()
    start = Moment(0, torch.tensor([a, b], dtype=torch.float64), torch.empty(0, dtype=torch.float64))
    flow = finish(gradient_flow(problem, start, grad_tol=1e-9, rtol=1e-9))  # type: ignore[arg-type]
    assert flow.converged
    assert flow.grad_norm <= 1e-9
    at_P = flow.moment.params_P
    assert float(at_P[0] ** 2 - at_P[1] ** 2) == pytest.approx(a**2 - b**2, rel=1e-6)
    sharpness = finish(lanczos(hessian(problem, flow.moment), 1, drawn(), tol=1e-8)).sharpness  # type: ignore[arg-type]
    assert sharpness == pytest.approx(((a**2 - b**2) ** 2 + 4) ** 0.5, rel=1e-6)


def test_flow_sharpness_falls_while_the_loss_oscillates() -> None:
    """Gradient descent just beyond the edge of stability on ½(ab − 1)²."""
    problem = Hyperbola()
    at_P = torch.tensor([2.6, 0.35], dtype=torch.float64)
    losses, sharpnesses = [], []
    for step in range(25):
        moment = Moment(step, at_P.clone(), torch.empty(0, dtype=torch.float64))
        end = finish(gradient_flow(problem, moment)).moment  # type: ignore[arg-type]
        sharpnesses.append(finish(lanczos(hessian(problem, end), 1, drawn(), tol=1e-8)).sharpness)  # type: ignore[arg-type]
        losses.append(float(problem.loss(at_P, at_P)))
        at_P = at_P - 0.31 * (at_P[0] * at_P[1] - 1) * at_P.flip(0)
    assert any(later > earlier for earlier, later in pairwise(losses))
    assert all(later <= earlier + 1e-5 for earlier, later in pairwise(sharpnesses))


def test_flow_says_when_it_has_not_ended() -> None:
    problem, moment = place("relu")
    flow = finish(gradient_flow(problem, moment, budget=50))
    assert not flow.converged
    assert 50 <= flow.gradients < 70
    with pytest.raises(ValueError, match="tolerances above 0"):
        finish(gradient_flow(problem, moment, grad_tol=0.0))


def test_flow_ends_at_once_where_the_gradient_overflows() -> None:
    at = Moment(0, torch.full((2,), 1e200, dtype=torch.float64), torch.empty(0, dtype=torch.float64))
    flow = finish(gradient_flow(Hyperbola(), at))  # type: ignore[arg-type]
    assert not flow.converged
    assert flow.gradients < 5
    assert torch.equal(flow.moment.params_P, at.params_P)


def test_overlaps() -> None:
    V_KP = torch.eye(3, 10, dtype=torch.float64)
    assert fraction_in(V_KP, torch.arange(10).double()) == pytest.approx(5 / 285)
    assert fraction_in(V_KP, V_KP[1]) == 1.0
    assert fraction_in(V_KP, torch.zeros(10).double()) != fraction_in(V_KP, torch.zeros(10).double())  # NaN
    turned = torch.linalg.qr(torch.randn(3, 3, generator=drawn(), dtype=torch.float64))[0] @ V_KP
    assert subspace_overlap(V_KP, turned) == pytest.approx(1.0)
    assert subspace_overlap(V_KP, torch.eye(10, dtype=torch.float64)[2:5]) == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="two bases of one shape"):
        subspace_overlap(V_KP, V_KP[:2])


def test_random_vectors_have_the_baseline_on_average() -> None:
    V_KP = torch.linalg.qr(torch.randn(40, 4, generator=drawn(), dtype=torch.float64))[0].T
    draw = drawn(3)
    shares = [fraction_in(V_KP, torch.randn(40, generator=draw, dtype=torch.float64)) for _ in range(2000)]
    assert sum(shares) / len(shares) == pytest.approx(baseline(4, 40), rel=0.05)
