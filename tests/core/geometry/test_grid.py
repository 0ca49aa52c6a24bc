"""Nested grids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.geometry.grid import DIVISIONS, coordinates, interpolation_bound, levels, new_points


def test_levels_double_the_intervals() -> None:
    assert levels(5) == (5,)
    assert levels(129) == (5, 9, 17, 33, 65, 129)


@pytest.mark.parametrize("resolution", [1, 4, 6, 32, 34, 257])
def test_other_resolutions_are_refused(resolution: int) -> None:
    with pytest.raises(ValueError, match=f"got {resolution}"):
        levels(resolution)


@given(extent=st.floats(1e-6, 1e3))
def test_every_level_holds_the_points_before_it_exactly(extent: float) -> None:
    for coarse, fine in ((5, 9), (9, 17), (17, 33), (33, 65), (65, 129)):
        assert np.array_equal(coordinates(fine, extent)[::2], coordinates(coarse, extent))


@given(extent=st.floats(1e-6, 1e3))
def test_coordinates_are_multiples_of_a_64th_of_the_extent(extent: float) -> None:
    wanted = [k * (extent / DIVISIONS) for k in range(-64, 65, 4)]
    assert coordinates(33, extent).tolist() == wanted
    assert coordinates(33, extent)[16] == 0.0


def test_new_points_of_all_levels_are_every_point_once() -> None:
    seen = [
        (i * (64 // (level - 1)), j * (64 // (level - 1)))
        for level in levels(65)
        for i, j in new_points(level)
    ]  # fmt: skip
    assert len(seen) == len(set(seen)) == 65**2


def test_bound_is_a_quarter_of_what_the_level_before_missed() -> None:
    # Linear interpolation of x² at spacing h misses h²/4 at its midpoints; the range of x² on ±1 is 1.
    for level, h in ((9, 0.5), (17, 0.25), (33, 0.125)):
        x = coordinates(level, 1.0)
        values = np.broadcast_to(x[:, None] ** 2, (level, level))
        assert interpolation_bound(values) == pytest.approx(h**2 / 4 / 4, rel=1e-12)


def test_bound_holds_for_a_smooth_surface() -> None:
    def f(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.sin(2 * x[:, None]) * np.cos(y[None, :]) + 0.3 * x[:, None]

    x = coordinates(17, 1.0)
    values = f(x, x)
    fine = coordinates(33, 1.0)
    off = f(fine, fine)[1::2, ::2] - (values[:-1] + values[1:]) / 2
    actual = np.abs(off).max() / (values.max() - values.min())
    bound = interpolation_bound(values)
    assert bound is not None
    assert 0.5 * actual < bound < 3 * actual


def test_bound_looks_at_finite_cells_alone() -> None:
    x = coordinates(9, 1.0)
    values = np.array(x[:, None] ** 2 + x[None, :] ** 2)
    whole = interpolation_bound(values)
    values[8, 8], values[7, 8] = np.nan, np.inf
    holes = interpolation_bound(values)
    assert whole is not None
    assert holes is not None
    assert np.isfinite(holes)
    assert holes == pytest.approx(whole, rel=0.2)  # the range is a little smaller
    assert interpolation_bound(np.full((9, 9), np.nan)) is None
    assert interpolation_bound(values[::2, ::2]) is None


def test_bound_of_a_constant_is_zero() -> None:
    assert interpolation_bound(np.full((9, 9), 3.0, np.float32)) == 0.0
