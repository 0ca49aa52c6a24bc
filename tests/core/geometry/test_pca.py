"""The PCA plane, against planted paths and a plain singular value decomposition."""

import math
from collections.abc import Iterator, Sequence

import pytest
import torch
from torch import Tensor

from backend.core.analyses.base import Moment, Path
from backend.core.geometry import pca
from backend.core.geometry.directions import gaussian
from backend.core.geometry.pca import REACH, fit_pca
from backend.core.geometry.plane import Plane
from backend.core.runtime.seeding import generator

P = 60
EMPTY = torch.empty(0, dtype=torch.float64)


def drawn(*names: str | int, size: int = P) -> Tensor:
    return gaussian(size, generator(3, *names))


def path(lane: str, points: Sequence[Tensor]) -> Path:
    return Path(lane, 0, tuple(Moment(step, point, EMPTY.to(point.dtype)) for step, point in enumerate(points)))


def wander(lane: str, steps: int, dtype: torch.dtype = torch.float64) -> Path:
    strides = torch.stack([drawn("stride", lane, k) * (0.97**k) for k in range(steps)])
    return path(lane, list((drawn("start") + torch.cumsum(strides, 0)).to(dtype)))


def fit(paths: Sequence[Path], like: Plane | None = None, ahead: bool = False) -> Plane:
    plane = fit_pca(paths, generator(0, "plane"), like=like, ahead=ahead)
    assert plane is not None
    return plane


def stacked(paths: Sequence[Path]) -> Tensor:
    return torch.stack([moment.params_P for one in paths for moment in one.moments])


def planted(dtype: torch.dtype = torch.float64) -> tuple[list[Path], Tensor]:
    """Two lanes that move in one plane, and its orthonormal axes [P, 2]."""
    axes_P2 = torch.linalg.qr(torch.stack([drawn("p"), drawn("q")], dim=1)).Q
    start = drawn("start")
    paths = []
    for lane, turn in (("one", 1.0), ("two", -0.6)):
        angles = [turn * 0.1 * k for k in range(20)]
        spots = torch.tensor([[3.0 * k / 20, 2.0 * math.sin(angle)] for k, angle in enumerate(angles)])
        paths.append(path(lane, list((start + spots.double() @ axes_P2.T).to(dtype))))
    return paths, axes_P2


def test_planted_plane_is_recovered() -> None:
    paths, axes_P2 = planted()
    plane = fit(paths)
    for d_P in (plane.u_P, plane.v_P):
        assert (d_P - axes_P2 @ (axes_P2.T @ d_P)).norm() < 1e-12 * d_P.norm()
    assert sum(plane.explained or ()) == pytest.approx(1.0, abs=1e-12)
    assert plane.project(stacked(paths)).off_plane_n.max() < 1e-12


def test_shares_and_directions_equal_those_of_a_plain_decomposition() -> None:
    paths = [wander("one", 15), wander("two", 12)]
    plane = fit(paths)
    centred = stacked(paths) - stacked(paths).mean(dim=0)
    sizes, axes = torch.linalg.svd(centred, full_matrices=False)[1:]
    shares = sizes**2 / (sizes**2).sum()
    assert plane.explained == pytest.approx(shares[:2].tolist(), rel=1e-10)
    for d_P, axis_P in ((plane.u_P, axes[0]), (plane.v_P, axes[1])):
        assert abs(d_P @ axis_P).item() == pytest.approx(d_P.norm().item(), rel=1e-10)
    assert abs(plane.u_P @ plane.v_P).item() < 1e-10 * plane.u_P.norm() * plane.v_P.norm()
    # The origin lies as far from the plane's own subspace through the mean as rounding puts it.
    away = plane.origin.params_P - stacked(paths).mean(dim=0)
    assert (away - axes[:2].T @ (axes[:2] @ away)).norm() < 1e-10


@pytest.mark.parametrize(("dtype", "slack"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_all_moments_lie_within_the_box_and_touch_it(dtype: torch.dtype, slack: float) -> None:
    paths = [wander("one", 40, dtype), wander("two", 30, dtype), wander("three", 7, dtype)]
    plane = fit(paths)
    assert plane.u_P.dtype == dtype
    found = plane.project(stacked(paths))
    for column in (found.a_n, found.b_n):
        assert column.min().item() == pytest.approx(-REACH, abs=slack)
        assert column.max().item() == pytest.approx(REACH, abs=slack)


def test_the_box_holds_moments_that_were_not_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pca, "MOST_MOMENTS", 8)
    paths = [wander("one", 200), wander("two", 150)]
    found = fit(paths).project(stacked(paths))
    assert max(found.a_n.abs().max().item(), found.b_n.abs().max().item()) <= REACH + 1e-12


def test_a_few_moments_spread_evenly_give_nearly_the_same_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    paths, axes_P2 = planted()
    monkeypatch.setattr(pca, "MOST_MOMENTS", 10)
    plane = fit(paths)
    assert (plane.u_P - axes_P2 @ (axes_P2.T @ plane.u_P)).norm() < 1e-12 * plane.u_P.norm()


@pytest.mark.parametrize("lanes", [9, 40])
def test_many_lanes_share_the_work(monkeypatch: pytest.MonkeyPatch, lanes: int) -> None:
    monkeypatch.setattr(pca, "MOST_MOMENTS", 16)
    counts = []

    def counting(moments: Sequence[Moment]) -> Iterator[Tensor]:
        counts.append(len(moments))
        return differences(moments)

    differences = pca._differences
    monkeypatch.setattr(pca, "_differences", counting)
    paths = [wander(f"lane {k}", 5) for k in range(lanes)]
    found = fit(paths).project(stacked(paths))
    assert 2 <= counts[0] <= 16
    assert max(found.a_n.abs().max().item(), found.b_n.abs().max().item()) <= REACH + 1e-12


def test_blocks_of_columns_give_the_same_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [wander("one", 15), wander("two", 12)]
    whole = fit(paths)
    monkeypatch.setattr(pca, "BLOCK", 27 * 7)
    parts = fit(paths)
    torch.testing.assert_close(parts.u_P, whole.u_P, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(parts.origin.params_P, whole.origin.params_P, rtol=1e-9, atol=1e-12)


def test_moments_that_are_not_finite_are_left_out() -> None:
    sound = [wander("one", 12), wander("two", 9)]
    lost = path("two", [*(m.params_P for m in sound[1].moments), torch.full((P,), math.nan), drawn("x") * math.inf])
    dead = path("three", [torch.full((P,), math.nan)])
    plane, wanted = fit([sound[0], lost, dead]), fit(sound)
    assert plane.id == wanted.id


def test_moments_too_large_to_square_are_left_out() -> None:
    sound = [wander("one", 12)]
    far = path("one", [*(m.params_P for m in sound[0].moments), drawn("x") * 1e200])
    assert (fit([far]).explained or (0, 0))[0] == pytest.approx((fit(sound).explained or (1, 1))[0])


def test_a_straight_path_gets_a_second_direction_at_right_angles() -> None:
    direction = drawn("line")
    plane = fit([path("one", [drawn("start") + t * direction for t in (0.0, 0.1, 0.5, 2.0)])])
    assert plane.explained is not None
    assert plane.explained == pytest.approx((1.0, 0.0), abs=1e-12)
    assert plane.explained[1] == 0.0
    assert abs(plane.u_P @ plane.v_P).item() < 1e-12 * plane.u_P.norm().item() ** 2
    assert plane.v_P.norm().item() == pytest.approx(plane.u_P.norm().item(), rel=1e-12)
    assert abs(plane.u_P @ direction).item() == pytest.approx((plane.u_P.norm() * direction.norm()).item(), rel=1e-12)


def test_two_moments_are_enough() -> None:
    plane = fit([path("one", [drawn("start"), drawn("end")])])
    found = plane.project(torch.stack([drawn("start"), drawn("end")]))
    assert found.a_n.tolist() == pytest.approx([-REACH, REACH], abs=1e-12)
    assert found.b_n.tolist() == pytest.approx([0.0, 0.0], abs=1e-12)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_fewer_than_two_different_moments_have_no_plane(count: int) -> None:
    assert fit_pca([path("one", [drawn("start")] * count)], generator(0, "plane")) is None


def test_paths_go_right_until_another_plane_says_otherwise() -> None:
    paths = [wander("one", 15)]
    plane = fit(paths)
    ends = plane.project(torch.stack([paths[0].moments[0].params_P, paths[0].moments[-1].params_P]))
    assert ends.a_n[1] > ends.a_n[0]
    turned = Plane("pca", plane.origin, -plane.u_P, plane.v_P)
    again = fit(paths, like=turned)
    torch.testing.assert_close(again.u_P, -plane.u_P)
    torch.testing.assert_close(again.v_P, plane.v_P)


def test_looking_ahead_leaves_room_for_as_many_steps_again() -> None:
    start, way, side = drawn("start"), drawn("way"), drawn("side")
    points = [start + t * way + 0.01 * t * t * side for t in range(17)]
    paths = [path("one", points[:9])]
    later = fit(paths, ahead=True).project(torch.stack(points))
    assert later.a_n.abs().max().item() <= 1.0
    assert fit(paths).project(torch.stack(points)).a_n.abs().max().item() > 1.5


def test_frozen_statistics_are_the_mean_of_the_lanes_last() -> None:
    lanes = [
        Path(lane, 0, tuple(Moment(k, drawn(lane, k), torch.full((2,), value + k)) for k in range(3)))
        for lane, value in (("one", 0.0), ("two", 10.0))
    ]
    plane = fit(lanes)
    assert plane.origin.buffers_B.tolist() == [7.0, 7.0]
    assert plane.origin.step == 2


def test_labels_tell_the_share_and_the_scale_is_a_distance() -> None:
    paths = [wander("one", 15), wander("two", 12)]
    plane = fit(paths)
    share = (plane.explained or (0.0, 0.0))[0]
    assert plane.axis_a.label == f"PC1 ({100 * share:.0f} %)"
    ends = [plane.embed(0.0, 0.0), plane.embed(0.3, 0.0)]
    assert (ends[1] - ends[0]).norm().item() == pytest.approx(0.3 * plane.axis_a.scale, rel=1e-12)


def test_moments_are_left_as_they_are() -> None:
    paths = [wander("one", 6)]
    before = stacked(paths).clone()
    fit(paths, ahead=True)
    assert torch.equal(stacked(paths), before)
