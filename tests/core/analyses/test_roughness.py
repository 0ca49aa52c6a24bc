"""Roughness: known answers, a plain loop, and what its interval and its partial results say."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.core.analyses.base import Context, Events, Moment, Point
from backend.core.analyses.failures import NotFinite
from backend.core.analyses.lane_probes import LaneProbes
from backend.core.analyses.race import LaneView, RaceView
from backend.core.analyses.roughness import ROUGHNESS, drawn
from backend.core.geometry.roughness import roughness, variations
from backend.core.problems.build import build_problem
from backend.core.problems.function import FunctionMinimisation
from backend.core.problems.problem import Problem
from backend.schemas.analysis import RoughnessAnalysis
from backend.schemas.events import Progress, ResolvedPoint, Roughness, Started
from backend.schemas.optimizer import SgdOptimizer
from backend.schemas.problem import FunctionProblem, PdeProblem
from backend.schemas.problem.function import QuadraticFunction
from backend.schemas.problem.pde import PoissonPde, SinesAnsatz
from tests.cases import CPU, build

SMALL = RoughnessAnalysis(directions=20, points=6, length=0.3)


def told(events: Events) -> list[Roughness]:
    return [event for event in events if isinstance(event, Roughness)]


def last(problem: Problem, spec: RoughnessAnalysis, seed: int = 0) -> Roughness:
    return told(ROUGHNESS.run(problem, spec, Context(seed)))[-1]


def of(value: Callable[[Tensor], Tensor], start: tuple[float, ...] = (0.0, 0.0, 0.0)) -> FunctionMinimisation:
    """An analytic function of somebody's own."""
    made = FunctionMinimisation(QuadraticFunction(start=start), torch.float64, CPU)
    made.loss = lambda params_P, *rest, **options: value(params_P)  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize("length", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("points", [2, 10])
def test_a_round_bowl_has_no_roughness_and_varies_once_down_and_up(length: float, points: int) -> None:
    bowl = build_problem(
        FunctionProblem(function=QuadraticFunction(condition=1.0, start=(0.0,) * 4)), torch.float64, CPU
    )
    found = last(bowl, RoughnessAnalysis(length=length, points=points, directions=12))
    assert found.variations == pytest.approx([1 / length] * 12, rel=1e-12)
    assert (found.index, *found.interval) == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)
    assert found.variation == pytest.approx(1 / length)


@pytest.mark.parametrize("length", [0.05, 1.5])
def test_a_slope_has_no_roughness_and_half_the_variation(length: float) -> None:
    """RI = 0 does not mean flat: the profiles have different steepness, and all go one way."""
    slope = of(lambda x: 3.0 * x[0] - 2.0 * x[1] + 7.0 * x[2])
    found = last(slope, RoughnessAnalysis(length=length, directions=12))
    assert found.variations == pytest.approx([1 / (2 * length)] * 12, rel=1e-9)
    assert found.index == pytest.approx(0.0, abs=1e-9)


def test_the_same_ripple_everywhere_raises_the_variation_and_not_the_roughness() -> None:
    bowl = last(of(lambda x: x.square().sum()), SMALL)
    rippled = last(of(lambda x: x.square().sum() + 0.1 * torch.cos(40.0 * x.square().sum().sqrt())), SMALL)
    assert rippled.variation > 1.2 * bowl.variation
    assert rippled.index == pytest.approx(0.0, abs=1e-9)


def test_directions_that_differ_are_rough() -> None:
    trough = of(lambda x: x[0].square() + torch.sin(30.0 * x[1]))
    found = last(trough, SMALL)
    assert found.index > 0.1
    assert found.interval[0] < found.index < found.interval[1]


def test_variations_by_hand() -> None:
    profiles = np.array(
        [[0.0, 1.0, 0.0, 1.0], [3.0, 3.0, 3.0, 3.0], [1.0, math.nan, 0.0, 1.0], [0.0, math.inf, 1.0, 2.0]]
    )
    assert variations(profiles, 0.5)[0] == 3.0
    assert np.isnan(variations(profiles, 0.5)[1:]).all()
    found = roughness(np.array([1.0, math.nan, 3.0]), 0)
    assert (found.value, found.variation, found.undefined) == (math.sqrt(2) / 2, 2.0, 1)
    lonely = roughness(np.array([1.0, math.nan]), 0)
    assert math.isnan(lonely.value)
    assert (lonely.variation, lonely.undefined) == (1.0, 1)


def test_the_interval_holds_the_true_index_about_as_often_as_it_says() -> None:
    """Of 200 samples of 100 lognormal variations (index √(e^s² − 1)), 95 % intervals hold it in 88 % or more."""
    random, spread = np.random.default_rng(0), 0.3
    true = math.sqrt(math.exp(spread**2) - 1)
    found = [roughness(np.exp(spread * random.standard_normal(100)), seed) for seed in range(200)]
    assert 0.88 <= np.mean([one.low <= true <= one.high for one in found]) <= 0.99


@pytest.mark.parametrize("name", ["digits-tanh", "cnn-batch", "galerkin", "ritz-2d", "rosenbrock"])
def test_profiles_and_index_equal_a_plain_loop(name: str) -> None:
    problem = build(name)
    spec = RoughnessAnalysis(directions=5, points=4, length=0.2, shown=3, bias="copy")
    params_P, buffers_B = problem.params0(0)
    found = last(problem, spec)
    assert found.profiles.shape == (3, 5)
    T = []
    for i in range(5):
        d_P = drawn(problem, spec, Moment(0, params_P, buffers_B), 0, i)
        losses = [problem.loss(params_P + t * d_P, buffers_B).item() for t in (-0.2, -0.1, 0.0, 0.1, 0.2)]
        if i < 3:
            assert found.profiles[i] == pytest.approx(losses, rel=1e-10)
        total = sum(abs(losses[k + 1] - losses[k]) for k in range(4))
        T.append(total / (0.4 * (max(losses) - min(losses))))
    assert found.variations == pytest.approx(T, rel=1e-6)
    mean = sum(T) / 5
    by_hand = math.sqrt(sum((one - mean) ** 2 for one in T) / 4) / mean
    assert found.index == pytest.approx(by_hand, rel=1e-6, abs=1e-9)
    leaf = params_P.clone().requires_grad_()
    (grad_P,) = torch.autograd.grad(problem.loss(leaf, buffers_B), leaf)
    assert (found.loss, found.grad_norm) == (pytest.approx(losses[2], rel=1e-6), pytest.approx(float(grad_P.norm())))
    assert (found.relative_l2 is None) == (problem.solution is None)


def test_directions_are_scaled_by_filter_and_leave_biases() -> None:
    problem = build("digits-tanh")
    params_P, buffers_B = problem.params0(0)
    d = problem.layout.unflatten(drawn(problem, RoughnessAnalysis(), Moment(0, params_P, buffers_B), 0, 0))
    for name, weight in problem.layout.unflatten(params_P).items():
        if weight.ndim > 1:
            torch.testing.assert_close(d[name].norm(dim=1), weight.norm(dim=1))
        else:
            assert not d[name].any()


def test_every_length_is_measured_along_the_same_directions_and_partial_results_grow() -> None:
    problem = build("galerkin")
    spec = RoughnessAnalysis(length=0.1, lengths=(0.4, 0.1, 0.2), directions=20, points=4)
    events = told(ROUGHNESS.run(problem, spec, Context(0)))
    assert [(event.length, len(event.variations)) for event in events] == [
        (length, count) for length in (0.1, 0.4, 0.2) for count in (8, 16, 20)
    ]
    assert [event.first for event in events] == [True] * 3 + [False] * 6
    assert [event.final for event in events] == [False, False, True] * 3
    assert np.array_equal(events[0].variations, events[2].variations[:8])
    alone = last(problem, RoughnessAnalysis(length=0.4, directions=20, points=4))
    assert np.array_equal(alone.variations, events[5].variations)


def test_the_first_event_says_where_and_every_loss_is_counted() -> None:
    events = list(ROUGHNESS.run(build("galerkin"), SMALL, Context(0)))
    assert isinstance(events[0], Started)
    shown = [event for event in events if isinstance(event, Progress)]
    assert shown[-1].total == 20 * 7
    assert shown[-1].done >= 0.9 * 140


def test_it_leaves_everything_as_it_was() -> None:
    problem = build("cnn-batch")
    params_P, buffers_B = problem.params0(0)
    before = params_P.clone(), buffers_B.clone()
    point = Point(ResolvedPoint(step=0), Moment(0, params_P, buffers_B))
    told(ROUGHNESS.run(problem, SMALL, Context(0, (point,))))
    assert torch.equal(params_P, before[0])
    assert torch.equal(buffers_B, before[1])


def test_a_hole_is_left_out_and_counted() -> None:
    holed = of(lambda x: torch.where(x[0] > 0.25, math.nan, x.square().sum()))
    found = last(holed, SMALL)
    assert 0 < found.undefined < 20
    assert found.undefined == np.isnan(found.variations).sum()
    assert found.index == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(found.profiles).any()


def test_a_constant_loss_has_no_index() -> None:
    found = last(of(lambda x: 0.0 * x.sum() + 3.0), SMALL)
    assert math.isnan(found.index)
    assert math.isnan(found.variation)
    assert (found.undefined, found.grad_norm) == (20, 0.0)


def test_a_point_that_is_not_finite_is_refused() -> None:
    params_P, buffers_B = build("galerkin").params0(0)
    point = Point(ResolvedPoint(step=7), Moment(7, params_P * math.nan, buffers_B))
    with pytest.raises(NotFinite):
        list(ROUGHNESS.run(build("galerkin"), SMALL, Context(0, (point,))))


def test_weights_are_needed() -> None:
    assert ROUGHNESS.unsupported(build("galerkin"), SMALL) is None
    assert ROUGHNESS.unsupported(build("rosenbrock"), SMALL) is None


def test_along_a_race_each_lane_that_has_moved_is_looked_at() -> None:
    problem = build_problem(PdeProblem(pde=PoissonPde(points=20, ansatz=SinesAnsatz(modes=3))), torch.float64, CPU)
    start = Moment(0, *problem.params0(0))
    solved = Moment(4, torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64), start.buffers_B)

    def view(*moments: Moment) -> RaceView:
        lanes = tuple(LaneView(f"lane {i}", 0, m, SgdOptimizer(), 0.1, {}, None) for i, m in enumerate(moments))
        return RaceView(0, 10, max(m.step for m in moments), start, (), (), lanes, frozenset())

    probes = LaneProbes(problem, 0)
    first = told(probes.begin(SMALL, view(start, start)))
    assert {(event.lane, event.step, event.point) for event in first} == {("lane 0", 0, None), ("lane 1", 0, None)}
    second = told(probes.begin(SMALL, view(start, solved)))
    assert {(event.lane, event.step) for event in second} == {("lane 1", 4)}
    assert second[-1].relative_l2 == pytest.approx(0.0, abs=1e-12)
    assert second[-1].grad_norm == pytest.approx(0.0, abs=1e-9)
    assert second[-1].index == pytest.approx(0.0, abs=1e-9)  # at its minimum a quadratic loss is an even valley
