"""What is told of a differential equation's solution."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import PointEvent


class Solution(PointEvent):
    """A trial function u beside the solution u*, along a section (as in ``fit``) and on the first two coordinates.

    The map is null for an equation of one coordinate; of more than two, the others stand in the middle of the domain.
    """

    kind: Literal["solution"] = "solution"
    relative_l2: float  # ‖u − u*‖/‖u*‖ over the whole domain
    worst: float  # the largest |u − u*| of all that is told here
    section: str | None = None  # where the section lies; null for all of an interval
    s: Array  # [n] along it, from 0 to 1
    u: Array  # [n]
    exact: Array  # [n] u*
    error: Array  # [n] u − u*
    x_label: str | None = None
    y_label: str | None = None
    x: Array | None = None  # [n]
    y: Array | None = None  # [m]
    u_map: Array | None = None  # [n, m]
    exact_map: Array | None = None  # [n, m]
    error_map: Array | None = None  # [n, m]
