"""What a page draws of the tiles that have come."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.core.geometry.grid import coordinates
from backend.schemas.events import SurfaceTile


def drawn(tiles: Sequence[SurfaceTile], resolution: int = 33, extent: float = 1.0) -> NDArray[np.float64]:
    """Draw what has come: straight lines where no tile has told anything, as the page does."""
    axis = coordinates(resolution, extent).astype(np.float32)
    picture = np.full((resolution, resolution), np.nan)
    known = np.zeros_like(picture, dtype=bool)
    for tile in tiles:
        where = np.ix_(np.searchsorted(axis, tile.a), np.searchsorted(axis, tile.b))
        picture[where], known[where] = tile.loss, True
    step = (resolution - 1) // 4
    while step > 1:
        half = step // 2
        for picture_, known_ in ((picture, known), (picture.T, known.T)):
            across = slice(None, None, step) if picture_ is picture else slice(None, None, half)
            straight = (picture_[across, :-1:step] + picture_[across, step::step]) / 2
            middle = (across, slice(half, None, step))
            picture_[middle] = np.where(known_[middle], picture_[middle], straight)
        step = half
    return picture
