"""What is known of a surface: losses on a square lattice, 4×4 patches of it each at a level of its own.

Shapes: G = 129 lattice points a side, K cells, p = 4 patches a side.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.core.geometry.evaluate import Tally
from backend.core.geometry.grid import COARSEST, DIVISIONS

Floats = NDArray[np.float64]
Cells = NDArray[np.intp]  # [K, 2] lattice indices

SIDE: Final = 2 * DIVISIONS + 1
PATCHES: Final = COARSEST - 1
WIDTH: Final = 2 * DIVISIONS // PATCHES  # intervals of a patch
CERTAIN: Final = 3.0  # standard errors that a mean is seldom off by


def level_of(stride: int) -> int:
    """Return the points a side of the whole grid at a spacing of ``stride`` lattice intervals.

    Example:
        >>> [level_of(stride) for stride in (32, 16, 1)]
        [5, 9, 129]
    """
    return 2 * DIVISIONS // stride + 1


def stride_of(level: int) -> int:
    """Return the lattice intervals between a level's neighbours; see :func:`level_of`."""
    return 2 * DIVISIONS // (level - 1)


def patch_slices(row: int, column: int, stride: int = 1) -> tuple[slice, slice]:
    """Return where a patch lies in the lattice, its borders included, at a spacing."""
    top, left = row * WIDTH, column * WIDTH
    return slice(top, top + WIDTH + 1, stride), slice(left, left + WIDTH + 1, stride)


def share_of_patches(part: int, parts: int) -> NDArray[np.bool_]:
    """Tell the patches [p, p] that one of several workers refines: runs of neighbours, row by row.

    Args:
        part: which worker.
        parts: how many there are.

    Returns:
        True where the patch is that worker's.

    Example:
        >>> share_of_patches(1, 2).astype(int).tolist()
        [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]
    """
    of_P = np.arange(PATCHES**2) * parts // PATCHES**2
    return np.equal(of_P, part).reshape(PATCHES, PATCHES)


class Mesh:
    """Means and spreads of the losses at lattice points, and over how many of ``total`` examples each was taken.

    Every cell's examples are a front of the sample, so that a cell that stands on fewer can be completed.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.added = 0  # how often something was put in
        self.mean_GG: Floats = np.full((SIDE, SIDE), math.nan)
        self.squares_GG: Floats = np.zeros((SIDE, SIDE))
        self.count_GG = np.zeros((SIDE, SIDE), np.int64)

    def add(self, cells: Cells, tally: Tally) -> None:
        """Put in losses of further examples; all of these cells have stood on the same number so far."""
        self.added += 1
        where = cells[:, 0], cells[:, 1]
        before = Tally(int(self.count_GG[where][0]), self.mean_GG[where], self.squares_GG[where])
        both = before.merged(tally)
        self.mean_GG[where], self.squares_GG[where], self.count_GG[where] = both.mean_K, both.squares_K, both.count

    def strides(self, finest: int) -> NDArray[np.int64]:
        """Return the finest spacing, not below ``finest``, at which each patch [p, p] is complete."""
        found_pp = np.full((PATCHES, PATCHES), WIDTH, np.int64)
        for row in range(PATCHES):
            for column in range(PATCHES):
                stride = WIDTH
                while stride > finest and self.count_GG[patch_slices(row, column, stride // 2)].all():
                    stride //= 2
                found_pp[row, column] = stride
        return found_pp

    def counts(self, stride_pp: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many examples every cell of each patch [p, p] stands on at least."""
        return _each(lambda row, column, stride: self.count_GG[patch_slices(row, column, stride)].min(), stride_pp)

    def stderr(self, where: tuple[slice, slice], of: int) -> Floats:
        """Return the standard errors of some cells as estimates of the mean over ``of`` examples; see ``Tally``."""
        count, squares = self.count_GG[where], self.squares_GG[where]
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.sqrt((1 - count / of) * squares / (count * np.maximum(count - 1, 1)))
        return np.asarray(np.where(count >= of, 0.0, error), np.float64)

    def span(self) -> float:
        """Range of the finite losses so far; 0 where there are none."""
        found = self.mean_GG[np.isfinite(self.mean_GG)]
        return float(found.max() - found.min()) if found.size else 0.0

    def sampling_errors(self, stride_pp: NDArray[np.int64]) -> Floats:
        """Return by how much the missing examples may change a cell of each patch [p, p]: 3 standard errors."""

        def worst(row: int, column: int, stride: int) -> float:
            error = self.stderr(patch_slices(row, column, stride), self.total)
            return CERTAIN * float(np.max(error, initial=0.0, where=np.isfinite(error)))

        return _each(worst, stride_pp).astype(np.float64)

    def holes(self, stride_pp: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell the patches [p, p] with cells that are not finite beside some that are."""

        def mixed(row: int, column: int, stride: int) -> bool:
            finite = np.isfinite(self.mean_GG[patch_slices(row, column, stride)])
            return bool(finite.any() and not finite.all())

        return _each(mixed, stride_pp).astype(np.bool_)


def _each(measure: Callable[[int, int, int], object], stride_pp: NDArray[np.int64]) -> NDArray[Any]:
    rows = range(PATCHES)
    return np.array([[measure(row, column, int(stride_pp[row, column])) for column in rows] for row in rows])
