"""How far a lane has moved."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import PointEvent


class Movement(PointEvent):
    """The newest step and the way since the start; ``layer`` names the entries, ``all`` is the last.

    NaN stands where a number is not known: at the start, at a moment whose step before was not kept, or where it would
    be a quotient of zeros.
    """

    kind: Literal["movement"] = "movement"
    layer: tuple[str, ...]
    effective_step: Array  # [L] ‖Δθ‖/‖g‖, g the gradient that the step answered
    update_ratio: Array  # [L] ‖Δθ‖/‖θ‖
    distance: Array  # [L] ‖θ − θ₀‖
    rotation: Array  # [L] 1 − cos(w, w₀), of the kernels where there are any
    lr: float | None  # of the newest step; null where that is not known
