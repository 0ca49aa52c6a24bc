"""What a process has drawn of a plane is not worked out again."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from backend.core.analyses.surface import SURFACE, draw_surface
from backend.core.geometry import recall, refinement
from backend.core.geometry.evaluate import Evaluator
from backend.core.geometry.plane import Plane
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Problem
from backend.schemas.analysis import SurfaceAnalysis
from backend.schemas.events import SurfaceTile
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import MlpModel
from tests.cases import CPU, build
from tests.core.analyses.test_surface import plane_of

PROBED = 5  # the corners and the middle, to see that it is the same surface


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "_kept", OrderedDict())
    monkeypatch.setattr(refinement, "CHEAP", 0)  # a first pass wherever there are examples enough for one


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Examples times points of every call."""
    counts: list[int] = []
    tally = Evaluator.tally

    def counted(self: Evaluator, points: Sequence[Sequence[float]], start: int = 0, stop: int | None = None):  # type: ignore[no-untyped-def]
        counts.append(len(points) * ((self.examples if stop is None else stop) - start))
        return tally(self, points, start, stop)

    monkeypatch.setattr(Evaluator, "tally", counted)
    return counts


def draw(problem: Problem, plane: Plane, resolution: int, tune: bool = True) -> list[SurfaceTile]:
    work = draw_surface(problem, plane, SurfaceAnalysis.model_validate({"resolution": resolution}), tune=tune)
    return [event for event in work if isinstance(event, SurfaceTile)]


def large() -> Problem:
    """A problem with examples enough for a first pass."""
    spec = DataProblem(data=DigitsData(examples=600), model=MlpModel(hidden=(6,)))
    return build_problem(spec, torch.float64, CPU)


def test_a_finer_surface_takes_over_every_point(evaluated: list[int]) -> None:
    problem, plane = large(), plane_of(large())
    coarse = draw(problem, plane, 17)[-1]
    assert sum(evaluated) == 17**2 * 600
    evaluated.clear()
    fine = draw(problem, plane, 33)
    assert sum(evaluated) == (33**2 - 17**2 + PROBED) * 600
    assert np.array_equal(fine[-1].loss[::2, ::2], coarse.loss)
    evaluated.clear()
    assert [tile.level for tile in draw(problem, plane, 33)] == [33]
    assert sum(evaluated) == PROBED * 600
    alone = draw(problem, plane, 33, tune=False)[-1]
    np.testing.assert_allclose(fine[-1].loss, alone.loss, rtol=1e-12)


def test_a_cancelled_surface_is_gone_on_with(evaluated: list[int]) -> None:
    problem, plane = large(), plane_of(large())
    work = draw_surface(problem, plane, SurfaceAnalysis(resolution=17), tune=True)
    tiles = 0
    while tiles < 6:
        tiles += isinstance(next(work), SurfaceTile)
    work.close()  # type: ignore[attr-defined]
    before = sum(evaluated)
    assert before < 17**2 * 600
    evaluated.clear()
    last = draw(problem, plane, 17)[-1]
    assert last.final
    assert sum(evaluated) <= 17**2 * 600 - before + PROBED * 600
    np.testing.assert_allclose(last.loss, draw(problem, plane, 17, tune=False)[-1].loss, rtol=1e-12)


def test_another_problem_on_the_same_plane_is_drawn_anew() -> None:
    one = build("digits-tanh")
    spec = DataProblem(data=DigitsData(examples=60), model=MlpModel(hidden=(8, 6), activation="relu"))
    other = build_problem(spec, torch.float64, CPU)
    plane = plane_of(one)
    draw(one, plane, 9)
    found = draw(other, plane, 9)[-1]
    np.testing.assert_allclose(found.loss, draw(other, plane, 9, tune=False)[-1].loss, rtol=1e-12)


def test_where_a_seed_must_repeat_exactly_nothing_is_taken_over() -> None:
    problem, plane = build("digits-tanh"), plane_of(build("digits-tanh"))
    first, again = (draw(problem, plane, 9, tune=False) for _ in range(2))
    assert [tile.encode() for tile in first] == [tile.encode() for tile in again]
    assert not recall._kept


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "KEPT", 2)
    problem = build("blobs-tanh")
    for extent in (0.5, 1.0, 2.0):
        draw(problem, plane_of(problem, extent=extent), 5)
    assert len(recall._kept) == 2


def test_a_first_pass_tells_its_share_and_its_error() -> None:
    problem = large()
    first, *_, last = draw(problem, plane_of(problem), 9)
    assert first.data_fraction == first.least_fraction == pytest.approx(256 / 600)
    assert first.stderr is not None
    assert first.bound is not None
    assert (np.abs(first.loss - last.loss[::2, ::2]) < 4 * first.stderr).all()
    assert last.stderr is None
    assert (last.data_fraction, last.least_fraction, last.coarsest, last.even) == (1.0, 1.0, 9, True)


@pytest.mark.parametrize(("arithmetic", "words"), [("tf32", "tf32 products exist on CUDA"), ("bfloat16", "bfloat16")])
def test_coarse_products_are_refused_where_there_are_none(arithmetic: str, words: str) -> None:
    spec = SurfaceAnalysis.model_validate({"arithmetic": arithmetic})
    assert words in str(SURFACE.unsupported(build("digits-tanh"), spec))


def test_the_number_format_is_told() -> None:
    problem = build("digits-tanh", torch.float32)
    spec = SurfaceAnalysis(resolution=5, arithmetic="float64")
    tiles = [event for event in draw_surface(problem, plane_of(problem), spec) if isinstance(event, SurfaceTile)]
    assert {tile.arithmetic for tile in tiles} == {"float64"}
    assert tiles[-1].loss.dtype == np.float32
