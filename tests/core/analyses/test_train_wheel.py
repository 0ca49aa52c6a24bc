"""The wheel: changes of a running race are told; it can be run again, or from any checkpoint, exactly."""

import json
from typing import Any

import numpy as np
import pytest

from backend.core.analyses.base import Context
from backend.schemas.events import Controlled
from backend.schemas.optimizer import OPTIMIZER_KINDS
from backend.schemas.point import RunPoint
from backend.schemas.replay import replay_of
from backend.schemas.run import TrainRequest
from tests.core.analyses.races import ADAM, MOMENTUM, Kept, column, controlled, of, race, told

NAMES = ("loss", "grad_norm", "lr", "evaluations")
LANES = 8  # of a race, at most
MOONS = {"data": {"kind": "moons", "examples": 40}, "model": {"kind": "mlp", "hidden": [6]}}


def _set(lane: str, field: str, value: float) -> dict[str, Any]:
    return {"action": "set", "lane": lane, "field": field, "value": value}


STEERED = {
    2: [_set("Momentum", "lr", 0.3), _set("Adam", "weight_decay", 0.1)],
    7: [{"action": "pause"}],
    9: [{"action": "step", "n": 2}, _set("Momentum", "momentum", 0.5)],
    16: [{"action": "resume"}],
    20: [_set("Momentum", "weight_decay", 0.02)],
}


def _request(**fields: Any) -> TrainRequest:
    return race(MOMENTUM, ADAM, steps=30, batch_size=32, **fields)


def test_a_steered_race_is_run_again_exactly() -> None:
    events = controlled(_request(), STEERED)
    again = replay_of(_request(), events)
    assert [(change.lane, change.field) for change in again.changes] == [
        ("Momentum", "lr"), ("Adam", "weight_decay"), ("Momentum", "momentum"), ("Momentum", "weight_decay"),
    ]  # fmt: skip
    replayed = told(TrainRequest.decode(again.encode()))
    for lane in ("Momentum", "Adam"):
        for name in NAMES:
            assert np.array_equal(column(events, lane, name), column(replayed, lane, name)), (lane, name)
    assert [event for event in of(Controlled, events) if event.action == "set"] == of(Controlled, replayed)
    assert not np.array_equal(column(events, "Adam"), column(told(_request()), "Adam"))


def test_a_replay_is_itself_replayed() -> None:
    again = replay_of(_request(), controlled(_request(), STEERED))
    assert replay_of(again, told(again)) == again


@pytest.mark.parametrize("step", [3, 12, 21])
def test_rewound_and_steered_differently_is_what_it_would_have_been(step: int) -> None:
    """Rewind to a checkpoint, change, go on: the same as a race with the same changes from its start."""
    keeper = Kept()
    first = replay_of(
        _request(), told(_request(changes=[_change(3, "Momentum", "lr", 0.2)]), Context(0, keeper=keeper))
    )
    states = tuple(state for state in keeper.checkpoints if state.step == step)
    other = [_change(step, "Momentum", "lr", 0.02), _change(step + 2, "Adam", "lr", 0.005)]
    rewound = told(_request(changes=other, resume=True, origin={"run": "0" * 15}), Context(seed=0, resume=states))
    before = [change.model_dump() for change in first.changes if change.step < step]
    straight = told(_request(changes=[*before, *other]))
    for lane in ("Momentum", "Adam"):
        assert column(rewound, lane, "step").tolist() == list(range(step + 1, 31))
        for name in NAMES:
            assert np.array_equal(column(rewound, lane, name), column(straight, lane, name)[step:]), (lane, name)


@pytest.mark.parametrize("first", range(0, len(OPTIMIZER_KINDS), LANES))
def test_every_rule_rewound_and_steered_differently_is_what_it_would_have_been(first: int) -> None:
    """As above, for all rules as they come, two repeats of each; and its replay is the same again."""
    rules = {str(kind.model_fields["kind"].default): kind().lr for kind in OPTIMIZER_KINDS[first : first + LANES]}
    lanes = [{"name": kind, "optimizer": {"kind": kind}} for kind in rules]
    fields: dict[str, Any] = {"problem": MOONS, "steps": 10, "batch_size": 13, "repeats": 2}
    keeper = Kept()
    plain = told(race(*lanes, **fields), Context(0, keeper=keeper))
    states = tuple(state for state in keeper.checkpoints if state.step == 4)
    assert len(states) == 2 * len(rules)
    steered = race(*lanes, **fields, changes=[_change(4, kind, "lr", 0.3 * lr) for kind, lr in rules.items()])
    straight = told(steered)
    changed = steered.model_copy(update={"resume": True, "origin": RunPoint(run="0" * 15, step=4)})
    rewound, replayed = told(changed, Context(0, resume=states)), told(replay_of(steered, straight))
    for kind in rules:
        for repeat in (0, 1):
            for name in NAMES:
                wanted = column(straight, kind, name, repeat)
                assert column(rewound, kind, name, repeat).tobytes() == wanted[4:].tobytes(), (kind, repeat, name)
                assert column(replayed, kind, name, repeat).tobytes() == wanted.tobytes(), (kind, repeat, name)
            assert (
                column(plain, kind, "loss", repeat)[:4].tobytes()
                == column(straight, kind, "loss", repeat)[:4].tobytes()
            )
            assert column(plain, kind, "loss", repeat).tobytes() != column(straight, kind, "loss", repeat).tobytes(), (
                kind
            )


def _change(step: int, lane: str, field: str, value: float) -> dict[str, Any]:
    return {"step": step, "lane": lane, "field": field, "value": value}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_change(3, "Nobody", "lr", 0.1), "expected one of the lanes Momentum, Adam; got 'Nobody'"),
        ({**_change(3, "Adam", "lr", 0.1), "repeats": (0, 1)}, "lane 'Adam': expected repeats from 0 to 0; got 1"),
        (_change(3, "Adam", "beta1", 0.1), "lane 'Adam': expected one of lr, weight_decay; got 'beta1'"),
        (_change(3, "Momentum", "momentum", 1.0), "lane 'Momentum': momentum cannot be 1"),
        (_change(-1, "Adam", "lr", 0.1), "greater than or equal to 0"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(change: dict[str, Any], sentence: str) -> None:
    request = json.loads(_request().encode())
    with pytest.raises(ValueError, match=sentence):
        TrainRequest.model_validate_json(json.dumps({**request, "changes": [change]}))


def test_rates_momentum_and_decay_can_be_steered_wherever_a_rule_has_them() -> None:
    for kind in OPTIMIZER_KINDS:
        for field in ("lr", "momentum", "weight_decay"):
            assert field not in kind.model_fields or field in kind.live, (kind.__name__, field)
