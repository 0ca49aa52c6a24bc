import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.jobs.engine import Ended, Sink, Task
from backend.jobs.errors import Conflict, InvalidRequest, NotFound, Unavailable
from backend.jobs.feed import Feed
from backend.jobs.inline import InlineEngine
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.control import CONTROL, Cancel, Pause, Resume, Step
from backend.schemas.events import Envelope, Failed, Finished
from backend.schemas.optimizer.adam import AdamOptimizer
from backend.schemas.problem import FunctionProblem
from backend.schemas.run import REQUEST, AnalyseRequest, AnyRequest, Lane, Run, TrainRequest
from tests.jobs.scripted import WORKSHOP
from tests.jobs.sinks import script

PATIENCE = 60.0


def open_service(folder: Path, engine: Any = None) -> Service:
    store = SqliteStore(folder / "runs.sqlite")
    return Service(store, engine or InlineEngine(WORKSHOP, threads=1), Feed(store), folder)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    opened = open_service(tmp_path)
    yield opened
    opened.close()


def envelopes(service: Service, run: Run) -> list[Envelope]:
    rows, more = service.events(run.id, EventFilter(limit=100_000))
    assert more is None
    found = [Envelope.decode(row.text) for row in rows]
    assert [envelope.seq for envelope in found] == list(range(1, len(found) + 1))
    return found


def play(service: Service, request: AnyRequest) -> Run:
    return service.wait(service.submit(request).id, PATIENCE)


def live(service: Service, name: str = "endless", **fields: Any) -> Run:
    """Submit a run that goes on, and wait until it does."""
    run = service.submit(script(name, **fields))
    until(lambda: service.get(run.id).last_seq >= 2)
    return run


def until(holds: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE * 100)):
        if holds():
            return
        time.sleep(0.01)
    pytest.fail("it has not come to hold in time")


class Silent:
    """An engine that accepts runs and never begins them: a server that was killed."""

    width = 1

    def __init__(self, begins: bool = False) -> None:
        self.begins = begins
        self.waiting: list[str] = []

    def submit(self, tasks: tuple[Task, ...], sink: Sink) -> "Silent":
        self.waiting.append(tasks[0].run)
        if self.begins:
            sink.started(tasks[0].run)
        return self

    def queue(self) -> tuple[str, ...]:
        return tuple(self.waiting)

    def cancel(self) -> None:
        """Never obeyed."""

    def wait(self, timeout: float | None = None) -> Ended | None:
        return None

    def catalog(self, timeout: float) -> None:
        return None

    def close(self, grace: float = 3.0) -> None:
        """Nothing to stop."""


def test_a_run_is_stored_numbered_and_ended_once(service: Service) -> None:
    run = play(service, script("numbers 5", tags=("a",)))
    assert (run.status, run.kind, run.tags, run.error, run.queue_position) == ("succeeded", "train", ("a",), None, None)
    assert run.started is not None
    assert run.ended is not None
    assert run.created <= run.started <= run.ended
    assert run.progress is not None
    assert (run.progress.phase, run.progress.done, run.progress.total) == ("counting", 4, 5)
    told = envelopes(service, run)
    assert [e.event.kind for e in told] == ["started", *["progress"] * 5, "finished"]
    assert run.last_seq == len(told)
    assert REQUEST.validate_json(json.dumps(run.request)) == script("numbers 5", tags=("a",))


def test_a_failed_run_says_why_once(service: Service) -> None:
    run = play(service, script("fail 1"))
    failed, finished = (envelope.event for envelope in envelopes(service, run)[-2:])
    assert isinstance(failed, Failed)
    assert isinstance(finished, Finished)
    assert (run.status, finished.status, failed.error.code) == ("failed", "failed", "out_of_memory")
    assert run.error == failed.error


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (TrainRequest(), "SGD on digits"),
        (TrainRequest(lanes=tuple(Lane(name=f"L{i}") for i in range(6))), "L0, L1, L2, L3 and 2 more on digits"),
        (TrainRequest(problem=FunctionProblem()), "SGD on Rosenbrock"),
        (AnalyseRequest(problem=FunctionProblem()), "Loss surface on Rosenbrock"),
    ],
)
def test_a_run_without_a_name_is_called_after_what_it_does(tmp_path: Path, request_: AnyRequest, name: str) -> None:
    service = open_service(tmp_path, Silent())
    assert service.submit(request_).name == name
    service.close()


def test_the_same_key_gives_the_same_run(service: Service) -> None:
    first = service.submit(script("numbers 2"), "key")
    assert service.submit(script("numbers 2"), "key").id == first.id
    with pytest.raises(Conflict, match="another body"):
        service.submit(script("numbers 3"), "key")
    service.wait(first.id, PATIENCE)
    assert service.submit(script("numbers 2"), "key").status == "succeeded"
    assert [run.id for run in service.page()[0]] == [first.id]


def test_queued_runs_know_their_place_and_can_only_be_cancelled(service: Service) -> None:
    first = live(service)
    second, third = service.submit(script("numbers 1")), service.submit(script("numbers 1"))
    places = {run.id: (run.status, run.queue_position) for run in service.page()[0]}
    assert places == {first.id: ("running", None), second.id: ("queued", 1), third.id: ("queued", 2)}
    with pytest.raises(Conflict, match="queued"):
        service.control(third.id, Pause())
    with pytest.raises(Conflict, match="queued"):
        service.delete(third.id)
    service.control(second.id, Cancel())
    service.control(first.id, Cancel())
    assert service.wait(first.id, PATIENCE).status == "cancelled"
    assert service.wait(second.id, PATIENCE).status == "cancelled"
    assert [e.event.kind for e in envelopes(service, second)] == ["finished"]
    assert service.wait(third.id, PATIENCE).status == "succeeded"


def test_pausing_shows_in_the_run(service: Service) -> None:
    run = live(service)
    service.control(run.id, Pause())
    until(lambda: service.get(run.id).paused)
    service.control(run.id, Resume())
    until(lambda: not service.get(run.id).paused)
    service.control(run.id, Step(n=2))
    until(lambda: service.get(run.id).paused)
    service.control(run.id, Cancel())
    assert service.wait(run.id, PATIENCE).paused is False
    with pytest.raises(Conflict, match="has ended"):
        service.control(run.id, Pause())


@pytest.mark.parametrize(
    ("control", "path", "words"),
    [
        ({"action": "set", "lane": "SGD", "field": "beta1", "value": 0.5}, "field", "lr, momentum, weight_decay"),
        ({"action": "set", "lane": "SGD", "field": "lr", "value": -1.0}, "value", "greater than 0"),
        ({"action": "set", "lane": "SGD", "field": "lr", "value": None}, "value", "got null"),
        ({"action": "set", "lane": "nobody", "field": "lr", "value": 0.1}, "lane", "SGD, Adam; got 'nobody'"),
        ({"action": "set", "lane": None, "field": "lr", "value": 0.1}, "lane", "got null"),
        ({"action": "set", "lane": None, "field": "pace", "value": 0.0}, "value", "greater than or equal to 0.001"),
        ({"action": "cancel", "lane": "nobody"}, "lane", "SGD, Adam; got 'nobody'"),
    ],
)
def test_a_control_that_cannot_be_obeyed_names_its_field(
    service: Service, control: dict[str, Any], path: str, words: str
) -> None:
    lanes = (Lane(), Lane(name="Adam", optimizer=AdamOptimizer()))
    run = live(service, lanes=lanes)
    with pytest.raises(InvalidRequest) as refused:
        service.control(run.id, CONTROL.validate_python(control))
    (fault,) = refused.value.detail.errors
    assert fault.path == path
    assert words in fault.message
    for good in (
        {"action": "set", "lane": "Adam", "field": "lr", "value": 0.5},
        {"action": "set", "lane": None, "field": "pace", "value": None},
        {"action": "cancel", "lane": "SGD"},
    ):
        assert service.control(run.id, CONTROL.validate_python(good)).status == "running"


def test_an_analysis_can_only_be_cancelled(service: Service) -> None:
    run = service.submit(AnalyseRequest(name="endless", problem=FunctionProblem()))
    until(lambda: service.get(run.id).status == "running")
    with pytest.raises(Conflict, match="no race"):
        service.control(run.id, Pause())
    service.control(run.id, Cancel())
    assert service.wait(run.id, PATIENCE).status == "cancelled"


def test_a_run_can_be_renamed_and_deleted_with_its_folder(service: Service) -> None:
    run = play(service, script("keep 2"))
    assert service.folder(run.id).is_dir()
    assert service.patch(run.id, name="new", tags=("x", "y")).name == "new"
    assert service.patch(run.id, tags=()).name == "new"
    service.delete(run.id)
    assert not service.folder(run.id).exists()
    for ask in (service.get, service.delete, service.snapshots, lambda run: service.control(run, Pause())):
        with pytest.raises(NotFound):
            ask(run.id)


def test_a_running_run_cannot_be_deleted(service: Service) -> None:
    run = live(service)
    with pytest.raises(Conflict, match="running"):
        service.delete(run.id)
    assert service.get(run.id).status == "running"


@pytest.mark.parametrize("begins", [False, True])
def test_runs_of_a_server_that_was_killed_are_ended(tmp_path: Path, begins: bool) -> None:
    first = open_service(tmp_path, Silent(begins))
    lost = [first.submit(script("numbers 1")) for _ in range(3)]
    first.close()
    again = open_service(tmp_path)
    assert sorted(again.recover()) == sorted(run.id for run in lost)
    for run in lost:
        found = again.get(run.id)
        assert found.error is not None
        assert (found.status, found.error.code) == ("failed", "worker_lost")
        assert [e.event.kind for e in envelopes(again, run)] == ["failed", "finished"]
    assert again.recover() == []
    assert play(again, script("numbers 1")).status == "succeeded"
    again.close()


def test_what_was_under_way_when_the_server_closed_is_lost(tmp_path: Path) -> None:
    service = open_service(tmp_path)
    run, waiting = live(service), service.submit(script("numbers 1"))
    service.close()
    again = open_service(tmp_path, Silent())
    for one, how in ((run, "under way"), (waiting, "before this run began")):
        found = again.get(one.id)
        assert found.error is not None
        assert (found.status, found.error.code) == ("failed", "worker_lost")
        assert how in found.error.message
        assert [e.event.kind for e in envelopes(again, one)][-2:] == ["failed", "finished"]
    assert again.recover() == []
    again.close()


def test_what_was_cancelled_before_the_server_closed_is_cancelled(tmp_path: Path) -> None:
    service = open_service(tmp_path)
    run = live(service)
    service.control(run.id, Cancel())
    service.close()
    again = open_service(tmp_path, Silent())
    assert again.get(run.id).status == "cancelled"
    again.close()


def test_a_data_directory_has_one_server(tmp_path: Path) -> None:
    service = open_service(tmp_path)
    with pytest.raises(Unavailable, match="another Gradscape"):
        open_service(tmp_path)
    service.close()
    open_service(tmp_path).close()


def test_no_worker_no_catalog(tmp_path: Path) -> None:
    service = open_service(tmp_path, Silent())
    with pytest.raises(Unavailable, match="no worker"):
        service.catalog(timeout=0.0)
    service.close()


def test_events_are_read_in_pages(service: Service) -> None:
    run = play(service, script("numbers 10"))
    found, after = [], 0
    while after is not None:
        rows, after = service.events(run.id, EventFilter(after=after, limit=5))
        found += [row.seq for row in rows]
    assert found == list(range(1, 13))


class Full(SqliteStore):
    """A store whose disk is full from the third event on."""

    def append(self, run: str, first_seq: int, events: Any, changes: Any = None) -> None:
        if first_seq >= 3 and any(event.kind == "progress" for event in events):
            raise OSError("No space left on device")
        super().append(run, first_seq, events, changes)


def test_a_run_whose_events_cannot_be_stored_is_stopped(tmp_path: Path) -> None:
    store = Full(tmp_path / "runs.sqlite")
    service = Service(store, InlineEngine(WORKSHOP, threads=1), Feed(store), tmp_path)
    run = play(service, script("slow 1000"))
    assert run.error is not None
    assert "No space left" in run.error.message
    assert [e.event.kind for e in envelopes(service, run)][-2:] == ["failed", "finished"]
    service.close()
