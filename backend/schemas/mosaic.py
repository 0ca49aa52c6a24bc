"""The tiles of one surface, put together."""

from collections.abc import Sequence

import numpy as np

from backend.schemas.events import SurfaceTile

NEAR = 1e-6  # of the width: coordinates of one point may differ by rounding


def assembled(tiles: Sequence[SurfaceTile]) -> SurfaceTile:
    """Return the finest whole grid that the tiles of one surface fill, as one tile; later ones over earlier ones.

    Args:
        tiles: in the order in which they came, at least one; the first is a whole grid.

    Returns:
        A tile with the last one's statements about the picture. Points beyond its grid, where a part of the picture is
        finer than the rest, are left out: nothing is made up to fill the gaps.
    """
    last = tiles[-1]
    a_A, b_B = (np.unique(np.concatenate([getattr(tile, name) for tile in tiles])) for name in ("a", "b"))
    loss_AB = np.full((len(a_A), len(b_B)), np.nan, last.loss.dtype)
    stderr_AB, known_AB = np.zeros_like(loss_AB), np.zeros(loss_AB.shape, bool)
    for tile in tiles:
        where = np.ix_(np.searchsorted(a_A, tile.a), np.searchsorted(b_B, tile.b))
        loss_AB[where], known_AB[where] = tile.loss, True
        stderr_AB[where] = 0.0 if tile.stderr is None else tile.stderr
    for level in sorted({tile.level for tile in tiles}, reverse=True):
        rows, columns = _places(a_A, level), _places(b_B, level)
        if rows is None or columns is None or not known_AB[np.ix_(rows, columns)].all():
            continue
        where = np.ix_(rows, columns)
        stderr = stderr_AB[where] if stderr_AB[where].any() else None
        grid = {"level": level, "a": a_A[rows], "b": b_B[columns], "loss": loss_AB[where], "stderr": stderr}
        share = last.data_fraction if last.least_fraction is None else last.least_fraction
        return last.model_copy(update={**grid, "data_fraction": share})
    return last


def _places(values: np.ndarray, level: int) -> list[int] | None:
    """Find a level's coordinates among the sorted values; None where some are missing."""
    low, high = float(values[0]), float(values[-1])
    wanted = np.linspace(low, high, level)
    found = np.abs(values[None, :].astype(np.float64) - wanted[:, None]).argmin(axis=1)
    off = np.abs(values[found].astype(np.float64) - wanted)
    return found.tolist() if (off <= NEAR * max(high - low, 1e-300)).all() else None
