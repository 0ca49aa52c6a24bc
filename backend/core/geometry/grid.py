"""Nested square grids: each level holds every point of the levels before it, exactly."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

DIVISIONS: Final = 64  # a grid's coordinates are whole multiples of extent / 64
COARSEST: Final = 5


def levels(resolution: int) -> tuple[int, ...]:
    """Return the points a side of each level up to a resolution: 5, 9, 17 …, n → 2n − 1.

    Raises:
        ValueError: where the resolution is not one of them.

    Example:
        >>> levels(33)
        (5, 9, 17, 33)
    """
    found = [COARSEST]
    while found[-1] < resolution and 2 * (found[-1] - 1) <= 2 * DIVISIONS:
        found.append(2 * found[-1] - 1)
    if found[-1] != resolution:
        raise ValueError(f"expected a resolution of 5, 9, 17, 33, 65 or 129 points a side, got {resolution}")
    return tuple(found)


def coordinates(level: int, extent: float) -> NDArray[np.float64]:
    """Return a level's coordinates [level] from −extent to extent: extent·(k/64) for whole k, 0 exactly in the middle.

    k/64 is exact in binary, so a point has bit for bit the same coordinate at every level.

    Example:
        >>> coordinates(5, 2.0).tolist()
        [-2.0, -1.0, 0.0, 1.0, 2.0]
    """
    return extent * (np.linspace(-DIVISIONS, DIVISIONS, level) / DIVISIONS)


def new_points(level: int) -> Iterator[tuple[int, int]]:
    """Yield the indices (i, j) of a level's points that the level before it does not have; all of them at 5×5.

    Example:
        >>> len(list(new_points(5))), len(list(new_points(9)))
        (25, 56)
    """
    for i in range(level):
        for j in range(level):
            if level == COARSEST or i % 2 or j % 2:
                yield i, j


def interpolation_bound(values: NDArray[np.floating]) -> float | None:
    """Estimate the error of drawing straight lines between a level's points, as a share of the values' range.

    The points that this level added tell how far bilinear interpolation of the level before was off, at most D.
    That error falls with the square of the spacing, so this level's own is about D/4:
    bound = max |f − bilinear(f at the level before)| / (4·(max f − min f)), over finite values.

    Args:
        values: the level's values [n, n].

    Returns:
        The bound; None at the coarsest level, or where nothing finite can be compared. 0 for a constant.

    Example:
        >>> x = coordinates(9, 1.0)
        >>> interpolation_bound(x[:, None] + x[None, :])
        0.0
        >>> round(interpolation_bound(np.broadcast_to(x[:, None] ** 2, (9, 9))), 6)  # (h/2)² = 1/16 at spacing h = ½
        0.015625
    """
    if len(values) <= COARSEST:
        return None
    coarse = np.asarray(values[::2, ::2], dtype=np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        drawn = np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[:-1, :-1]
        drawn[1::2] = (drawn[:-1:2] + drawn[2::2]) / 2
        drawn[:, 1::2] = (drawn[:, :-1:2] + drawn[:, 2::2]) / 2
        off = np.abs(values - drawn)
    finite = np.asarray(values, dtype=np.float64)[np.isfinite(values)]
    off = off[np.isfinite(off)]
    if not off.size:
        return None
    span = float(finite.max() - finite.min())
    return float(off.max()) / (4 * span) if span > 0 else 0.0
