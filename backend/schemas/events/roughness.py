"""What roughness tells."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import PointEvent


class Roughness(PointEvent):
    """The roughness index of one length at a point, over the first n of the directions that were asked for.

    ``index`` 0 means that the loss varies alike along all directions, not that it is flat; ``variation`` says how much
    it varies: 1/(2l) on a slope, 1/l in a valley, more with every ripple.
    """

    kind: Literal["roughness"] = "roughness"
    index: float
    interval: Array  # [2] 95 % bootstrap over directions
    variations: Array  # [n] normalised total variation of each direction; NaN where the profile is constant or a hole
    variation: float  # their mean
    least: float  # 1/(2l), which a slope has; a valley has twice as much
    undefined: int  # how many of them are NaN, and left out of the index
    length: float
    first: bool  # whether it is the request's own length, and not one of its further ones
    points: int  # intervals of a profile
    directions: int  # as many were asked for
    t: Array  # [points + 1]
    profiles: Array  # [k, points + 1] the loss along the first k directions
    loss: float  # in the middle, on the same examples
    grad_norm: float  # there: small at a minimum
    relative_l2: float | None  # of a differential equation's solution there
    final: bool
