"""What is forgotten by itself, and what stays."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.jobs.blobs import size_of
from backend.jobs.inline import InlineEngine
from backend.jobs.retention import Housekeeper, Retention, forget
from backend.jobs.service import Service
from backend.jobs.store import EventFilter
from backend.schemas.run import Run
from tests.jobs.scripted import WORKSHOP
from tests.jobs.sinks import script
from tests.jobs.test_service import open_service

NOW = datetime.datetime.now(datetime.UTC)
LATER = NOW + datetime.timedelta(days=10)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    found = open_service(tmp_path, InlineEngine(WORKSHOP, threads=1))
    yield found
    found.close()


def ended(service: Service, *tags: str, size: int = 0) -> Run:
    run = service.wait(service.submit(script("numbers 2", tags=tags)).id, 60.0)
    folder = service.folder(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "file").write_bytes(b"x" * size)
    return run


def left(service: Service) -> set[str]:
    return {run.id for run in service.page()[0]}


def test_runs_that_are_too_old_go_with_all_they_kept(service: Service) -> None:
    old, kept = ended(service), ended(service, "keep")
    assert forget(service, Retention(days=20), LATER) == []
    assert forget(service, Retention(days=9), LATER) == [old.id]
    assert left(service) == {kept.id}
    assert not service.folder(old.id).exists()


def test_the_oldest_go_until_there_is_room_again(service: Service) -> None:
    first, second, third = (ended(service, size=1000) for _ in range(3))
    assert size_of(service.folder(first.id)) >= 1000
    assert forget(service, Retention(size=2 * size_of(service.folder(first.id))), NOW) == [first.id]
    assert left(service) == {second.id, third.id}
    assert forget(service, Retention(), LATER) == []


def test_what_runs_is_never_forgotten(service: Service) -> None:
    run = service.submit(script("endless"))
    assert forget(service, Retention(days=0.0, size=0), LATER) == []
    assert service.events(run.id, EventFilter())[0] is not None
    assert left(service) == {run.id}


def test_the_housekeeper_looks_by_itself_and_stops(service: Service) -> None:
    run = ended(service, size=10)
    keeper = Housekeeper(service, Retention(size=0), every=3600.0)
    while run.id in left(service):
        pass
    keeper.stop()
    Housekeeper(service, Retention()).stop()
