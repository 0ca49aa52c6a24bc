"""Planes of eigenvectors, of the gradient, through three points: against dense algebra and closed forms."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest
import torch

from backend.core.analyses.base import Context, LaidPlane, Moment, Path, Point, Tick
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.places import lay_plane
from backend.core.analyses.surface import SURFACE
from backend.core.geometry.plane import Plane
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Problem
from backend.schemas.analysis import (
    AnyPlane,
    EigenPlane,
    GradientEigenPlane,
    KeptPlane,
    PcaPlane,
    RandomPlane,
    SurfaceAnalysis,
    ThreePointsPlane,
)
from backend.schemas.events import PathPoints, ResolvedPoint, SurfaceTile
from backend.schemas.events import Plane as PlaneEvent
from backend.schemas.problem import FunctionProblem
from backend.schemas.problem.function import QuadraticFunction
from tests.cases import CPU, build, over

SMALL = dict.fromkeys(("moons-relu-kaiming", "chebyshev-half-mse", "blobs-tanh", "rosenbrock"))


def end_of(work: Generator[Tick, None, Plane]) -> tuple[Plane, int]:
    ticks = 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value, ticks
        ticks += 1


def point(problem: Problem, seed: int = 0, step: int = 0) -> Point:
    return Point(ResolvedPoint(step=step), Moment(step, *problem.params0(seed)))


def lay(problem: Problem, spec: AnyPlane, *points: Point, seed: int = 3, **planes: LaidPlane) -> Plane:
    return end_of(lay_plane(problem, spec, points or (point(problem),), Context(seed=seed, planes=planes)))[0]


def dense(problem: Problem, at: Moment) -> tuple[torch.Tensor, torch.Tensor]:
    params_P = at.params_P.clone().requires_grad_()
    (grad_P,) = torch.autograd.grad(problem.loss(params_P, at.buffers_B), params_P, create_graph=True)
    rows = [torch.autograd.grad(each, params_P, retain_graph=True)[0] for each in grad_P]
    return grad_P.detach(), torch.stack(rows)


@over(SMALL)  # type: ignore[arg-type]
def test_eigenvectors_are_those_of_the_dense_hessian(name: str) -> None:
    problem = build(name)
    plane = lay(problem, EigenPlane(tol=1e-6))
    _, hessian_PP = dense(problem, plane.origin)
    values_P = torch.linalg.eigvalsh(hessian_PP)
    for k, direction_P in enumerate((plane.u_P, plane.v_P)):
        value = values_P[-1 - k].item()
        assert direction_P.norm().item() == pytest.approx(1, abs=1e-9)
        assert (hessian_PP @ direction_P - value * direction_P).norm().item() <= 2e-6 * max(abs(value), 1e-2)
        axis = (plane.axis_a, plane.axis_b)[k]
        assert f"= {value:.4g}"[:6] in axis.label
        assert direction_P[direction_P.abs().argmax()] > 0
    assert abs(float(plane.u_P @ plane.v_P)) < 1e-6


@over(SMALL)  # type: ignore[arg-type]
def test_the_gradient_beside_the_top_eigenvector(name: str) -> None:
    problem = build(name)
    plane = lay(problem, GradientEigenPlane(tol=1e-6))
    grad_P, hessian_PP = dense(problem, plane.origin)
    torch.testing.assert_close(plane.u_P, grad_P / grad_P.norm(), rtol=1e-10, atol=1e-12)
    top = torch.linalg.eigvalsh(hessian_PP)[-1].item()
    assert float(plane.v_P @ hessian_PP @ plane.v_P) == pytest.approx(top, rel=1e-6)
    assert f"‖g‖ = {grad_P.norm().item():.4g}" in plane.axis_a.label


def test_a_search_says_that_it_has_not_converged() -> None:
    problem = build("digits-tanh", torch.float32)  # whose rounding is larger than the tolerance
    plane, ticks = end_of(
        lay_plane(problem, EigenPlane.model_construct(tol=1e-12, budget=12), (point(problem),), Context(seed=0))
    )
    assert "not converged" in plane.axis_b.label
    assert 8 <= ticks <= 12


def test_three_points_lie_on_their_plane() -> None:
    problem = build("blobs-tanh")
    points = [point(problem, seed) for seed in (1, 2, 3)]
    plane = lay(problem, ThreePointsPlane(), *points)
    found = plane.project(torch.stack([p.moment.params_P for p in points]))
    assert float(found.off_plane_n.max()) < 1e-12
    a, b = found.a_n, found.b_n
    assert float(torch.maximum(a.abs().max(), b.abs().max())) == pytest.approx(0.8)
    assert b[0] == pytest.approx(b[1].item())  # the first axis runs from A to B
    assert a[1] > a[0]
    assert b[2] > b[0]
    assert abs(float(plane.u_P @ plane.v_P)) < 1e-12


def test_three_points_of_one_line_are_refused() -> None:
    problem = build("blobs-tanh")
    one, other = point(problem, 1), point(problem, 2)
    middle = replace(one, moment=replace(one.moment, params_P=(one.moment.params_P + other.moment.params_P) / 2))
    for points in ((one, other, middle), (one, one, other), (one, other, other)):
        with pytest.raises(Unsupported, match="one line or coincide"):
            lay(problem, ThreePointsPlane(), *points)
    with pytest.raises(Unsupported, match="needs three points in at, and there are 2"):
        lay(problem, ThreePointsPlane(), one, other)


def quadratic(*start: float) -> tuple[Problem, Point]:
    problem = build_problem(FunctionProblem(function=QuadraticFunction(start=start)), torch.float64, CPU)
    return problem, Point(ResolvedPoint(), Moment(0, torch.tensor(start, dtype=torch.float64), torch.empty(0)))


def test_directions_that_span_nothing_are_refused() -> None:
    at_minimum = quadratic(0.0, 0.0, 0.0)
    with pytest.raises(Unsupported, match="first direction of this plane is zero"):
        lay(at_minimum[0], GradientEigenPlane(), at_minimum[1])
    problem, along = quadratic(0.0, 0.0, 2.0)  # the gradient is an eigenvector, of the largest eigenvalue
    with pytest.raises(Unsupported, match="parallel"):
        lay(problem, GradientEigenPlane(), along)
    network = build("blobs-tanh")
    params_P, buffers_B = network.params0(0)
    zeros = Point(ResolvedPoint(), Moment(0, torch.zeros_like(params_P), buffers_B))
    with pytest.raises(Unsupported, match="is zero"):
        lay(network, RandomPlane(), zeros)


@pytest.mark.parametrize("spec", [EigenPlane(), GradientEigenPlane(), RandomPlane(), ThreePointsPlane()])
def test_no_plane_goes_through_nan(spec: AnyPlane) -> None:
    problem = build("blobs-tanh")
    params_P, buffers_B = problem.params0(0)
    lost = Point(ResolvedPoint(), Moment(7, params_P * torch.nan, buffers_B))
    points = [lost] if spec.kind != "three_points" else [point(problem), point(problem, 1), lost]
    with pytest.raises(NotFinite, match="step 7 are not finite"):
        lay(problem, spec, *points)


def test_a_kept_plane_is_the_same_one() -> None:
    problem = build("blobs-tanh")
    plane = lay(problem, EigenPlane())
    kept = LaidPlane(plane.origin, plane.u_P, plane.v_P, plane.event())
    again = lay(problem, KeptPlane(plane=plane.id), point(problem, 5), **{plane.id: kept})
    assert again.id == plane.id
    assert again.event() == plane.event()
    with pytest.raises(Unsupported, match="is not here"):
        lay(problem, KeptPlane(plane="ffff"))
    other = build("digits-tanh")
    with pytest.raises(Unsupported, match="take a plane of the same problem"):
        lay(other, KeptPlane(plane=plane.id), **{plane.id: kept})


def test_a_surface_with_paths_draws_all_points_on_one_plane() -> None:
    problem = build("blobs-tanh")
    params_P, buffers_B = problem.params0(0)

    def walk(run: str, lane: str, towards: float) -> Point:
        moments = tuple(Moment(t, params_P * (1 + towards * t) + 0.01 * t * t, buffers_B) for t in range(6))
        return Point(ResolvedPoint(run=run, lane=lane, step=5), moments[-1], (Path(lane, 0, moments),))

    points = (walk("one", "SGD", 0.1), walk("two", "SGD", -0.1))
    for spec in (PcaPlane(), RandomPlane()):
        asked = SurfaceAnalysis(plane=spec, resolution=5, paths=True)
        events: list[Any] = list(SURFACE.run(problem, asked, Context(seed=0, points=points)))
        planes = [event for event in events if isinstance(event, PlaneEvent)]
        paths = [event for event in events if isinstance(event, PathPoints)]
        assert len(planes) == 1
        assert [event.point for event in paths] == [0, 1]
        assert {event.plane for event in [*paths, *(e for e in events if isinstance(e, SurfaceTile))]} == {
            planes[0].plane
        }
        assert [len(event.step) for event in paths] == [6, 6]
    assert planes[0].explained is None
    fitted = list(SURFACE.run(problem, SurfaceAnalysis(plane=PcaPlane(), resolution=5), Context(0, points)))
    (plane,) = [event for event in fitted if isinstance(event, PlaneEvent)]
    assert plane.explained is not None
    assert 0.99 < sum(plane.explained) <= 1 + 1e-12
