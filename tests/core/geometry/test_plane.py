"""Embedding, projection and identity of planes."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from backend.core.analyses.base import Moment
from backend.core.geometry.directions import gaussian
from backend.core.geometry.plane import BLOCK, Plane
from backend.core.runtime.seeding import generator

P = 40
COORDINATE = st.floats(-50, 50)
LENGTH = st.floats(1e-4, 1e4)


def drawn(*names: str | int, size: int = P) -> Tensor:
    return gaussian(size, generator(7, *names))


def plane_of(u_P: Tensor, v_P: Tensor, dtype: torch.dtype = torch.float64) -> Plane:
    origin = Moment(3, drawn("origin", size=len(u_P)).to(dtype), torch.empty(0, dtype=dtype))
    return Plane("random", origin, u_P.to(dtype), v_P.to(dtype))


def skewed(seed: int, angle: float, long: float, other: float) -> Plane:
    first, second = drawn("u", seed), drawn("v", seed)
    first = first / first.norm()
    second = second - (second @ first) * first
    second = second / second.norm()
    return plane_of(long * first, other * (math.cos(angle) * first + math.sin(angle) * second))


@settings(deadline=None)
@given(a=COORDINATE, b=COORDINATE, long=LENGTH, other=LENGTH, angle=st.floats(0.05, 3.09), seed=st.integers(0, 5))
def test_project_undoes_embed(a: float, b: float, long: float, other: float, angle: float, seed: int) -> None:
    plane = skewed(seed, angle, long, other)
    found = plane.project(plane.embed(a, b))
    size = plane.origin.params_P.norm().item() + (abs(a) + 1) * long + (abs(b) + 1) * other
    assert abs(found.a_n.item() - a) * long <= 1e-13 * size / math.sin(angle)
    assert abs(found.b_n.item() - b) * other <= 1e-13 * size / math.sin(angle)
    assert found.off_plane_n.item() <= 1e-14 * size


@settings(deadline=None)
@given(a=COORDINATE, b=COORDINATE, off=st.floats(1e-6, 1e6), angle=st.floats(0.05, 3.09))
def test_distance_off_the_plane_is_the_known_one(a: float, b: float, off: float, angle: float) -> None:
    plane = skewed(0, angle, 2.0, 0.1)
    away = drawn("away")
    basis = torch.linalg.qr(torch.stack([plane.u_P, plane.v_P, away], dim=1)).Q
    found = plane.project(plane.embed(a, b) + off * basis[:, 2])
    assert found.off_plane_n.item() == pytest.approx(off, abs=1e-12 * (off + 200))
    assert found.a_n.item() == pytest.approx(a, abs=1e-10 * (1 + off))


def test_projection_equals_the_gram_system_written_out() -> None:
    plane = skewed(1, 0.4, 3.0, 0.2)
    theta = drawn("theta")
    delta = theta - plane.origin.params_P
    u, v = plane.u_P, plane.v_P
    gram = torch.stack([torch.stack([u @ u, u @ v]), torch.stack([v @ u, v @ v])])
    wanted = torch.linalg.solve(gram, torch.stack([u @ delta, v @ delta]))
    found = plane.project(theta)
    torch.testing.assert_close(torch.stack([found.a_n[0], found.b_n[0]]), wanted, rtol=1e-10, atol=1e-12)
    residual = delta - wanted[0] * u - wanted[1] * v
    assert found.off_plane_n.item() == pytest.approx(residual.norm().item(), rel=1e-12)


def test_projecting_twice_is_projecting_once() -> None:
    plane = skewed(2, 1.0, 1.0, 5.0)
    first = plane.project(drawn("theta"))
    again = plane.project(plane.embed(first.a_n.item(), first.b_n.item()))
    torch.testing.assert_close(again.a_n, first.a_n, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(again.b_n, first.b_n, rtol=1e-12, atol=1e-14)
    assert again.off_plane_n.item() < 1e-13


@pytest.mark.parametrize("scale", [0.0, 1.0, -2.5])
def test_parallel_directions_still_give_a_nearest_point(scale: float) -> None:
    u_P = drawn("u")
    plane = plane_of(u_P, scale * u_P)
    theta = drawn("theta")
    delta = theta - plane.origin.params_P
    along = (u_P @ delta) / (u_P @ u_P)
    found = plane.project(theta)
    assert found.a_n.item() + scale * found.b_n.item() == pytest.approx(along.item(), rel=1e-10)
    assert found.off_plane_n.item() == pytest.approx((delta - along * u_P).norm().item(), rel=1e-12)


def test_many_points_are_projected_as_one_by_one() -> None:
    plane = skewed(3, 0.7, 1.0, 1.0)
    points_nP = torch.stack([drawn("point", k) for k in range(7)])
    found = plane.project(points_nP)
    for k, point_P in enumerate(points_nP):
        one = plane.project(point_P)
        for column, value in zip(found, one, strict=True):
            assert column[k].item() == pytest.approx(value.item(), rel=1e-12)


def test_more_points_than_fit_a_block() -> None:
    plane = plane_of(drawn("u"), drawn("v"))
    count = 2 * (BLOCK // P) + 3
    points_nP = plane.origin.params_P + torch.linspace(-1, 1, count, dtype=torch.float64)[:, None] * plane.v_P
    found = plane.project(points_nP)
    assert found.b_n.shape == (count,)
    torch.testing.assert_close(found.b_n, torch.linspace(-1, 1, count, dtype=torch.float64), rtol=0, atol=1e-12)


def test_float32_points_are_projected_in_float64() -> None:
    plane = plane_of(drawn("u"), drawn("v"), torch.float32)
    exact = Plane(
        "random", Moment(0, plane.origin.params_P.double(), torch.empty(0)), plane.u_P.double(), plane.v_P.double()
    )
    theta = drawn("theta").float()
    found, wanted = plane.project(theta), exact.project(theta.double())
    assert found.a_n.dtype == torch.float64
    for one, other in zip(found, wanted, strict=True):
        assert torch.equal(one, other)


def test_the_middle_is_the_origin_bit_for_bit() -> None:
    plane = plane_of(drawn("u"), drawn("v"), torch.float32)
    assert torch.equal(plane.embed(0.0, 0.0), plane.origin.params_P)


def test_a_point_that_is_not_finite_has_no_place() -> None:
    plane = plane_of(drawn("u"), drawn("v"))
    points_nP = torch.stack([plane.embed(1.0, 2.0)] * 3)
    points_nP[1, 4] = math.nan
    points_nP[2, 5] = math.inf
    found = plane.project(points_nP)
    assert all(not column[k].isfinite() for column in found for k in (1, 2))
    assert found.a_n[0].item() == pytest.approx(1.0)


def test_id_names_the_contents() -> None:
    u_P, v_P = drawn("u"), drawn("v")
    plane = plane_of(u_P, v_P)
    assert len(plane.id) == 12
    assert int(plane.id, 16) >= 0
    assert plane_of(u_P.clone(), v_P.clone()).id == plane.id
    others = [plane_of(v_P, u_P), plane_of(u_P, 2 * v_P), plane_of(u_P, v_P, torch.float32)]
    others += [Plane("random", plane.origin, u_P, v_P, extent=2.0)]
    others += [Plane("random", plane.origin, u_P, v_P, batchnorm="batch")]
    assert len({plane.id, *(other.id for other in others)}) == 6


def test_event_tells_the_lengths() -> None:
    plane = plane_of(3 * drawn("u"), drawn("v"))
    event = plane.event(step=5, point=1)
    assert (event.plane, event.step, event.point, event.kind_of_plane) == (plane.id, 5, 1, "random")
    assert event.u_norm == pytest.approx(plane.u_P.norm().item(), rel=1e-14)
    assert event.v_norm == pytest.approx(plane.v_P.norm().item(), rel=1e-14)
