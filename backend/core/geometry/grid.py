"""Nested square grids: each level holds every point of the levels before it, exactly."""

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


def between(values: NDArray[np.floating]) -> float:
    """Return by how much straight lines between every second value miss the values between them, at most.

    max |f − bilinear(every second f)| over finite values, 0 where there are none.

    Args:
        values: the values [n, m], n and m odd.

    Example:
        >>> x = coordinates(9, 1.0)
        >>> between(x[:, None] + x[None, :])
        0.0
        >>> round(between(np.broadcast_to(x[:, None] ** 2, (9, 9))), 6)  # (h/2)² at spacing h = ½
        0.0625
    """
    coarse = np.asarray(values[::2, ::2], dtype=np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        drawn = np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[:-1, :-1]
        drawn[1::2] = (drawn[:-1:2] + drawn[2::2]) / 2
        drawn[:, 1::2] = (drawn[:, :-1:2] + drawn[:, 2::2]) / 2
        off = np.abs(values - drawn)
    return float(np.max(off, initial=0.0, where=np.isfinite(off)))
