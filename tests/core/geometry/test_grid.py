"""Nested grids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.geometry.grid import DIVISIONS, between, coordinates, levels


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


@pytest.mark.parametrize("spacing", [0.5, 0.25, 0.125])
def test_between_is_what_straight_lines_miss(spacing: float) -> None:
    # Linear interpolation of x² at twice the spacing h misses h² at its midpoints, whatever b is.
    x = np.arange(-1.0, 1.0 + spacing / 2, spacing)
    values = np.broadcast_to(x[:, None] ** 2, (len(x), 5))
    assert between(values) == pytest.approx(spacing**2, rel=1e-12)
    assert between(values.T) == pytest.approx(spacing**2, rel=1e-12)


def test_between_looks_at_finite_values_alone() -> None:
    x = coordinates(9, 1.0)
    values = np.array(x[:, None] ** 2 + x[None, :] ** 2)
    whole = between(values)
    values[8, 8], values[7, 8] = np.nan, np.inf
    assert between(values) == pytest.approx(whole, rel=1e-12)
    assert between(np.full((9, 9), np.nan)) == 0.0
    assert between(np.full((9, 9), 3.0, np.float32)) == 0.0
