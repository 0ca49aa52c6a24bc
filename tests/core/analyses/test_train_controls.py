"""Control messages, obeyed between two steps."""

from collections.abc import Sequence

import numpy as np
import pytest

from backend.core.analyses.base import TICK, Context
from backend.core.analyses.train import TRAIN
from backend.core.analyses.train.clock import Clock
from backend.schemas.events import AnyEvent, Checkpoint, Controlled, LaneEnded, TrainChunk
from tests.core.analyses.races import ADAM, MOMENTUM, SGD, Script, column, controlled, ended, of, problem_of, race, told

PAUSE, RESUME, STOP = {"action": "pause"}, {"action": "resume"}, {"action": "cancel"}


def said(events: Sequence[AnyEvent]) -> list[tuple[str, str | None, int | None, str | None, float | None]]:
    return [(e.action, e.lane, e.step, e.field, e.value) for e in of(Controlled, events)]


def test_pause_and_resume() -> None:
    events = controlled(race(steps=10), {4: [PAUSE], 9: [RESUME]})
    assert said(events) == [("pause", None, 4, None, None), ("resume", None, 4, None, None)]
    assert np.array_equal(column(events, "SGD"), column(told(race(steps=10)), "SGD"))


def test_a_paused_race_ticks_and_idles() -> None:
    idled: list[float] = []
    ctx = Context(seed=0, controls=Script({3: [PAUSE], 20: [STOP]}), idle=idled.append)
    work = list(TRAIN.run(problem_of(race()), race(), ctx))
    assert work.count(TICK) == len(idled) == 17
    assert max(idled) <= 0.05


def test_stepping_by_hand_shows_each_step_at_once() -> None:
    step = {"action": "step", "n": 3}
    events = controlled(race(steps=10), {4: [step], 30: [{"action": "step"}], 40: [RESUME]})
    assert said(events) == [
        ("step", None, 4, "n", 3.0),
        ("step", None, 7, "n", 1.0),
        ("resume", None, 8, None, None),
    ]
    first = events.index(of(Controlled, events)[0])
    chunks = [chunk.step.tolist() for chunk in of(TrainChunk, events[first:])]
    assert chunks[:4] == [[5], [6], [7], [8]]
    assert column(events, "SGD", "step").tolist() == list(range(1, 11))


def test_rows_come_before_the_control_that_came_after_them() -> None:
    events = controlled(race(steps=10), {4: [PAUSE], 9: [RESUME]})
    before = events[: events.index(of(Controlled, events)[0])]
    assert column(before, "SGD", "step").tolist() == [1, 2, 3, 4]


def test_a_changed_rate_counts_from_the_next_step() -> None:
    change = {"action": "set", "lane": "SGD", "field": "lr", "value": 0.5}
    events = controlled(race(SGD, ADAM, steps=6, dtype="float64"), {2: [change]})
    assert said(events) == [("set", "SGD", 2, "lr", 0.5)]
    assert column(events, "SGD", "lr").tolist() == [0.1, 0.1, 0.5, 0.5, 0.5, 0.5]
    assert set(column(events, "Adam", "lr")) == {0.001}
    plain = told(race(SGD, ADAM, steps=6, dtype="float64"))
    assert np.array_equal(column(events, "SGD")[:3], column(plain, "SGD")[:3])
    assert column(events, "SGD")[3] != column(plain, "SGD")[3]


def test_under_a_schedule_it_is_the_base_rate_that_changes() -> None:
    lane = {**SGD, "schedule": {"kind": "linear", "cooldown": 4, "final": 0.0}}
    change = {"action": "set", "lane": "SGD", "field": "lr", "value": 1.0}
    events = controlled(race(lane, steps=4, dtype="float64"), {2: [change]})
    assert column(events, "SGD", "lr") == pytest.approx([0.1, 0.075, 0.5, 0.25])


def test_momentum_and_weight_decay_change_what_follows() -> None:
    for field in ("momentum", "weight_decay"):
        change = {"action": "set", "lane": "Momentum", "field": field, "value": 0.5}
        events = controlled(race(MOMENTUM, steps=6), {2: [change]})
        plain = column(told(race(MOMENTUM, steps=6)), "Momentum")
        assert np.array_equal(column(events, "Momentum")[:3], plain[:3])
        assert not np.array_equal(column(events, "Momentum"), plain)


@pytest.mark.parametrize(
    "change",
    [
        {"action": "set", "lane": "Nobody", "field": "lr", "value": 0.5},
        {"action": "set", "lane": "SGD", "field": "lr", "value": -1.0},
        {"action": "set", "lane": "SGD", "field": "lr", "value": None},
        {"action": "set", "lane": "SGD", "field": "nesterov", "value": 1.0},
        {"action": "set", "lane": "SGD", "field": "pace", "value": 1.0},
        {"action": "set", "lane": None, "field": "pace", "value": -3.0},
        {"action": "set", "lane": None, "field": "lr", "value": 0.5},
        {"action": "cancel", "lane": "Nobody"},
    ],
)
def test_what_cannot_be_obeyed_changes_nothing(change: dict[str, object]) -> None:
    events = controlled(race(steps=6), {2: [change]})
    assert said(events) == []
    assert np.array_equal(column(events, "SGD"), column(told(race(steps=6)), "SGD"))


def test_a_cancelled_lane_ends_and_the_others_go_on() -> None:
    events = controlled(race(SGD, ADAM, steps=8), {3: [{"action": "cancel", "lane": "Adam"}]})
    assert said(events) == [("cancel", "Adam", 3, None, None)]
    assert [(e.lane, e.step, e.reason) for e in of(LaneEnded, events)] == [("Adam", 3, "cancelled"), ("SGD", 8, "done")]
    assert len(column(events, "Adam")) == 3
    assert of(Checkpoint, events, lane="Adam")[-1].step == 3


def test_every_repeat_of_a_lane_obeys() -> None:
    messages = {
        2: [{"action": "set", "lane": "SGD", "field": "lr", "value": 0.7}],
        4: [{"action": "cancel", "lane": "SGD"}],
    }
    events = controlled(race(SGD, ADAM, steps=6, repeats=2, dtype="float64"), messages)
    for repeat in (0, 1):
        assert column(events, "SGD", "lr", repeat).tolist() == [0.1, 0.1, 0.7, 0.7]
    assert len(of(LaneEnded, events, reason="cancelled")) == 2
    assert len(of(Controlled, events)) == 2


@pytest.mark.parametrize("paused", [False, True])
def test_a_cancelled_race_ends_all_its_lanes_and_says_so(paused: bool) -> None:
    script = Script({2: [PAUSE] if paused else [], 5: [STOP]})
    events, outcome = ended(race(SGD, ADAM, steps=50), Context(seed=0, controls=script))
    assert outcome == "cancelled"
    step = 2 if paused else 5
    assert [(e.lane, e.step, e.reason) for e in of(LaneEnded, events)] == [
        ("SGD", step, "cancelled"),
        ("Adam", step, "cancelled"),
    ]
    assert isinstance(events[-1], LaneEnded)


class Minute:
    """A clock that stands still but while the race idles, so that its idling is all that takes time."""

    def __init__(self) -> None:
        self.now, self.idled = 100.0, 0.0

    def idle(self, seconds: float) -> None:
        self.now += seconds
        self.idled += seconds


@pytest.fixture
def minute(monkeypatch: pytest.MonkeyPatch) -> Minute:
    found = Minute()
    for module in ("analysis", "race", "controls"):
        monkeypatch.setattr(f"backend.core.analyses.train.{module}.perf_counter", lambda: found.now)
    return found


def test_pace_is_the_most_steps_a_second(minute: Minute) -> None:
    events = told(race(steps=40, pace=8.0), Context(seed=0, idle=minute.idle))
    assert minute.idled == pytest.approx(39 / 8)  # the first step is taken at once
    chunks = [chunk.step.tolist() for chunk in of(TrainChunk, events)]
    assert chunks == [[step] for step in range(1, 41)]


def test_pace_changes_live(minute: Minute) -> None:
    changes = Script({0: [{"action": "set", "field": "pace", "value": 10.0}]})
    told(race(steps=6), Context(seed=0, controls=changes, idle=minute.idle))
    assert minute.idled == pytest.approx(5 / 10)
    minute.idled = 0.0
    free = Script({2: [{"action": "set", "field": "pace", "value": None}]})
    told(race(steps=6, pace=0.001), Context(seed=0, controls=free, idle=minute.idle))
    assert minute.idled < 1.0


def test_a_clock_makes_up_for_oversleeping_but_not_for_a_long_delay() -> None:
    clock = Clock(pace=10.0, due=0.0)
    taken = []
    now = 0.0
    for late in (0.0, 0.02, 0.0, 5.0, 0.0, 0.0):
        now = max(now, clock.due) + late
        clock.stepped(now)
        taken.append(round(now, 6))
    assert taken == [0.0, 0.12, 0.2, 5.3, 5.3, 5.35]


def test_granted_steps_add_up_while_paused() -> None:
    clock = Clock(pace=None, due=0.0)
    clock.grant(2)
    clock.grant(1)
    waits = []
    for _ in range(4):
        waits.append(clock.wait(0.0))
        if not waits[-1]:
            clock.stepped(0.0)
    assert waits == [0.0, 0.0, 0.0, float("inf")]
    clock.resume(7.0)
    assert clock.wait(7.0) == 0.0
