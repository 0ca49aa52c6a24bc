"""A large surface split over workers comes back as one run, with the values of the unsplit one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.jobs.engine import Ended
from backend.jobs.inline import InlineEngine
from backend.jobs.split import split
from backend.schemas.analysis import RandomPlane, SurfaceAnalysis
from backend.schemas.events import Plane, Progress, Started, SurfaceTile
from backend.schemas.problem import DataProblem, FunctionProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import MlpModel
from backend.schemas.run import AnalyseRequest, TrainRequest
from tests.jobs.sinks import Memory, task

DIGITS = DataProblem(data=DigitsData(examples=600), model=MlpModel(hidden=(8,)))
LARGE = AnalyseRequest(problem=DIGITS, analysis=SurfaceAnalysis(plane=RandomPlane(), resolution=65), tune=False, seed=4)


def drawn(parts: int, folder: Path) -> Memory:
    sink, engine = Memory(), InlineEngine(threads=1)
    tasks = split(task("run", LARGE, folder), parts)
    assert [(each.part, each.parts) for each in tasks] == [(part, parts) for part in range(parts)]
    assert engine.submit(tasks, sink).wait(60.0) == Ended("succeeded")
    engine.close()
    return sink


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Memory:
    return drawn(1, tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("parts", [2, 3])
def test_the_parts_make_up_the_whole(whole: Memory, tmp_path: Path, parts: int) -> None:
    told = drawn(parts, tmp_path).told["run"]
    assert {event.part for event in told} == {0}
    assert [sum(isinstance(event, kind) for event in told) for kind in (Started, Plane)] == [1, 1]
    tiles = [event for event in told if isinstance(event, SurfaceTile)]
    last = [event for event in whole.told["run"] if isinstance(event, SurfaceTile)][-1]
    assert [tile.final for tile in tiles] == [False] * (len(tiles) - 1) + [True]
    assert tiles[-1].loss.shape == (65, 65) == last.loss.shape
    np.testing.assert_allclose(tiles[-1].loss, last.loss, rtol=1e-6)
    np.testing.assert_array_equal(tiles[-1].a, last.a)
    assert tiles[-1].stderr is None
    about = ("plane", "level", "data_fraction", "coarsest", "least_fraction", "even", "arithmetic", "point", "step")
    assert [getattr(tiles[-1], name) for name in about] == [getattr(last, name) for name in about]
    assert sum(tile.loss.shape == (5, 5) and tile.level == 5 for tile in tiles) == 1, "one beginning"
    done = [event.done for event in told if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] >= 0.95 * 65**2


def test_the_first_part_does_not_speak_for_the_second(tmp_path: Path) -> None:
    tiles = [event for event in drawn(2, tmp_path).told["run"] if isinstance(event, SurfaceTile)]
    # The parts follow one another here: while the second has not begun, the picture is 5×5 at its coarsest.
    second = next(i for i, tile in enumerate(tiles) if tile.a[0] >= 0)
    assert second > 1
    assert {(tile.coarsest, tile.bound) for tile in tiles[:second]} == {(5, None)}


def test_small_things_and_races_are_not_split(tmp_path: Path) -> None:
    small = AnalyseRequest(problem=FunctionProblem(), analysis=SurfaceAnalysis(resolution=33))
    for request in (small, TrainRequest(problem=FunctionProblem())):
        assert split(task("run", request, tmp_path), 8) == (task("run", request, tmp_path),)
    large = task("run", LARGE, tmp_path)
    assert split(large, 1) == (large,)
    assert len(split(large, 40)) == 16
    assert split(large, 2)[1] == replace(large, part=1, parts=2)
