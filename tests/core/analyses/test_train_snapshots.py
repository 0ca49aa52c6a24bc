"""What a race keeps, and how it goes on from there bit for bit."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from backend.core.analyses.base import Context, LaneState
from backend.core.analyses.failures import Unsupported
from backend.schemas.events import Checkpoint, Controlled, Eval, LaneEnded, Snapshot
from backend.schemas.optimizer import OPTIMIZER_KINDS
from backend.schemas.point import RunPoint
from backend.schemas.run import TrainRequest
from tests.core.analyses.races import (
    ADAM,
    BATCH_NORM,
    BOWL,
    MOMENTUM,
    SGD,
    Kept,
    Script,
    column,
    of,
    problem_of,
    race,
    told,
)

RULES: dict[str, dict[str, Any]] = {
    "sgd": {"kind": "sgd", "lr": 0.1},
    "momentum": {"kind": "sgd", "lr": 0.1, "momentum": 0.9},
    "nesterov": {"kind": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    "rmsprop": {"kind": "rmsprop", "lr": 0.001, "momentum": 0.5},
    "adagrad": {"kind": "adagrad", "lr": 0.01},
    "adam": {"kind": "adam", "lr": 0.001},
    "amsgrad": {"kind": "adam", "lr": 0.001, "amsgrad": True},
    "adamw": {"kind": "adamw", "lr": 0.001},
}
LANES = 8  # of a race at most
ALL = [{"name": name, "optimizer": spec} for name, spec in RULES.items()]


def kept_by(request: TrainRequest, **context: Any) -> Kept:
    keeper = Kept()
    told(request, Context(seed=request.seed, keeper=keeper, **context))
    return keeper


def on_disk(state: LaneState) -> LaneState:
    """A checkpoint as it comes back: tensors of their own, values through JSON."""
    values = json.loads(json.dumps(dict(state.values)))
    return replace(state, values=values, tensors={name: tensor.clone() for name, tensor in state.tensors.items()})


def resumed(request: TrainRequest, states: Sequence[LaneState]) -> list[Any]:
    fields = request.model_dump(mode="json") | {"resume": True, "origin": {"run": "0" * 15, "step": 1}}
    again = TrainRequest.model_validate_json(json.dumps(fields))
    return told(again, Context(seed=again.seed, resume=tuple(on_disk(state) for state in states)))


def test_every_step_is_kept_while_there_is_room() -> None:
    request = race(SGD, ADAM, steps=12, dtype="float64")
    keeper = kept_by(request)
    assert {lane: list(steps) for lane, steps in keeper.snapshots.items()} == {
        ("SGD", 0): list(range(13)),
        ("Adam", 0): list(range(13)),
    }
    problem = problem_of(request)
    losses = column(told(request), "Adam")
    for step, moment in list(keeper.snapshots["Adam", 0].items())[:-1]:
        assert problem.loss(moment.params_P, moment.buffers_B).item() == pytest.approx(losses[step], abs=1e-12)


def test_a_small_budget_thins_evenly_and_keeps_the_ends() -> None:
    values = 4 * 610
    keeper = kept_by(race(steps=101, snapshots={"budget_mb": 17 * (values + 1024) / 1e6}))
    assert list(keeper.snapshots["SGD", 0]) == [0, 1, 2, 3, *range(8, 97, 8), 101]


def test_without_a_budget_the_ends_are_kept() -> None:
    assert list(kept_by(race(steps=9, snapshots={"budget_mb": 0.0})).snapshots["SGD", 0]) == [0, 9]


def test_kept_moments_are_copies() -> None:
    first, last = (kept_by(race(steps=5)).snapshots["SGD", 0][step].params_P for step in (0, 5))
    assert not torch.equal(first, last)
    assert torch.equal(first, problem_of(race()).params0(0)[0])


def test_snapshots_are_told_at_evaluations_and_at_the_end() -> None:
    events = told(race(steps=12, eval_every=5))
    assert [event.step for event in of(Snapshot, events)] == [0, 5, 10, 12]
    thin = told(race(steps=12, eval_every=5, snapshots={"budget_mb": 0.0}))
    assert [event.step for event in of(Snapshot, thin)] == [0, 12]


@pytest.mark.parametrize(
    ("steps", "expected"), [(50, list(range(5, 51, 5))), (4, [1, 2, 3, 4]), (25, [*range(2, 25, 2), 25])]
)
def test_checkpoints_come_about_ten_times_and_at_the_end(steps: int, expected: list[int]) -> None:
    keeper = Kept()
    events = told(race(steps=steps), Context(seed=0, keeper=keeper))
    assert [event.step for event in of(Checkpoint, events)] == expected
    assert [state.step for state in keeper.checkpoints] == expected


def test_what_is_not_finite_is_not_kept() -> None:
    keeper, far = Kept(), {"function": {"kind": "rosenbrock", "start": [1e6, 0.0]}}
    wild = {"name": "Wild", "optimizer": {"kind": "sgd", "lr": 1e4}}
    events = told(race(wild, problem=far, steps=50, divergence=1e300), Context(seed=0, keeper=keeper))
    end = of(LaneEnded, events)[0]
    assert (end.step, end.reason) == (2, "diverged")
    assert list(keeper.snapshots["Wild", 0]) == [0, 1]
    assert all(bool(moment.params_P.isfinite().all()) for moment in keeper.snapshots["Wild", 0].values())
    assert keeper.checkpoints == []


@pytest.mark.parametrize("problem", ["mlp", "batch_norm"])
def test_every_rule_goes_on_bit_for_bit(problem: str) -> None:
    schedule = {"kind": "cosine", "warmup": 3}
    lanes = [lane | {"schedule": schedule} for lane in ALL]
    fields = {"problem": BATCH_NORM} if problem == "batch_norm" else {}
    request = race(*lanes, steps=20, batch_size=13, eval_every=3, **fields)
    keeper = Kept()
    whole = told(request, Context(seed=0, keeper=keeper))
    events = resumed(request, [state for state in keeper.checkpoints if state.step == 10])
    for name in RULES:
        assert column(events, name, "step").tolist() == list(range(11, 21))
        for field in ("loss", "grad_norm", "lr"):
            assert np.array_equal(column(events, name, field), column(whole, name, field)[10:]), (name, field)
        timeless = {"seconds": None}
        later = [
            e.model_copy(update=timeless) for e in of(Eval, whole, lane=name) if e.step is not None and e.step > 10
        ]
        assert [e.model_copy(update=timeless) for e in of(Eval, events, lane=name) if e.step != 10] == later
    if problem == "batch_norm":
        assert any(state.tensors["buffers"].numel() for state in keeper.checkpoints)


@pytest.mark.parametrize("first", range(0, len(OPTIMIZER_KINDS), LANES))
def test_every_rule_of_the_registry_goes_on_bit_for_bit_in_a_race(first: int) -> None:
    kinds = [rule.model_fields["kind"].default for rule in OPTIMIZER_KINDS[first : first + LANES]]
    lanes = [{"name": kind, "optimizer": {"kind": kind}} for kind in kinds]
    request, keeper, second = race(*lanes, steps=12, batch_size=13, eval_every=5), Kept(), Kept()
    whole = told(request, Context(seed=0, keeper=keeper))
    cut = [on_disk(state) for state in keeper.checkpoints if state.step == 6]
    assert len(cut) == len(kinds), "every rule has a checkpoint in the middle"
    again = request.model_copy(update={"resume": True, "origin": RunPoint(run="0" * 15, step=6)})
    rest = told(again, Context(seed=0, keeper=second, resume=tuple(cut)))
    for kind in kinds:
        assert [(end.step, end.reason) for end in of(LaneEnded, rest, lane=kind)] == [(12, "done")]
        for field in ("step", "loss", "grad_norm", "lr"):
            now, then = column(rest, kind, field), column(whole, kind, field)[6:]
            assert now.tobytes() == then.tobytes(), (kind, field)  # NaN, a cloud's gradient, is the same NaN
        ends = [each.snapshots[kind, 0][12].params_P for each in (keeper, second)]
        assert torch.equal(*ends), kind
        assert not torch.equal(ends[0], keeper.snapshots[kind, 0][6].params_P), kind


def test_seconds_and_kept_moments_go_on_too() -> None:
    keeper, second = Kept(), Kept()
    told(race(steps=10), Context(seed=0, keeper=keeper))
    state = on_disk(keeper.checkpoints[4])
    request = race(steps=10, resume=True, origin={"run": "0" * 15, "step": 5})
    events = told(request, Context(seed=0, keeper=second, resume=(state,)))
    assert column(events, "SGD", "seconds")[0] > state.values["seconds"]
    assert list(second.snapshots["SGD", 0]) == [5, 6, 7, 8, 9, 10]
    assert torch.equal(second.snapshots["SGD", 0][10].params_P, keeper.snapshots["SGD", 0][10].params_P)


def test_repeats_go_on_each_from_its_own() -> None:
    request = race(ADAM, steps=10, repeats=2, batch_size=9)
    keeper = Kept()
    whole = told(request, Context(seed=0, keeper=keeper))
    events = resumed(request, [state for state in keeper.checkpoints if state.step == 4])
    for repeat in (0, 1):
        assert np.array_equal(column(events, "Adam", repeat=repeat), column(whole, "Adam", repeat=repeat)[4:])


def test_more_steps_than_before_are_the_total() -> None:
    keeper = kept_by(race(ADAM, steps=10))
    events = resumed(race(ADAM, steps=15), keeper.checkpoints[-1:])
    assert np.array_equal(column(events, "Adam"), column(told(race(ADAM, steps=15)), "Adam")[10:])
    done = resumed(race(ADAM, steps=10), keeper.checkpoints[-1:])
    assert [(event.step, event.reason) for event in of(LaneEnded, done)] == [(10, "done")]
    assert len(of(Snapshot, done)) == 1


def test_what_was_changed_live_stays_changed() -> None:
    messages = {
        2: [
            {"action": "set", "lane": "Momentum", "field": "lr", "value": 0.03},
            {"action": "set", "lane": "Momentum", "field": "momentum", "value": 0.5},
        ]
    }
    keeper = Kept()
    whole = told(race(MOMENTUM, steps=10), Context(seed=0, keeper=keeper, controls=Script(messages)))
    assert len(of(Controlled, whole)) == 2
    events = resumed(race(MOMENTUM, steps=10), [keeper.checkpoints[4]])
    assert np.array_equal(column(events, "Momentum"), column(whole, "Momentum")[5:])


def test_a_lane_that_was_cancelled_catches_up_first() -> None:
    keeper = Kept()
    script = Script({3: [{"action": "cancel", "lane": "Adam"}]})
    told(race(SGD, ADAM, steps=8, tune=False), Context(seed=0, keeper=keeper, controls=script))
    last = {state.lane: state for state in keeper.checkpoints}
    assert (last["SGD"].step, last["Adam"].step) == (8, 3)
    events = resumed(race(SGD, ADAM, steps=12, tune=False), list(last.values()))
    whole = told(race(SGD, ADAM, steps=12, tune=False))
    assert np.array_equal(column(events, "SGD"), column(whole, "SGD")[8:])
    assert np.array_equal(column(events, "Adam"), column(whole, "Adam")[3:])
    order = [event.lane for event in of(Checkpoint, events) if event.step in (4, 5, 6, 7, 8)]
    assert order == ["Adam"] * 5


def test_a_lane_without_a_checkpoint_is_named() -> None:
    keeper = kept_by(race(SGD, steps=4))
    with pytest.raises(Unsupported, match=r"no checkpoint of lane 'Adam', repeat 0 \(lanes with one: SGD\)"):
        resumed(race(SGD, ADAM, steps=8), keeper.checkpoints[-1:])


def test_another_rule_cannot_take_over() -> None:
    keeper = kept_by(race(SGD, steps=4))
    with pytest.raises(Unsupported, match="'SGD' was trained with sgd and cannot go on with adam"):
        resumed(race({**ADAM, "name": "SGD"}, steps=8), keeper.checkpoints[-1:])


def test_a_checkpoint_of_another_problem_is_refused() -> None:
    keeper = kept_by(race(SGD, problem=BOWL, steps=4))
    with pytest.raises(Unsupported, match="610 parameters"):
        resumed(race(SGD, steps=8), keeper.checkpoints[-1:])
