"""Paths on a plane, as they are sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from backend.core.analyses.base import Moment
from backend.core.geometry.plane import Plane
from backend.schemas.events import PathPoints


class Place(NamedTuple):
    """Where a moment lies: on the plane at (a, b), so far off it."""

    step: int
    a: float
    b: float
    off_plane: float


@dataclass(frozen=True)
class Walker:
    """Whose path it is: a lane of a race, or of one of the points of an analysis."""

    lane: str | None
    repeat: int = 0
    point: int | None = None


def places(plane: Plane, moments: Sequence[Moment]) -> list[Place]:
    """Project moments, all at once.

    A matrix product over n rows may differ in the last bit from one over one row. Where a race sends its rows as they
    come, it projects each moment by itself, so that chunk bounds (which depend on timing) decide nothing.

    Args:
        plane: where to.
        moments: of one path.

    Returns:
        A place for each moment.
    """
    if not moments:
        return []
    columns = (column.tolist() for column in plane.project(torch.stack([moment.params_P for moment in moments])))
    return [Place(moment.step, *place) for moment, *place in zip(moments, *columns, strict=True)]


def path_points(plane: Plane, walker: Walker, rows: Sequence[Place], losses: Sequence[float]) -> PathPoints:
    """Make the event of some rows of a path; NaN among the losses means that it was not evaluated there."""
    dtype = str(plane.u_P.dtype).removeprefix("torch.")
    a, b, off_plane, loss = (
        np.array(column, np.float64).astype(dtype)
        for column in (*([row[k] for row in rows] for k in (1, 2, 3)), losses)
    )
    return PathPoints(
        lane=walker.lane,
        repeat=walker.repeat,
        point=walker.point,
        plane=plane.id,
        step=np.array([row.step for row in rows], np.int32),
        a=a,
        b=b,
        off_plane=off_plane,
        loss=loss,
    )
