"""Planes from their specs."""

import pytest
import torch

from backend.core.analyses.base import Moment
from backend.core.geometry.fit import fit_plane, unsupported_plane
from backend.core.geometry.plane import Plane
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Problem
from backend.schemas.analysis import AnyPlane, CoordinatePlane, PcaPlane, RandomPlane
from backend.schemas.problem import FunctionProblem
from backend.schemas.problem.function import QuadraticFunction
from tests.cases import CPU, FUNCTIONS, NETWORKS, PROBLEMS, build, over


def start_of(problem: Problem, seed: int = 0) -> Moment:
    return Moment(0, *problem.params0(seed))


def fit(spec: AnyPlane, problem: Problem, seed: int = 0) -> Plane:
    plane = fit_plane(spec, problem, start_of(problem), (), seed)
    assert plane is not None
    return plane


@over({name: spec for name, spec in PROBLEMS.items() if name != "sine-linear"})  # which has one weight
def test_random_plane_passes_through_the_start_and_is_the_seed_s(name: str) -> None:
    problem = build(name)
    plane, again, other = (fit(RandomPlane(), problem, seed) for seed in (1, 1, 2))
    assert torch.equal(plane.embed(0.0, 0.0), problem.params0(0)[0])
    assert plane.id == again.id != other.id
    found = plane.project(plane.embed(0.25, -0.5))
    assert (found.a_n.item(), found.b_n.item()) == pytest.approx((0.25, -0.5), abs=1e-10)


@over(NETWORKS)
def test_random_directions_hold_the_same_numbers_in_every_format(name: str) -> None:
    double, single = fit(RandomPlane(), build(name)), fit(RandomPlane(), build(name, torch.float32))
    torch.testing.assert_close(single.u_P.double(), double.u_P, rtol=1e-5, atol=1e-6)
    assert single.u_P.dtype == torch.float32


def test_copied_biases_make_the_directions_skewed_and_projection_still_right() -> None:
    problem = build("digits-tanh")
    plane = fit(RandomPlane(bias="copy"), problem)
    for name, w in problem.layout.unflatten(plane.origin.params_P).items():
        if w.dim() == 1:
            assert torch.equal(problem.layout.unflatten(plane.u_P)[name], w)
            assert torch.equal(problem.layout.unflatten(plane.v_P)[name], w)
    assert (plane.u_P @ plane.v_P).abs() > 1e-3 * plane.u_P.norm() * plane.v_P.norm()
    found = plane.project(plane.embed(-0.7, 0.3))
    assert (found.a_n.item(), found.b_n.item()) == pytest.approx((-0.7, 0.3), abs=1e-12)


def test_random_plane_tells_its_normalisation() -> None:
    event = fit(RandomPlane(normalization="layer", bias="copy"), build("blobs-tanh")).event()
    assert (event.normalization, event.bias, event.explained) == ("layer", "copy", None)


def test_random_directions_of_a_function_are_as_long_as_half_its_box() -> None:
    problem = build("rosenbrock")  # a box of 4 by 4
    plane = fit(RandomPlane(), problem)
    assert plane.u_P.norm().item() == pytest.approx(2.0, rel=1e-12)
    assert plane.v_P.norm().item() == pytest.approx(2.0, rel=1e-12)
    assert plane.normalization is None


@over(FUNCTIONS)
def test_coordinates_span_a_function_s_view(name: str) -> None:
    problem = build(name)
    plane = fit(CoordinatePlane(), problem)
    view = problem.view
    assert view is not None
    low, high = plane.embed(-1.0, -1.0), plane.embed(1.0, 1.0)
    assert low[:2].tolist() == pytest.approx(list(view.low[:2]), abs=1e-12)
    assert high[:2].tolist() == pytest.approx(list(view.high[:2]), abs=1e-12)
    assert torch.equal(low[2:], start_of(problem).params_P[2:])
    for axis, index, corner in ((plane.axis_a, 0, high), (plane.axis_b, 1, high)):
        assert axis.label == view.labels[index]
        assert axis.offset + axis.scale * 1.0 == pytest.approx(corner[index].item(), abs=1e-12)


def test_coordinates_may_be_any_two_in_any_order() -> None:
    problem = build("quadratic-5d")
    plane = fit(CoordinatePlane(axes=(4, 1)), problem)
    found = plane.project(start_of(problem).params_P)
    shown = [axis.offset + axis.scale * c.item() for axis, c in zip((plane.axis_a, plane.axis_b), found, strict=False)]
    assert shown == pytest.approx([-0.25, -2.0], abs=1e-12)
    assert (plane.axis_a.label, plane.axis_b.label) == ("x5", "x2")
    assert found.off_plane_n.item() == pytest.approx(0.0, abs=1e-12)


def test_coordinates_of_a_network_are_its_parameters_about_the_start() -> None:
    problem = build("moons-relu-kaiming")
    plane = fit(CoordinatePlane(axes=(2, 15)), problem)
    assert (plane.axis_a.label, plane.axis_b.label) == ("0.weight[2]", "0.bias[1]")
    assert torch.equal(plane.embed(0.0, 0.0), start_of(problem).params_P)
    moved = plane.embed(0.5, -0.25) - start_of(problem).params_P
    assert {k: v for k, v in enumerate(moved.tolist()) if v} == pytest.approx({2: 0.5, 15: -0.25})
    assert plane.axis_a.offset == start_of(problem).params_P[2].item()


def test_what_cannot_be_is_said() -> None:
    function, network = build("rosenbrock"), build("blobs-tanh")
    assert "last of this problem's 2 is 1" in str(unsupported_plane(CoordinatePlane(axes=(0, 2)), function))
    assert "names 1 twice" in str(unsupported_plane(CoordinatePlane(axes=(1, 1)), network))
    assert "has 1." in str(unsupported_plane(RandomPlane(), build("sine-linear")))
    line = build_problem(FunctionProblem(function=QuadraticFunction(start=(1.0,))), torch.float64, CPU)
    for spec in (RandomPlane(), PcaPlane(), CoordinatePlane()):
        assert "at least two parameters" in str(unsupported_plane(spec, line))
        assert unsupported_plane(spec, function) is None
        assert unsupported_plane(spec, network) is None
