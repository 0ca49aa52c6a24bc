"""Real runs on a Ray cluster of this machine: the same events, a split surface, a race that outlives its actor."""

import os
import signal
import time
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pytest

from backend.jobs.blobs import Remote
from backend.jobs.inline import InlineEngine
from backend.jobs.service import Service
from backend.schemas.analysis import RandomPlane, SurfaceAnalysis
from backend.schemas.events import SurfaceTile
from backend.schemas.point import RunPoint
from backend.schemas.run import AnalyseRequest
from tests.fold import fold
from tests.jobs.test_same_seed import DIGITS, PATIENCE, PROBES, play, race, served

# Looked for, not imported: Ray reads its token's settings when it is loaded.
pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install 'gradscape[ray]'")


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = served(InlineEngine(threads=1), tmp_path_factory.mktemp("inline"))
    yield service
    service.close()


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    from backend.jobs.ray_engine import RayEngine

    # What the actors keep goes through fsspec, as it does where they are on other machines than the server.
    folder = tmp_path_factory.mktemp("ray")
    service = served(RayEngine(workers=2, threads=1), folder, Remote(f"local://{folder}/kept"))
    service.catalog(PATIENCE)
    yield service
    service.close()


def test_a_race_with_its_probes_repeats(inline: Service, ray: Service) -> None:
    request = race(probes=PROBES, repeats=2)
    (_, here), (_, there) = play(inline, request), play(ray, request)
    assert fold(here) == fold(there)


def test_a_moment_that_an_actor_kept_is_read_by_server_and_actors(inline: Service, ray: Service) -> None:
    found = []
    for service in (inline, ray):
        run, _ = play(service, race())
        at = (RunPoint(run=run.id, lane="Adam", step=9),)
        look = AnalyseRequest(at=at, analysis=SurfaceAnalysis(resolution=9), tune=False)
        events = fold(play(service, look)[1])["other"]
        found.append([{key: value for key, value in event.items() if key != "points"} for event in events])
        resumed = race(steps=40, origin=RunPoint(run=run.id, step=25), resume=True)
        found[-1].append(fold(play(service, resumed)[1])["columns"])
        assert [kept.step for kept in service.snapshots(run.id) if kept.resumable][-1] == 25
    assert found[0] == found[1]


def test_a_surface_is_split_over_the_actors(inline: Service, ray: Service) -> None:
    request = AnalyseRequest(problem=DIGITS, analysis=SurfaceAnalysis(plane=RandomPlane(), resolution=65), tune=False)
    here, there = (
        [event for event in play(service, request)[1] if isinstance(event, SurfaceTile)] for service in (inline, ray)
    )
    assert [sum(tile.final for tile in tiles) for tiles in (here, there)] == [1, 1]
    np.testing.assert_allclose(here[-1].loss, there[-1].loss, rtol=1e-6)


@pytest.mark.parametrize("recovery", ["resume", "fail"])
def test_a_race_whose_actor_is_killed_goes_on_or_fails_and_the_other_is_untouched(ray: Service, recovery: str) -> None:
    run = ray.submit(race(steps=600, pace=300.0, recovery=recovery))
    look = ray.submit(AnalyseRequest(problem=DIGITS, analysis=SurfaceAnalysis(resolution=33)))
    while not any(kept.resumable for kept in ray.snapshots(run.id)):
        time.sleep(0.02)
    busy = next(slot for slot in ray._engine._slots if slot.part is not None and slot.part.task.run == run.id)
    assert busy.process is not None
    os.kill(busy.process.pid, signal.SIGKILL)
    dead = ray.wait(run.id, PATIENCE)
    assert dead.error is not None
    assert (dead.status, dead.error.code) == ("failed", "worker_died")
    assert ray.wait(look.id, PATIENCE).status == "succeeded"
    successors = [found for found in ray.page(limit=10)[0] if found.parent == run.id]
    assert len(successors) == (recovery == "resume")
    for successor in successors:
        ended = ray.wait(successor.id, PATIENCE)
        assert ended.status == "succeeded", ended.error
