"""One contract, every engine: order, ends, failures, cancelling, parts, large arrays, the same seed.

Ray's is there where Ray is installed: make test-ray.
"""

import importlib.util
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backend.jobs.engine import Ended, Engine, Source
from backend.jobs.inline import InlineEngine
from backend.jobs.local import LocalEngine
from backend.jobs.pool import PoolEngine
from backend.schemas.analysis import SurfaceAnalysis
from backend.schemas.control import Cancel, Pause
from backend.schemas.events import Failed, PathPoints, Progress, ResolvedPoint, SurfaceTile
from backend.schemas.problem import FunctionProblem
from backend.schemas.run import AnalyseRequest, AnyRequest
from tests.fold import fold
from tests.jobs.scripted import WORKSHOP
from tests.jobs.sinks import Memory, script, task

PATIENCE = 60.0


@pytest.fixture(scope="module")
def local() -> Iterator[LocalEngine]:
    engine = LocalEngine(workers=2, workshop=WORKSHOP, threads=1, grace=0.5)
    assert engine.catalog(PATIENCE) is not None
    yield engine
    engine.close()
    assert children() == set()


@pytest.fixture(scope="module")
def inline() -> Iterator[InlineEngine]:
    engine = InlineEngine(WORKSHOP, threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def ray() -> Iterator[PoolEngine]:
    from backend.jobs.ray_engine import RayEngine

    engine = RayEngine(workers=2, workshop=WORKSHOP, threads=1, grace=0.5)
    assert engine.catalog(PATIENCE) is not None
    yield engine
    engine.close()


no_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'gradscape[ray]'")
POOLS = ["local", pytest.param("ray", marks=no_ray)]


@pytest.fixture(params=["inline", *POOLS])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=POOLS)
def pool(request: pytest.FixtureRequest) -> PoolEngine:
    found: PoolEngine = request.getfixturevalue(request.param)
    return found


def children() -> set[int]:
    listed = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(pid) for file in listed for pid in file.read_text().split()}


def gone(pid: int) -> bool:
    """Whether a process has ended, or does within the time: Ray kills a moment after it says so."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def play(engine: Engine, request: AnyRequest, folder: Path, sink: Memory | None = None) -> tuple[Memory, Ended]:
    sink = sink or Memory()
    ended = engine.submit((task("run", request, folder),), sink).wait(PATIENCE)
    assert ended is not None, "the run has not ended in time"
    assert sink.ends == {"run": ended}
    return sink, ended


def test_events_come_in_order_after_started(engine: Engine, tmp_path: Path) -> None:
    sink, ended = play(engine, script("numbers 300"), tmp_path)
    assert ended == Ended("succeeded")
    first, *rest = sink.told["run"]
    assert (first.kind, [event.done for event in rest if isinstance(event, Progress)]) == ("started", list(range(300)))


@pytest.mark.parametrize(
    ("script_name", "code"),
    [
        ("fail 0", "internal"),
        ("fail 1", "out_of_memory"),
        ("fail 2", "out_of_memory"),
        ("fail 3", "not_finite"),
        ("fail 4", "not_finite"),
        ("unsupported", "unsupported"),
    ],
)
def test_an_exception_is_an_ending(engine: Engine, tmp_path: Path, script_name: str, code: str) -> None:
    sink, ended = play(engine, script(script_name), tmp_path)
    assert ended.outcome == "failed"
    assert ended.error is not None
    assert ended.error.code == code
    assert "Traceback" not in ended.error.encode()
    assert sink.kinds("run") == ([] if code == "unsupported" else ["started"] + ["progress"] * 3)
    assert not any(isinstance(event, Failed) for event in sink.told["run"]), "the parent writes `failed`"


def test_a_missing_device_is_refused(engine: Engine, tmp_path: Path) -> None:
    _, ended = play(engine, script("numbers 1", device="cuda:99"), tmp_path)
    assert ended.error is not None
    assert ended.error.code == "unsupported"
    assert "cuda:99" in ended.error.message


def test_soft_cancel_lets_a_race_say_how_it_ended(engine: Engine, tmp_path: Path) -> None:
    sink = Memory()
    handle = engine.submit((task("run", script("endless"), tmp_path),), sink)
    sink.wait_for("run", "progress")
    handle.send(Pause())
    sink.wait_for("run", "controlled")
    handle.cancel()
    handle.cancel()
    assert handle.wait(PATIENCE) == Ended("cancelled")
    assert sink.kinds("run")[-3:] == ["controlled", "controlled", "lane_ended"]


def test_cancelling_an_analysis_closes_it(engine: Engine, tmp_path: Path) -> None:
    request = AnalyseRequest(name="endless", problem=FunctionProblem(), analysis=SurfaceAnalysis())
    sink = Memory()
    handle = engine.submit((task("run", request, tmp_path),), sink)
    sink.wait_for("run", "progress")
    handle.cancel()
    assert handle.wait(PATIENCE) == Ended("cancelled")
    assert "lane_ended" not in sink.kinds("run")


def test_a_queued_run_can_be_cancelled(engine: Engine, tmp_path: Path) -> None:
    sink = Memory()
    first = engine.submit((task("first", script("endless"), tmp_path),), sink)
    second = engine.submit((task("second", script("numbers 3"), tmp_path),), sink)
    sink.wait_for("first", "progress")
    assert engine.queue() == ("second",)
    second.cancel()
    first.cancel()
    assert second.wait(PATIENCE) == Ended("cancelled")
    assert first.wait(PATIENCE) == Ended("cancelled")
    assert "second" not in sink.told, "a run that never began tells nothing"
    assert engine.queue() == ()


def test_large_arrays_arrive_whole(engine: Engine, tmp_path: Path) -> None:
    sink, _ = play(engine, script("large 1000"), tmp_path)
    tiles = [event for event in sink.told["run"] if isinstance(event, SurfaceTile)]
    assert [tile.loss[1, 1] for tile in tiles] == [1.0, 2.0]
    assert all(tile.loss.shape == (1000, 1000) for tile in tiles)
    assert all(np.isnan(tile.loss[0, 0]) and np.isinf(tile.loss[0, 1]) for tile in tiles)


def test_parts_become_one_run_with_one_end(engine: Engine, tmp_path: Path) -> None:
    sink = Memory()
    tasks = tuple(task("run", script("part"), tmp_path, part, 3) for part in range(3))
    assert engine.submit(tasks, sink).wait(PATIENCE) == Ended("succeeded")
    by_part = [[e.done for e in sink.told["run"] if isinstance(e, Progress) and e.part == p] for p in range(3)]
    assert by_part == [[0, 1, 2, 3]] * 3


def test_a_failed_part_stops_the_others(engine: Engine, tmp_path: Path) -> None:
    sink = Memory()
    tasks = (
        task("run", script("fail 1"), tmp_path, 0, 3),
        task("run", script("endless"), tmp_path, 1, 3),
        task("run", script("endless"), tmp_path, 2, 3),
    )
    ended = engine.submit(tasks, sink).wait(PATIENCE)
    assert ended is not None
    assert ended.error is not None
    assert ended.error.code == "out_of_memory"
    assert list(sink.ends) == ["run"]


def test_the_same_seed_gives_the_same_events(inline: Engine, pool: PoolEngine, tmp_path: Path) -> None:
    request = script("random 40", seed=3)
    (one, _), (other, _) = play(inline, request, tmp_path), play(pool, request, tmp_path)
    assert fold(one.told["run"]) == fold(other.told["run"])
    different, _ = play(inline, script("random 40", seed=4), tmp_path)
    assert fold(one.told["run"])["columns"] != fold(different.told["run"])["columns"]
    assert sum(isinstance(event, PathPoints) for event in one.told["run"]) == 40


def test_a_deaf_run_is_killed_and_the_next_one_works(pool: PoolEngine, tmp_path: Path) -> None:
    sink = Memory()
    handle = pool.submit((task("deaf", script("deaf"), tmp_path),), sink)
    worker = sink.wait_for("deaf", "progress")
    handle.cancel()
    assert handle.wait(PATIENCE) == Ended("cancelled")
    assert isinstance(worker, Progress)
    assert gone(worker.done)
    assert play(pool, script("numbers 2"), tmp_path)[1] == Ended("succeeded")


def test_a_killed_worker_ends_its_run_at_once(pool: PoolEngine, tmp_path: Path) -> None:
    sink = Memory()
    handle = pool.submit((task("run", script("endless"), tmp_path),), sink)
    sink.wait_for("run", "progress")
    busy = next(slot.process for slot in pool._slots if slot.part is not None)
    assert busy is not None
    os.kill(busy.pid, signal.SIGKILL)
    ended = handle.wait(PATIENCE)
    assert ended is not None
    assert ended.error is not None
    assert (ended.error.code, ended.outcome) == ("worker_died", "failed")
    assert gone(busy.pid)
    assert play(pool, script("numbers 2"), tmp_path)[1] == Ended("succeeded")


def test_what_was_told_before_death_is_kept(pool: PoolEngine, tmp_path: Path) -> None:
    sink, ended = play(pool, script("killed 50"), tmp_path)
    assert ended.error is not None
    assert ended.error.code == "worker_died"
    assert [event.done for event in sink.told["run"] if isinstance(event, Progress)] == list(range(50))


def test_analyses_do_not_wait_for_a_race(pool: PoolEngine, tmp_path: Path) -> None:
    race, analysis = Memory(), Memory()
    handle = pool.submit((task("race", script("endless"), tmp_path),), race)
    race.wait_for("race", "progress")
    request = AnalyseRequest(name="numbers 3", problem=FunctionProblem())
    assert pool.submit((task("look", request, tmp_path),), analysis).wait(PATIENCE) == Ended("succeeded")
    handle.send(Cancel())
    assert handle.wait(PATIENCE) == Ended("cancelled")


def test_balls_do_not_wait_for_a_race_but_another_race_does(local: LocalEngine, tmp_path: Path) -> None:
    sink, endless = Memory(), script("endless")
    handles = [local.submit((task("race", endless, tmp_path),), sink)]
    sink.wait_for("race", "progress")
    handles.append(local.submit((task("next race", endless, tmp_path),), sink))
    for name in ("ball", "another"):
        dropped = task(name, endless, tmp_path, 0, 1, Source(tmp_path, ResolvedPoint(run="race", step=0)))
        handles.append(local.submit((dropped,), sink))
        sink.wait_for(name, "progress")
    assert local.queue() == ("next race",)
    assert "next race" not in sink.told
    for handle in reversed(handles):
        handle.cancel()
    assert [handle.wait(PATIENCE) for handle in handles] == [Ended("cancelled")] * 4


def test_a_spare_worker_that_is_killed_ends_its_ball_alone(local: LocalEngine, tmp_path: Path) -> None:
    sink = Memory()
    race = local.submit((task("race", script("endless"), tmp_path),), sink)
    sink.wait_for("race", "progress")
    for name in ("ball", "after"):
        dropped = task(name, script("endless"), tmp_path, 0, 1, Source(tmp_path, ResolvedPoint(run="race", step=0)))
        ball = local.submit((dropped,), sink)
        sink.wait_for(name, "progress")
        if name == "ball":
            process = next(slot.process for slot in local._spares if slot.part is not None)
            assert process is not None
            os.kill(process.pid, signal.SIGKILL)
            ended = ball.wait(PATIENCE)
            assert ended is not None
            assert ended.error is not None
            assert ended.error.code == "worker_died"
    assert list(sink.ends) == ["ball"]
    for handle in (race, ball):
        handle.cancel()
        assert handle.wait(PATIENCE) == Ended("cancelled")
