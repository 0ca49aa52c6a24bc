"""Races that were cut off go on from their checkpoints: every rule of the registry bit for bit, or left failed."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.core.optimizers.registry import OPTIMIZERS, Rule
from backend.jobs.clock import now
from backend.jobs.engine import Ended, Task
from backend.jobs.errors import Conflict, NotFound
from backend.jobs.feed import Feed
from backend.jobs.inline import InlineEngine
from backend.jobs.recovery import Recovery
from backend.jobs.resumption import MOST_CHANGES, resumption
from backend.jobs.service import Service
from backend.jobs.slots import died
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.events import AnyEvent, Checkpoint, Controlled, Envelope, TrainChunk
from backend.schemas.ids import new_run_id
from backend.schemas.optimizer.filters import ClipFilter
from backend.schemas.point import RunPoint
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import ChebyshevData
from backend.schemas.problem.loss import MseLoss
from backend.schemas.problem.model import MlpModel
from backend.schemas.run import AnalyseRequest, Change, Lane, Run, TrainRequest
from backend.schemas.snapshot import KeptSnapshot
from tests.fold import fold

PATIENCE = 60.0
NET = DataProblem(data=ChebyshevData(points=12), model=MlpModel(hidden=(6,)), loss=MseLoss(factor=0.5))
KINDS = [rule.spec.model_fields["kind"].default for rule in OPTIMIZERS]


@dataclass
class House:
    """A service over a folder, and its store."""

    service: Service
    store: SqliteStore

    def play(self, request: TrainRequest) -> Run:
        return self.service.wait(self.service.submit(request).id, PATIENCE)

    def told(self, run: str) -> list[AnyEvent]:
        rows, _ = self.service.events(run, EventFilter(limit=100_000))
        return [Envelope.decode(row.text).event for row in rows]

    def columns(self, run: str) -> Any:
        return fold(self.told(run))["columns"]

    def child(self, run: str) -> Run | None:
        return next((each for each in self.service.page()[0] if each.parent == run), None)

    def cut_off(
        self, whole: Run, request: TrainRequest, last: int, status: str = "running", told: int | None = None
    ) -> Run:
        """Store a run that has kept the whole one's checkpoints up to a step, told of them up to this or another one,
        and was not ended by its server.
        """
        run = Run(id=new_run_id(), kind="train", name="cut off", tags=("mine",), status="queued", created=now(),
                  request=request.to_json())  # fmt: skip
        self.store.create(run)
        if status != "queued":
            self.store.update(run.id, status="running")
        if status not in ("queued", "running"):
            self.store.update(run.id, status=status)
        shutil.copytree(self.service.folder(whole.id), self.service.folder(run.id))
        for file in (self.service.folder(run.id) / "checkpoints").iterdir():
            if int(file.name.split(".")[-2]) > last:
                file.unlink()
        known = [event for event in self.told(whole.id) if isinstance(event, Checkpoint)]
        self.store.append(run.id, 1, [e for e in known if (e.step or 0) <= (last if told is None else told)])
        return self.service.get(run.id)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    store = SqliteStore(tmp_path / "runs.sqlite")
    service = Service(store, InlineEngine(threads=1), Feed(store), tmp_path)
    yield House(service, store)
    service.close()


def race(*lanes: Lane, **fields: Any) -> TrainRequest:
    defaults = {"problem": NET, "lanes": lanes or (Lane(),), "steps": 20, "batch_size": 4, "seed": 3}
    return TrainRequest(**{**defaults, **fields})


def same_rest(whole: Any, rest: Any, since: int, steps: int = 20) -> None:
    assert whole.keys() == rest.keys()
    for key, columns in whole.items():
        for name, (dtype, (length,), data) in columns.items():
            assert length == steps
            size = len(data) // length
            assert rest[key][name] == (dtype, (steps - since,), data[since * size :]), (key, name)


@pytest.mark.parametrize("rule", OPTIMIZERS, ids=KINDS)
def test_every_rule_goes_on_bit_for_bit_after_the_server_has_died(rule: Rule, house: House) -> None:
    filters = (ClipFilter(),) if rule.spec.filtered else ()
    request = race(Lane(name="One", optimizer=rule.spec(), filters=filters), recovery="resume")
    whole = house.play(request)
    assert whole.status == "succeeded", whole.error
    dead = house.cut_off(whole, request, last=8)
    assert house.service.recover() == [dead.id]
    child = house.child(dead.id)
    assert child is not None
    again = house.service.wait(child.id, PATIENCE)
    assert (again.status, again.parent, again.name, again.tags) == ("succeeded", dead.id, "cut off", ("mine",))
    same_rest(house.columns(whole.id), house.columns(again.id), since=8)
    left = house.service.get(dead.id)
    assert left.error is not None
    assert (left.status, left.error.code) == ("failed", "worker_lost")


def test_a_race_is_left_failed_unless_it_was_asked_to_go_on(house: House) -> None:
    whole = house.play(race())
    dead = house.cut_off(whole, race(), last=8)
    house.service.recover()
    assert house.child(dead.id) is None
    by_hand = house.service.wait(house.service.resume(dead.id).id, PATIENCE)
    same_rest(house.columns(whole.id), house.columns(by_hand.id), since=8)


def test_lanes_that_kept_different_steps_go_on_each_from_its_own(house: House) -> None:
    request = race(Lane(name="A"), Lane(name="B"), repeats=2)
    whole = house.play(request)
    dead = house.cut_off(whole, request, last=12)
    (house.service.folder(dead.id) / "checkpoints" / "000.001.000.000000012.safetensors").unlink()
    house.service.recover()
    again = house.service.wait(house.service.resume(dead.id).id, PATIENCE)
    rows = {key: each["step"][1][0] for key, each in house.columns(again.id).items() if key[0] == "train_chunk"}
    assert sorted(rows.values()) == [8, 8, 8, 10]


@pytest.mark.parametrize("told", [8, 0])
def test_a_checkpoint_that_nobody_was_told_of_is_none(house: House, told: int) -> None:
    """The rows before it may not have been told either: they died between the disk and the store."""
    request = race(Lane(name="A"), Lane(name="B"), repeats=2)
    whole = house.play(request)
    dead = house.cut_off(whole, request, last=12, told=told)
    house.service.recover()
    again = house.service.wait(house.service.resume(dead.id).id, PATIENCE)
    rows = [
        {key: each for key, each in house.columns(run.id).items() if key[0] == "train_chunk"} for run in (whole, again)
    ]
    assert len(rows[0]) == 4
    same_rest(*rows, since=told)


def test_without_room_for_earlier_checkpoints_one_that_was_not_told_of_is_taken() -> None:
    kept = [KeptSnapshot(lane="SGD", repeat=0, step=12, bytes=1, resumable=True)]
    onward = resumption(stopped(), race(), kept, [Checkpoint(lane="SGD", step=step) for step in (4, 8)])
    assert (onward.origin, onward.resume) == (RunPoint(run=stopped().id), True)


def test_every_checkpoint_comes_after_the_rows_before_it(house: House) -> None:
    seen = 0
    for event in house.told(house.play(race()).id):
        if isinstance(event, TrainChunk):
            seen = int(event.step[-1])
        elif isinstance(event, Checkpoint):
            assert seen == event.step


def test_without_a_checkpoint_it_starts_again(house: House) -> None:
    whole = house.play(race())
    dead = house.cut_off(whole, race(), last=0, status="queued")
    house.service.recover()
    again = house.service.wait(house.service.resume(dead.id).id, PATIENCE)
    same_rest(house.columns(whole.id), house.columns(again.id), since=0)
    assert again.parent == dead.id


def test_what_was_resumed_is_resumed_again(house: House) -> None:
    whole = house.play(race())
    first = house.cut_off(whole, race(), last=4)
    house.service.recover()
    second = house.cut_off(whole, race(origin=RunPoint(run=first.id), resume=True), last=0)
    third = house.cut_off(whole, race(origin=RunPoint(run=second.id), resume=True), last=16)
    house.service.recover()
    for dead, since in ((second, 4), (third, 16)):
        again = house.service.wait(house.service.resume(dead.id).id, PATIENCE)
        same_rest(house.columns(whole.id), house.columns(again.id), since=since)


def test_what_was_changed_by_hand_since_is_changed_again(house: House) -> None:
    changes = (Change(step=5, lane="SGD", field="lr", value=0.05), Change(step=13, lane="SGD", field="lr", value=0.2))
    whole = house.play(race(changes=changes))
    dead = house.cut_off(whole, race(), last=8)
    told = [Controlled(lane=c.lane, step=c.step, action="set", field=c.field, value=c.value) for c in changes]
    house.store.append(dead.id, dead.last_seq + 1, told)
    house.service.recover()
    again = house.service.wait(house.service.resume(dead.id).id, PATIENCE)
    same_rest(house.columns(whole.id), house.columns(again.id), since=8)


def test_what_cannot_go_on_is_refused(house: House) -> None:
    with pytest.raises(NotFound):
        house.service.resume("0" * 15)
    whole = house.play(race())
    with pytest.raises(Conflict, match="has taken all its steps"):
        house.service.resume(whole.id)
    with pytest.raises(Conflict, match="is running: it goes on by itself"):
        house.service.resume(house.cut_off(whole, race(), last=8).id)
    look = house.service.submit(AnalyseRequest(problem=NET))
    house.service.wait(look.id, PATIENCE)
    with pytest.raises(Conflict, match="is no race"):
        house.service.resume(look.id)


def stopped(**fields: Any) -> Run:
    return Run(id="0" * 15, kind="train", name="", status="failed", created=now(), request={}, **fields)


def test_cancelled_lanes_stay_out() -> None:
    request = race(Lane(name="A"), Lane(name="B"))
    change = Controlled(lane="A", step=1, action="set", field="lr", value=1.0)
    told = [Controlled(lane="A", step=3, action="cancel"), change]
    onward = resumption(stopped(), request, [], told)
    assert ([lane.name for lane in onward.lanes], onward.changes, onward.resume) == (["B"], (), False)
    with pytest.raises(Conflict, match="every lane was cancelled"):
        resumption(stopped(), request, [], [*told, Controlled(lane="B", step=3, action="cancel")])
    whole = resumption(stopped(), request, [], [Controlled(lane=None, step=3, action="cancel")])
    assert len(whole.lanes) == 2


def test_changes_before_the_checkpoint_are_behind_it() -> None:
    kept = [KeptSnapshot(lane="SGD", repeat=0, step=step, bytes=1, resumable=True) for step in (4, 8)]
    told = [Controlled(lane="SGD", step=i, action="set", field="lr", value=0.1) for i in range(12)]
    told = [*told, *(Checkpoint(lane="SGD", step=step) for step in (4, 8))]
    assert [change.step for change in resumption(stopped(), race(), kept, told).changes] == [8, 9, 10, 11]
    many = [Controlled(lane="SGD", step=9, action="set", field="lr", value=i / 1e6) for i in range(MOST_CHANGES + 1)]
    with pytest.raises(Conflict, match="was changed 1001 times"):
        resumption(stopped(), race(), kept, [*told[-2:], *many])


class Dying:
    """An engine whose worker dies with everything that it is given."""

    width = 1

    def __init__(self) -> None:
        self.taken: list[Task] = []

    def submit(self, tasks: tuple[Task, ...], sink: Any) -> "Dying":
        self.taken.append(tasks[0])
        sink.started(tasks[0].run)
        sink.ended(tasks[0].run, Ended("failed", died(-9)))
        return self

    def wait(self, timeout: float | None = None) -> Ended:
        return Ended("failed", died(-9))

    def queue(self) -> tuple[str, ...]:
        return ()

    def close(self, grace: float = 0.0) -> None:
        """Nothing to stop."""


def test_a_worker_that_dies_again_without_progress_is_not_tried_again(tmp_path: Path) -> None:
    store, engine = SqliteStore(tmp_path / "runs.sqlite"), Dying()
    service = Service(store, engine, Feed(store), tmp_path)  # type: ignore[arg-type]
    service.submit(race(recovery="resume"))
    assert len(engine.taken) == 1
    service.close()


def test_after_progress_a_dead_worker_is_followed_by_another_run(house: House) -> None:
    asked: list[tuple[Any, str | None]] = []

    def submit(request: Any, *, parent: str | None = None) -> Run:
        asked.append((request, parent))
        return house.service.get(str(parent))

    recovery = Recovery(house.store, house.service.feed, house.service.folder, submit)
    whole = house.play(race())
    for choice in ("fail", "resume"):
        dead = house.cut_off(whole, race(recovery=choice), last=8, status="failed")
        recovery.died(dead.id)
    assert [(request.resume, parent) for request, parent in asked] == [(True, dead.id)]


def test_a_race_that_goes_on_outlives_a_server_that_is_stopped(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "runs.sqlite")
    service = Service(store, InlineEngine(threads=1), Feed(store), tmp_path)
    run = service.submit(race(steps=4000, pace=200.0, recovery="resume"))
    while service.get(run.id).last_seq < 5:
        service.wait(run.id, 0.01)
    service.close()
    store = SqliteStore(tmp_path / "runs.sqlite")
    house = House(Service(store, InlineEngine(threads=1), Feed(store), tmp_path), store)
    assert house.service.recover() == [run.id]
    child = house.child(run.id)
    assert child is not None
    assert child.request["resume"]  # from where it was stopped, in the midst between two checkpoints
    assert [event.kind for event in house.told(run.id)].count("finished") == 1
    house.service.close()
