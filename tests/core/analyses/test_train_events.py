"""What a race tells: its order, its evaluations, equal lanes, repeats, divergence, and the same again by seed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.core.analyses.base import Context, Moment, Point
from backend.core.analyses.failures import Unsupported
from backend.core.analyses.train import TRAIN
from backend.schemas.events import Eval, LaneEnded, Progress, ResolvedPoint, Started, TrainChunk
from tests.core.analyses.races import (
    ADAM,
    BOWL,
    DIGITS,
    MOMENTUM,
    RMSPROP,
    SGD,
    WILD,
    Kept,
    column,
    of,
    problem_of,
    race,
    told,
)
from tests.fold import fold


def test_a_race_begins_with_started_and_ends_each_lane_once() -> None:
    events = told(race(SGD, ADAM, steps=7))
    first = events[0]
    assert isinstance(first, Started)
    assert (first.device, first.dtype, first.examples, first.lanes) == ("cpu", "float32", 100, ("SGD", "Adam"))
    assert first.parameters == 64 * 8 + 8 + 8 * 10 + 10
    assert len(of(Started, events)) == 1
    assert [(e.lane, e.step, e.reason) for e in of(LaneEnded, events)] == [("SGD", 7, "done"), ("Adam", 7, "done")]
    for lane in ("SGD", "Adam"):
        assert column(events, lane, "step").tolist() == list(range(1, 8))
        end = events.index(of(LaneEnded, events, lane=lane)[0])
        assert not any(getattr(event, "lane", None) == lane for event in events[end + 1 :])
    progress = of(Progress, events)
    assert (progress[-1].done, progress[-1].total) == (7, 7)
    assert [event.done for event in progress] == sorted({event.done for event in progress})


def test_columns_and_their_types() -> None:
    for dtype in ("float32", "float64"):
        chunk = of(TrainChunk, told(race(steps=3, dtype=dtype)))[0]
        assert chunk.step.dtype == np.int32
        assert {str(getattr(chunk, name).dtype) for name in ("loss", "grad_norm", "lr", "seconds")} == {dtype}


def test_seconds_rise() -> None:
    seconds = column(told(race(steps=30, dtype="float64")), "SGD", "seconds")
    assert (np.diff(seconds) > 0).all()
    assert seconds[0] > 0


@pytest.mark.parametrize(("steps", "every"), [(10, 5), (11, 5), (3, 10), (1, 1)])
def test_both_splits_are_evaluated_at_0_at_multiples_and_at_the_end(steps: int, every: int) -> None:
    request = race(steps=steps, eval_every=every, dtype="float64")
    events = told(request)
    expected = sorted({*range(0, steps + 1, every), steps})
    for split in ("train", "test"):
        assert [event.step for event in of(Eval, events, split=split)] == expected
    problem = problem_of(request)
    assert problem.train is not None
    start = problem.params0(0)
    found = of(Eval, events, step=0, split="train")[0]
    assert found.loss == pytest.approx(problem.loss(*start).item(), abs=1e-12)
    assert found.accuracy == problem.accuracy(*start, problem.train)


def test_a_regression_has_no_accuracy_and_chebyshev_no_test_split() -> None:
    sine = {"data": {"kind": "chebyshev"}, "model": {"kind": "mlp", "hidden": [4]}, "loss": {"kind": "mse"}}
    evals = of(Eval, told(race(problem=sine, steps=2)))
    assert {(event.split, event.accuracy) for event in evals} == {("train", None)}


def test_a_function_is_trained_without_evaluations() -> None:
    request = race(problem=BOWL, steps=5, dtype="float64")
    events = told(request)
    x = np.array([1.5, 1.0])
    curvature = np.array([1.0, 10.0])
    losses = []
    for _ in range(5):
        losses.append(0.5 * (curvature * x**2).sum())
        x = x - 0.1 * curvature * x
    assert column(events, "SGD") == pytest.approx(losses, abs=1e-12)
    assert of(Eval, events) == []
    assert of(Started, events)[0].examples == 0


def test_lanes_start_together_and_see_the_same_batches() -> None:
    twin = {**SGD, "name": "Twin"}
    events = told(race(SGD, twin, ADAM, batch_size=17, steps=30))
    assert np.array_equal(column(events, "SGD"), column(events, "Twin"))
    assert column(events, "SGD")[0] == column(events, "Adam")[0]
    assert column(events, "SGD")[1] != column(events, "Adam")[1]


def test_lanes_advance_together() -> None:
    steps = {"SGD": 0, "Adam": 0}
    for event in TRAIN.run(problem_of(race()), race(SGD, ADAM, steps=200, eval_every=1), Context(seed=0)):
        if isinstance(event, Eval) and event.lane is not None and event.step is not None:
            steps[event.lane] = event.step
            assert max(steps.values()) - min(steps.values()) <= 1


def test_another_lane_beside_it_changes_nothing() -> None:
    alone = told(race(ADAM, batch_size=20, tune=False))
    beside = told(race(SGD, ADAM, WILD, batch_size=20, tune=False))
    assert np.array_equal(column(alone, "Adam"), column(beside, "Adam"))


def test_repeats_are_the_seeds_that_follow() -> None:
    events = told(race(SGD, steps=6, batch_size=30, repeats=3, seed=5, tune=False))
    for repeat in range(3):
        alone = told(race(SGD, steps=6, batch_size=30, seed=5 + repeat, tune=False))
        assert np.array_equal(column(events, "SGD", repeat=repeat), column(alone, "SGD"))
    assert column(events, "SGD", repeat=0)[0] != column(events, "SGD", repeat=1)[0]
    assert len(of(LaneEnded, events)) == 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_diverged_lane_stops_and_keeps_its_rows_while_the_others_go_on(dtype: str) -> None:
    wild = {"name": "Wild", "optimizer": {"kind": "sgd", "lr": 1.0}}
    events = told(
        race(wild, {"name": "Calm", "optimizer": {"kind": "sgd", "lr": 0.01}}, problem=BOWL, steps=50, dtype=dtype)
    )
    ended = {event.lane: event for event in of(LaneEnded, events)}
    assert (ended["Wild"].reason, ended["Calm"].reason, ended["Calm"].step) == ("diverged", "done", 50)
    losses = column(events, "Wild")
    assert len(losses) == ended["Wild"].step < 50
    assert losses[-1] > 1e6 * losses[0]
    assert (losses[:-1] <= 1e6 * losses[0]).all()
    assert np.isfinite(column(events, "Calm")).all()


def test_the_limit_of_divergence_is_the_request_s() -> None:
    wild = {"name": "Wild", "optimizer": {"kind": "sgd", "lr": 1.0}}
    ends = [of(LaneEnded, told(race(wild, problem=BOWL, divergence=d)))[0].step for d in (2.0, 1e3, 1e300)]
    # x ← (1 − λ)x: the second coordinate grows ninefold a step and its loss 81-fold, from the first step's 6.125 on.
    assert ends == [2, 3, 20]


def test_a_race_in_which_all_diverge_still_ends() -> None:
    events = told(race(WILD, {**WILD, "name": "Wilder"}, problem=BOWL, steps=400))
    assert [event.reason for event in of(LaneEnded, events)] == ["diverged", "diverged"]
    assert of(LaneEnded, events)[0].step < 400


def test_a_loss_of_nan_is_told_as_it_is() -> None:
    monkey = {"function": {"kind": "monkey_saddle", "start": [-0.9, 0.0]}}
    events = told(race({"name": "SGD", "optimizer": {"kind": "sgd", "lr": 1.0}}, problem=monkey, steps=40))
    assert of(LaneEnded, events)[0].reason == "diverged"
    assert not np.isfinite(column(events, "SGD")[-1])


def test_a_first_loss_of_zero_or_below_is_no_divergence() -> None:
    flat = {"function": {"kind": "monkey_saddle", "start": [0.0, 0.0]}}
    below = {"function": {"kind": "saddle", "start": [0.0, 1.2]}}
    for problem in (flat, below):
        events = told(race(problem=problem, steps=5, divergence=1.5))
        assert of(LaneEnded, events)[0].reason == "done"


@pytest.mark.parametrize("problem", [DIGITS, BOWL])
def test_the_same_seed_tells_the_same(problem: dict[str, object]) -> None:
    batch = None if problem is BOWL else 16
    request = race(SGD, MOMENTUM, RMSPROP, ADAM, problem=problem, batch_size=batch, steps=60, repeats=2, tune=False)
    first, second = told(request), told(request)
    assert fold(first) == fold(second)
    other = told(request.model_copy(update={"seed": 1}))
    if problem is DIGITS:
        assert fold(other) != fold(first)


def test_an_origin_is_where_every_lane_starts() -> None:
    request = race(SGD, ADAM, steps=3, dtype="float64")
    problem = problem_of(request)
    params_P, buffers_B = problem.params0(77)
    origin = Point(ResolvedPoint(run="0" * 15, lane="x", step=40), Moment(40, params_P, buffers_B))
    before = params_P.clone()
    events = told(request, Context(seed=0, points=(origin,)))
    expected = problem.loss(params_P, buffers_B).item()
    for lane in ("SGD", "Adam"):
        assert column(events, lane)[0] == pytest.approx(expected, abs=1e-12)
        assert column(events, lane, "step").tolist() == [1, 2, 3]
    assert torch.equal(params_P, before)
    assert of(Started, events)[0].points == (origin.resolved,)


def test_an_origin_of_another_problem_is_refused() -> None:
    wrong = Point(ResolvedPoint(), Moment(0, torch.zeros(3), torch.zeros(0)))
    with pytest.raises(Unsupported, match=r"610 parameters and the origin 3"):
        told(race(), Context(seed=0, points=(wrong,)))


def test_the_problem_s_own_tensors_stay_as_they_are() -> None:
    request = race(SGD, ADAM, batch_size=10)
    problem = problem_of(request)
    assert problem.train is not None
    x, start_P = problem.train.x.clone(), problem.params0(0)[0]
    told(request, Context(seed=0, keeper=Kept()), problem)
    assert torch.equal(problem.train.x, x)
    assert torch.equal(problem.params0(0)[0], start_P)


def test_closing_the_generator_stops_it_at_once() -> None:
    kept = Kept()
    work = TRAIN.run(problem_of(race()), race(steps=10_000), replace(Context(seed=0), keeper=kept))
    for event in work:
        if isinstance(event, TrainChunk):
            break
    work.close()
    assert list(work) == []
    assert len(kept.snapshots["SGD", 0]) < 10_000


def test_four_lanes_on_digits_learn() -> None:
    problem = {"data": {"kind": "digits"}, "model": {"kind": "mlp"}, "loss": {"kind": "cross_entropy"}}
    events = told(race(SGD, MOMENTUM, RMSPROP, ADAM, problem=problem, steps=300, batch_size=128, eval_every=300))
    last = {event.lane: event.accuracy for event in of(Eval, events, step=300, split="train")}
    assert last["Momentum"] is not None
    assert last["Adam"] is not None
    assert min(last["Momentum"], last["Adam"]) >= 0.95
