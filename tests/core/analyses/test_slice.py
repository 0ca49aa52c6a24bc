"""Slices against plain loops and closed forms."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from backend.core.analyses.base import Context, Moment, Point
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.slice import SLICE
from backend.core.geometry.directions import gaussian, normalized
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Problem
from backend.core.runtime.seeding import generator
from backend.schemas.analysis import BetweenLine, EigenLine, RandomLine, SliceAnalysis
from backend.schemas.events import Profile, Progress, ResolvedPoint
from backend.schemas.point import RunPoint
from backend.schemas.problem import FunctionProblem
from backend.schemas.problem.function import QuadraticFunction
from backend.schemas.run import AnalyseRequest
from tests.cases import CPU, build


def point(problem: Problem, seed: int = 0, lane: str | None = None) -> Point:
    return Point(ResolvedPoint(lane=lane, step=0), Moment(0, *problem.params0(seed)))


def profiles(problem: Problem, spec: SliceAnalysis, *points: Point, seed: int = 2) -> list[Profile]:
    events: list[Any] = list(SLICE.run(problem, spec, Context(seed=seed, points=points or (point(problem),))))
    return [event for event in events if isinstance(event, Profile)]


@pytest.mark.parametrize("name", ["moons-relu-kaiming", "cnn-batch", "rosenbrock"])
def test_mean_and_error_equal_a_plain_loop(name: str) -> None:
    problem = build(name)
    spec = SliceAnalysis(line=RandomLine(directions=5), low=-0.5, high=0.75, resolution=9)
    found = profiles(problem, spec)[-1]
    params_P, buffers_B = problem.params0(0)
    losses = np.empty((5, 9))
    for i in range(5):
        d_P = gaussian(problem.layout.size, generator(2, "slice", i))
        network = problem.view is None
        d_P = normalized(d_P, params_P, problem.layout, "filter", "zero") if network else d_P / d_P.norm()
        for k, t in enumerate(np.linspace(-0.5, 0.75, 9)):
            losses[i, k] = problem.loss(params_P + t * d_P, buffers_B).item()
    np.testing.assert_allclose(found.t, np.linspace(-0.5, 0.75, 9), rtol=1e-14)
    np.testing.assert_allclose(found.loss, losses.mean(axis=0), rtol=1e-11)
    assert found.stderr is not None
    np.testing.assert_allclose(found.stderr, losses.std(axis=0, ddof=1) / math.sqrt(5), rtol=1e-8, atol=1e-12)
    assert found.directions == 5


def test_levels_are_nested_and_told_as_they_come() -> None:
    problem = build("blobs-tanh")
    spec = SliceAnalysis(resolution=33)
    events: list[Any] = list(SLICE.run(problem, spec, Context(seed=0, points=(point(problem),))))
    found = [event for event in events if isinstance(event, Profile)]
    assert [event.level for event in found] == [5, 9, 17, 33]
    assert [event.final for event in found] == [False, False, False, True]
    for coarse, fine in pairwise(found):
        np.testing.assert_array_equal(coarse.loss, fine.loss[::2])
        np.testing.assert_array_equal(coarse.t, fine.t[::2])
    progress = [event for event in events if isinstance(event, Progress)]
    assert (progress[-1].done, progress[-1].total) == (260, 8 * 33)  # told at multiples of 5


def test_along_an_eigenvector_a_quadratic_is_its_eigenvalue() -> None:
    start = (0.5, -1.0, 0.25)
    problem = build_problem(
        FunctionProblem(function=QuadraticFunction(condition=100.0, start=start)), torch.float64, CPU
    )
    for rank, curvature, there in ((1, 100.0, 0.25), (3, 1.0, 0.5)):
        spec = SliceAnalysis(line=EigenLine(rank=rank), low=-2, high=2, resolution=17)
        found = profiles(problem, spec)[-1]
        centre = problem.loss(*problem.params0(0)).item()
        expected = centre + curvature * there * found.t + 0.5 * curvature * found.t**2
        np.testing.assert_allclose(found.loss, expected, rtol=1e-9, atol=1e-9)
        assert f"λ = {curvature:g}" in found.label
        assert found.length == pytest.approx(1)
        assert found.stderr is None


def test_between_two_points_its_ends_are_their_losses() -> None:
    problem = build("blobs-tanh")
    one, other = point(problem, 1, "SGD"), point(problem, 2, "Adam")
    found = profiles(problem, SliceAnalysis(line=BetweenLine(), low=0, high=1, resolution=9), one, other)[-1]
    assert found.label == "from SGD, step 0 to Adam, step 0"
    for k, place in ((0, one), (-1, other)):
        loss = problem.loss(place.moment.params_P, place.moment.buffers_B).item()
        assert found.loss[k] == pytest.approx(loss, rel=1e-12)
    apart = other.moment.params_P - one.moment.params_P
    assert found.length == pytest.approx(apart.norm().item())


def test_each_point_has_its_own_line() -> None:
    problem = build("blobs-tanh")
    found = profiles(problem, SliceAnalysis(resolution=5), point(problem, 1, "SGD"), point(problem, 2, "Adam"))
    assert [(event.point, event.lane) for event in found] == [(0, "SGD"), (1, "Adam")]


def test_a_place_that_is_not_finite_is_a_gap() -> None:
    problem = build("rosenbrock", torch.float32)
    found = profiles(problem, SliceAnalysis(low=-1e6, high=1e6, resolution=5, line=RandomLine(directions=2)))[-1]
    assert np.isfinite(found.loss).all()
    far = Point(ResolvedPoint(), Moment(0, torch.tensor([1e11, 0.0]), torch.empty(0)))
    found = profiles(problem, SliceAnalysis(resolution=5, line=RandomLine(directions=2)), far)[-1]
    assert not np.isfinite(found.loss).any()


def test_what_gives_no_line_is_said() -> None:
    problem = build("blobs-tanh")
    one = point(problem)
    between = SliceAnalysis(line=BetweenLine(), resolution=5)
    with pytest.raises(Unsupported, match="the same"):
        profiles(problem, between, one, one)
    with pytest.raises(Unsupported, match="two points in at, and there are 1"):
        profiles(problem, between, one)
    rosenbrock = build("rosenbrock")
    with pytest.raises(Unsupported, match="eigenvector 3, and this problem has 2"):
        profiles(rosenbrock, SliceAnalysis(line=EigenLine(rank=3)))
    lost = Point(ResolvedPoint(), Moment(4, one.moment.params_P * math.nan, one.moment.buffers_B))
    with pytest.raises(NotFinite, match="step 4 are not finite"):
        profiles(problem, SliceAnalysis(), lost)
    zeros = Point(ResolvedPoint(), Moment(0, one.moment.params_P * 0, one.moment.buffers_B))
    with pytest.raises(Unsupported, match="direction of this line is zero"):
        profiles(problem, SliceAnalysis(), zeros)
    for low, high in ((1.0, 1.0), (1.0, 0.0)):
        with pytest.raises(ValidationError, match="expected low below high"):
            SliceAnalysis(low=low, high=high)
    with pytest.raises(ValidationError, match="two points in at, got 1"):
        AnalyseRequest(at=(RunPoint(),), analysis=between)
