"""Sharpness against dense matrices along a race, and beside the thresholds of the rules."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.core.analyses.base import Context, Moment, Point, Tick
from backend.core.analyses.failures import NotFinite
from backend.core.analyses.race import LaneView, RaceView
from backend.core.analyses.sharpness import SHARPNESS, Tracks
from backend.core.analyses.train import TRAIN
from backend.core.curvature.hvp import hessian
from backend.core.problems.problem import Problem
from backend.schemas.analysis import SharpnessAnalysis
from backend.schemas.control import AnyControl, Set
from backend.schemas.events import AnyEvent, LaneEnded, ResolvedPoint, Sharpness, TrainChunk
from backend.schemas.optimizer import SgdOptimizer
from backend.schemas.run import TrainRequest
from tests.cases import build
from tests.core.analyses.races import BOWL, SGD, Kept, column, of, problem_of, race, told
from tests.fold import fold
from tests.oracles import hessian_of

SMALL = {
    "data": {"kind": "digits", "examples": 40},
    "model": {"kind": "mlp", "hidden": [3]},
    "loss": {"kind": "mse", "factor": 0.5},
}
NAMES = ("gd", "polyak", "nesterov", "adam", "amsgrad", "adamw", "rmsprop", "adagrad")
LANES = [
    {"name": "gd", "optimizer": {"kind": "sgd", "lr": 0.2}},
    {"name": "polyak", "optimizer": {"kind": "sgd", "lr": 0.05, "momentum": 0.9}},
    {"name": "nesterov", "optimizer": {"kind": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True}},
    {"name": "adam", "optimizer": {"kind": "adam", "lr": 0.002, "beta1": 0.9}},
    {"name": "amsgrad", "optimizer": {"kind": "adam", "lr": 0.002, "amsgrad": True}},
    {"name": "adamw", "optimizer": {"kind": "adamw", "lr": 0.002}},
    {"name": "rmsprop", "optimizer": {"kind": "rmsprop", "lr": 0.001}},
    {"name": "adagrad", "optimizer": {"kind": "adagrad", "lr": 0.01}},
]
PROBE = {"every": 4, "late": "wait", "analysis": {"kind": "sharpness", "k": 2, "tol": 1e-3}}
BOWL_PROBE = {"every": 1, "late": "wait", "analysis": {"kind": "sharpness"}}
PLAIN = ("gd", "polyak", "nesterov")
SCALED = ("adam", "amsgrad", "adamw", "rmsprop")


def raced(*lanes: dict[str, Any], **fields: Any) -> TrainRequest:
    usual: dict[str, Any] = {"problem": SMALL, "dtype": "float64", "steps": 24, "probes": [PROBE], "tune": False}
    return race(*(lanes or LANES), **(usual | fields))


def dense(problem: Problem, moment: Moment) -> Tensor:
    return hessian_of(lambda params_P: problem.loss(params_P, moment.buffers_B), moment.params_P)


@pytest.fixture(scope="module")
def eight() -> tuple[Problem, list[AnyEvent], Kept]:
    """One race of all rules, every step kept."""
    request, kept = raced(), Kept()
    problem = problem_of(request)
    return problem, told(request, Context(seed=0, keeper=kept), problem), kept


def test_every_lane_is_measured_when_it_is_due(eight: Any) -> None:
    _, events, _ = eight
    for name in NAMES:
        assert [event.step for event in of(Sharpness, events, lane=name)] == [0, 4, 8, 12, 16, 20, 24]


@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_the_dense_matrix(eight: Any, name: str) -> None:
    problem, events, kept = eight
    for event in of(Sharpness, events, lane=name):
        exact = torch.linalg.eigvalsh(dense(problem, kept.snapshots[name, 0][event.step])).flip(0)[:2].numpy()
        assert np.allclose(event.values, exact, rtol=1e-3, atol=0), event.step
        assert event.converged
        assert event.residual <= 1e-3 * np.abs(event.values).max()
        assert event.products > 0


def preconditioner_of(problem: Problem, name: str, moments: dict[int, Moment], step: int) -> Tensor:
    """The diagonal of P after ``step`` full-batch steps, from the gradients at the kept moments and the definitions."""
    v_P = most_P = torch.zeros(problem.layout.size, dtype=torch.float64)
    decay = 0.99 if name == "rmsprop" else 0.999
    for t in range(step):
        theta = moments[t].params_P.clone().requires_grad_()
        (grad_P,) = torch.autograd.grad(problem.loss(theta, moments[t].buffers_B), theta)
        v_P = decay * v_P + (1 - decay) * grad_P**2
        most_P = torch.maximum(most_P, v_P)
    if name == "rmsprop":
        return v_P.sqrt() + 1e-8
    used_P = most_P if name == "amsgrad" else v_P
    return (1 - 0.9**step) * ((used_P / (1 - 0.999**step)).sqrt() + 1e-8)


@pytest.mark.parametrize("name", SCALED)
def test_preconditioned_values_are_those_of_the_dense_matrix_and_the_rule_s_own_state(eight: Any, name: str) -> None:
    problem, events, kept = eight
    moments = kept.snapshots[name, 0]
    first, *others = of(Sharpness, events, lane=name)
    assert first.preconditioned is None
    for event in others:
        root_P = preconditioner_of(problem, name, moments, event.step).sqrt()
        exact = torch.linalg.eigvalsh(dense(problem, moments[event.step]) / torch.outer(root_P, root_P)).flip(0)
        assert np.allclose(event.preconditioned, exact[:2].numpy(), rtol=1e-3, atol=0), event.step
        assert event.preconditioned_residual <= 1e-3 * np.abs(event.preconditioned).max()


@pytest.mark.parametrize("name", [*PLAIN, "adagrad"])
def test_a_rule_without_a_preconditioner_has_no_such_values(eight: Any, name: str) -> None:
    for event in of(Sharpness, eight[1], lane=name):
        assert event.preconditioned is event.preconditioned_residual is None


def test_thresholds_are_those_of_the_rules(eight: Any) -> None:
    plain = {"gd": 2 / 0.2, "polyak": 3.8 / 0.05, "nesterov": 3.8 / (0.05 * 2.8)}
    scaled = {"adam": 38 / 0.002, "amsgrad": 38 / 0.002, "adamw": 38 / 0.002, "rmsprop": 2 / 0.001}
    for name in NAMES:
        for event in of(Sharpness, eight[1], lane=name):
            assert event.threshold == (pytest.approx(plain[name]) if name in plain else None)
            assert event.preconditioned_threshold == (pytest.approx(scaled[name]) if name in scaled else None)


def test_only_h_is_measured_where_p_is_not_asked_for() -> None:
    probe = {**PROBE, "analysis": {"kind": "sharpness", "preconditioned": False}}
    for event in of(Sharpness, told(raced(LANES[3], probes=[probe], steps=8))):
        assert event.preconditioned is event.preconditioned_threshold is None
        assert len(event.values) == 1


def steered(request: TrainRequest, at: int, field: str, value: float) -> list[AnyEvent]:
    """Run a race whose lane is changed once its sharpness of a step has been told."""
    mail: list[AnyControl] = []

    def controls() -> list[AnyControl]:
        come = mail.copy()
        mail.clear()
        return come

    events = []
    for event in TRAIN.run(problem_of(request), request, Context(seed=0, controls=controls)):
        if isinstance(event, Sharpness) and event.step == at:
            mail.append(Set(lane=event.lane, field=field, value=value))
        if not isinstance(event, Tick):
            events.append(event)
    return events


def test_thresholds_follow_a_live_change_of_the_learning_rate_at_once() -> None:
    request = raced(SGD, problem=BOWL, steps=8, probes=[BOWL_PROBE])
    events = steered(request, 4, "lr", 0.05)
    assert [event.step for event in events if event.kind == "controlled"] == [4]
    assert [event.threshold for event in of(Sharpness, events)] == pytest.approx([20.0] * 5 + [40.0] * 4)
    assert column(events, "SGD", "threshold").tolist() == pytest.approx([20.0] * 4 + [40.0] * 4)


def test_a_live_change_of_momentum_moves_them_too() -> None:
    lane = {"name": "Momentum", "optimizer": {"kind": "sgd", "lr": 0.1, "momentum": 0.5}}
    events = steered(raced(lane, problem=BOWL, steps=4, probes=[BOWL_PROBE]), 2, "momentum", 0.9)
    assert [event.threshold for event in of(Sharpness, events)] == pytest.approx([30.0] * 3 + [38.0] * 2)


def test_thresholds_follow_the_schedule() -> None:
    lane = {**SGD, "schedule": {"kind": "linear", "warmup": 4}}
    request = raced(lane, problem=BOWL, steps=6, probes=[BOWL_PROBE])
    events = told(request)
    measured = of(Sharpness, events)
    rates = column(events, "SGD", "lr")
    # The threshold at θ_t is that of the rate which the step from there takes.
    assert [event.threshold for event in measured[:-1]] == pytest.approx((2 / rates).tolist())
    assert measured[-1].threshold == pytest.approx(20.0)


def test_a_warm_start_finds_what_a_cold_one_finds(eight: Any) -> None:
    problem, events, kept = eight
    analysis = SharpnessAnalysis(k=2)
    for event in of(Sharpness, events, lane="gd"):
        moment = kept.snapshots["gd", 0][event.step]
        point = Point(ResolvedPoint(step=event.step), moment)
        cold = of(Sharpness, alone(problem, analysis, point))[0]
        assert np.allclose(cold.values, event.values, rtol=1e-4, atol=0)
    assert sum(event.products for event in of(Sharpness, events, lane="gd")[1:]) / 6 < cold.products


def alone(problem: Problem, analysis: SharpnessAnalysis, *points: Point) -> list[AnyEvent]:
    work = SHARPNESS.run(problem, analysis, Context(seed=0, points=points))
    return [event for event in work if not isinstance(event, Tick)]


def test_alone_it_measures_each_point_without_a_rule(eight: Any) -> None:
    problem, _, kept = eight
    moments = kept.snapshots["adam", 0]
    points = [Point(ResolvedPoint(run="r" * 15, lane="adam", step=step), moments[step]) for step in (3, 24)]
    started, *measured = alone(problem, SharpnessAnalysis(k=3, tol=1e-6), *points)
    assert started.kind == "started"
    for index, (event, point) in enumerate(zip(measured, points, strict=True)):
        exact = torch.linalg.eigvalsh(dense(problem, point.moment)).flip(0)[:3].numpy()
        assert np.allclose(event.values, exact, rtol=1e-6, atol=0)
        assert (event.point, event.step, event.lane) == (index, point.moment.step, "adam")
        assert event.threshold is event.preconditioned_threshold is event.preconditioned is None


def test_a_share_of_the_data_is_its_front() -> None:
    problem = build("digits-mse")
    started, half = alone(problem, SharpnessAnalysis(data_fraction=0.5, tol=1e-6))
    assert started.points[0].step == 0
    params_P, buffers_B = problem.params0(0)
    front = type(problem.train)(problem.train.x[:23], problem.train.y[:23])
    exact = torch.linalg.eigvalsh(hessian_of(lambda at_P: problem.loss(at_P, buffers_B, front), params_P))
    assert half.values[0] == pytest.approx(float(exact[-1]), rel=1e-6)


def test_what_has_not_converged_says_so() -> None:
    problem = build("digits-tanh", torch.float32)  # which cannot be so exact
    _, event = alone(problem, SharpnessAnalysis(k=20, tol=1e-12, budget=200))
    assert not event.converged
    assert event.products <= 200
    assert event.residual > 0.0


@pytest.mark.parametrize("number", [0, 3])
def test_the_race_is_the_same_with_and_without_the_probe(number: int) -> None:
    lane, name = LANES[number], LANES[number]["name"]
    kept, other = Kept(), Kept()
    without = told(raced(lane, probes=[], batch_size=7, tune=True), Context(seed=0, keeper=kept))
    probed = told(raced(lane, batch_size=7, tune=True), Context(seed=0, keeper=other))
    assert of(Sharpness, probed)
    for series in ("loss", "grad_norm", "lr"):
        assert np.array_equal(column(without, name, series), column(probed, name, series))
    for step, moment in kept.snapshots[name, 0].items():
        assert torch.equal(moment.params_P, other.snapshots[name, 0][step].params_P)


def test_the_same_seed_tells_the_same() -> None:
    request = raced(LANES[0], LANES[3], repeats=2)
    events = told(request)
    assert {event.repeat for event in of(Sharpness, events)} == {0, 1}
    assert fold(events) == fold(told(request))


def view_of(moment: Moment) -> RaceView:
    lane = LaneView("SGD", 0, moment, SgdOptimizer(), 0.1, {})
    return RaceView(seed=0, steps=9, step=moment.step, start=moment, paths=(), recent=(), lanes=(lane,))


def test_it_yields_after_each_product_and_measures_a_step_once() -> None:
    problem = build("digits-tanh")
    tracks, view = Tracks(problem, 0), view_of(Moment(0, *problem.params0(0)))
    *ticks, event = tracks.begin(SharpnessAnalysis(), view)
    assert len(ticks) >= event.products > 5
    assert list(tracks.begin(SharpnessAnalysis(), view)) == []


def test_a_lane_that_diverges_ends_and_the_race_goes_on() -> None:
    wild = {"name": "wild", "optimizer": {"kind": "sgd", "lr": 1e4}}
    calm = {"name": "calm", "optimizer": {"kind": "sgd", "lr": 0.1}}
    events = told(raced(wild, calm, problem=BOWL, dtype="float32", divergence=1e300, probes=[BOWL_PROBE]))
    assert {(ended.lane, ended.reason) for ended in of(LaneEnded, events)} == {("wild", "diverged"), ("calm", "done")}
    assert of(Sharpness, events, lane="calm")[-1].step == 24


def test_curvature_that_is_not_finite_is_data_in_a_race_and_a_failure_alone() -> None:
    problem = build("rosenbrock", torch.float32)
    far = Moment(3, torch.tensor([1e20, 1.0]), torch.empty(0))
    *_, event = Tracks(problem, 0).begin(SharpnessAnalysis(), view_of(far))
    assert math.isnan(event.values[0])
    assert not event.converged
    with pytest.raises(NotFinite, match="finite curvature"):
        alone(problem, SharpnessAnalysis(), Point(ResolvedPoint(step=3), far))


def test_a_preconditioner_that_is_zero_in_this_number_format_is_left_out() -> None:
    lane = {"name": "Adam", "optimizer": {"kind": "adam", "lr": 0.01, "eps": 1e-60}}
    events = told(raced(lane, dtype="float32", steps=4))  # pixels that are always black have no gradient: √v + ε is 0
    measured = of(Sharpness, events)[-1]
    assert measured.preconditioned is None
    assert measured.converged


def test_what_does_not_exist_is_refused_in_a_sentence() -> None:
    problem = problem_of(race(problem=BOWL))
    assert SHARPNESS.unsupported(problem, SharpnessAnalysis()) is None
    sentence = SHARPNESS.unsupported(problem, SharpnessAnalysis(k=2))
    assert sentence is not None
    assert "k below the number of parameters (2)" in sentence
    assert TRAIN.unsupported(problem, race(problem=BOWL, probes=[PROBE])) == f"Sharpness: {sentence}"


def test_every_step_tells_its_threshold_where_the_probe_runs_along(eight: Any) -> None:
    _, events, _ = eight
    for name in NAMES:
        measured = of(Sharpness, events, lane=name)[0]
        for field in ("threshold", "preconditioned_threshold"):
            chunks = of(TrainChunk, events, lane=name)
            if getattr(measured, field) is None:
                assert all(getattr(chunk, field) is None for chunk in chunks)
            else:
                assert column(events, name, field).tolist() == [getattr(measured, field)] * 24
    assert all(chunk.threshold is None for chunk in of(TrainChunk, told(raced(LANES[0], probes=[], steps=2))))


@pytest.mark.parametrize(("tol", "exact"), [(0.03, 1e-3), (1e-3, 1e-5)])
def test_a_loose_tolerance_is_met_in_single_precision(
    tol: float, exact: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest eigenvalue is off by the square of the residual; rounding to single precision does not show."""
    seen: list[torch.dtype] = []

    def spied(*args: Any, **settings: Any) -> Any:
        operator = hessian(*args, **settings)
        seen.append(operator.dtype)
        return operator

    monkeypatch.setattr("backend.core.analyses.sharpness.hessian", spied)
    problem = build("digits-mse")
    _, event = alone(problem, SharpnessAnalysis(tol=tol))
    params_P, buffers_B = problem.params0(0)
    true = float(torch.linalg.eigvalsh(dense(problem, Moment(0, params_P, buffers_B)))[-1])
    assert event.values.dtype == np.float64
    assert event.converged
    assert event.residual <= tol * true
    assert event.values[0] == pytest.approx(true, rel=exact)
    assert seen == [torch.float32 if tol == 0.03 else torch.float64]
