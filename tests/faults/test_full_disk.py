"""A disk that is full, or a database that is locked: what runs is held, says why, and goes on without a loss."""

import errno
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from backend.jobs import held, sqlite_store
from backend.jobs.errors import Unavailable
from backend.jobs.feed import Feed
from backend.jobs.inline import InlineEngine
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.control import Cancel
from backend.schemas.events import AnyEvent, Envelope
from backend.schemas.optimizer import SgdOptimizer
from backend.schemas.problem import FunctionProblem
from backend.schemas.run import AnalyseRequest, Change, Lane, Run, TrainRequest
from tests.fold import fold

PATIENCE = 30.0


class Disk:
    """The disk under a store: it can be filled, so that SQLite finds no room for another page."""

    def __init__(self, store: SqliteStore) -> None:
        self.full = False
        event.listen(store._engine, "checkout", self._checkout)

    def _checkout(self, connection: Any, *_: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0] if self.full else 2**30
        connection.execute(f"PRAGMA max_page_count = {pages}")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqliteStore:
    monkeypatch.setattr(sqlite_store, "WAITS", 0.02)
    return SqliteStore(tmp_path / "runs.sqlite")


@pytest.fixture
def service(store: SqliteStore, tmp_path: Path) -> Iterator[Service]:
    opened = Service(store, InlineEngine(threads=1), Feed(store), tmp_path)
    opened._recorder._retry = 0.05
    yield opened
    opened.close()


def race(**fields: Any) -> TrainRequest:
    slow = (Lane(optimizer=SgdOptimizer(lr=1e-4)),)
    return TrainRequest(
        **{"problem": FunctionProblem(), "lanes": slow, "steps": 600, "pace": 400.0, "tune": False, **fields}
    )


def until(holds: Callable[[], object]) -> None:
    for _ in range(int(PATIENCE * 100)):
        if holds():
            return
        time.sleep(0.01)
    pytest.fail("it has not come to hold in time")


def told(service: Service, run: Run) -> list[AnyEvent]:
    rows, _ = service.events(run.id, EventFilter(limit=100_000))
    assert [row.seq for row in rows] == list(range(1, run.last_seq + 1))
    return [Envelope.decode(row.text).event for row in rows]


def begun(service: Service, request: Any) -> Run:
    run = service.submit(request)
    until(lambda: service.get(run.id).last_seq > 3)
    return run


def why(service: Service, run: Run) -> str:
    found = service.get(run.id)
    return "" if found.error is None else found.error.message


def test_a_race_is_paused_while_the_disk_is_full_and_loses_nothing(service: Service, store: SqliteStore) -> None:
    whole = service.wait(service.submit(race(pace=None)).id, PATIENCE)
    disk, run = Disk(store), begun(service, race())
    disk.full = True
    until(lambda: why(service, run))
    assert "database or disk is full" in why(service, run)
    assert service.get(run.id).paused
    with pytest.raises(Unavailable, match="is full"):  # no room for another run either: two pages' worth
        service.submit(race(changes=tuple(Change(step=i, value=1e-4) for i in range(200))))
    disk.full = False
    ended = service.wait(run.id, PATIENCE)
    assert (ended.status, ended.error, ended.paused) == ("succeeded", None, False)
    events = told(service, ended)
    assert [each.action for each in events if each.kind == "controlled"] == ["pause", "resume"]
    assert fold(events)["columns"] == fold(told(service, whole))["columns"]


def test_a_race_waits_while_another_program_has_locked_the_database(service: Service, tmp_path: Path) -> None:
    run = begun(service, race())
    other = sqlite3.connect(tmp_path / "runs.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    until(lambda: "another program has locked it" in why(service, run))
    other.execute("ROLLBACK")
    other.close()
    ended = service.wait(run.id, PATIENCE)
    assert (ended.status, ended.error) == ("succeeded", None)
    assert told(service, ended)


def test_the_end_of_a_run_waits_too(service: Service, store: SqliteStore) -> None:
    disk, run = Disk(store), begun(service, race(steps=100_000, pace=50.0))
    disk.full = True
    until(lambda: why(service, run))
    service.control(run.id, Cancel())
    until(lambda: service._recorder._live[run.id].held.ended)  # type: ignore[union-attr]
    assert service.get(run.id).status == "running"
    disk.full = False
    until(lambda: service.get(run.id).status == "cancelled")
    assert [each.kind for each in told(service, service.get(run.id))][-1] == "finished"


def test_what_tells_too_much_meanwhile_is_stopped(
    service: Service, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "MOST", 0)
    disk, run = Disk(store), begun(service, race(steps=100_000, pace=50.0))
    disk.full = True
    until(lambda: service._recorder._live[run.id].broken)
    until(lambda: service._recorder._live[run.id].held.ended)  # type: ignore[union-attr]
    disk.full = False
    until(lambda: service.get(run.id).status == "failed")
    assert "could not be stored" in why(service, run)


def test_a_server_that_stops_while_the_disk_is_full_leaves_a_whole_database(
    service: Service, store: SqliteStore, tmp_path: Path
) -> None:
    disk, run = Disk(store), begun(service, race(steps=100_000, pace=50.0))
    disk.full = True
    until(lambda: why(service, run))
    service.close()
    again = SqliteStore(tmp_path / "runs.sqlite")
    house = Service(again, InlineEngine(threads=1), Feed(again), tmp_path)
    assert house.recover() == [run.id]
    assert [each.kind for each in told(house, house.get(run.id))][-2:] == ["failed", "finished"]
    house.close()


def test_a_race_waits_for_room_for_its_snapshots(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    write, full = Path.write_bytes, [False]

    def writing(file: Path, data: bytes) -> int:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        return write(file, data)

    monkeypatch.setattr(Path, "write_bytes", writing)
    run = begun(service, race())
    full[0] = True
    until(lambda: (service.get(run.id).progress or race()).__dict__.get("phase") == "waiting for room on the disk")
    stood = service.get(run.id).last_seq
    time.sleep(0.2)
    assert service.get(run.id).last_seq == stood
    full[0] = False
    ended = service.wait(run.id, PATIENCE)
    assert ended.status == "succeeded"
    assert [kept.step for kept in service.snapshots(run.id)] == list(range(601))
    full[0] = True
    waiting = service.submit(race(steps=3))
    until(lambda: (service.get(waiting.id).progress or race()).__dict__.get("phase") == "waiting for room on the disk")
    service.control(waiting.id, Cancel())
    assert service.wait(waiting.id, PATIENCE).status == "cancelled"


def test_another_fault_of_the_disk_ends_the_run(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def writing(file: Path, data: bytes) -> int:
        raise OSError(errno.EIO, "Input/output error", str(file))

    monkeypatch.setattr(Path, "write_bytes", writing)
    ended = service.wait(service.submit(race()).id, PATIENCE)
    assert ended.error is not None
    assert (ended.status, "Input/output error" in ended.error.message) == ("failed", True)
    assert service.wait(service.submit(AnalyseRequest(problem=FunctionProblem())).id, PATIENCE).status == "failed"
