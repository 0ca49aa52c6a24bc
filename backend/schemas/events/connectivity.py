"""What the analysis of paths between two points tells."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import PointEvent


class Barrier(PointEvent):
    """The loss along a path between two points; a later one of the same path and split replaces it."""

    kind: Literal["barrier"] = "barrier"
    path: str
    split: str
    t: Array  # [n] from 0 to 1
    loss: Array  # [n]
    accuracy: Array | None  # [n]; null for regressions and functions
    barrier: float  # highest rise above the line between the ends' losses
    peak: float  # the t where that is
    height: float  # the loss there
    distance: float  # ‖θ(1) − θ(0)‖, after matching where there is one
    moved: float | None = None  # matched: share of the hidden units that changed places
    final: bool
