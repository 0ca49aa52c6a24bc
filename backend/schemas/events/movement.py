"""How far a lane has moved; of a lane with repeats, how far the middle half of them."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import Event, PointEvent


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


class MovementBand(Event):
    """What the repeats of a lane told at a step: median and quartiles, made by the parent process.

    A repeat that has ended before, or whose number is not known, does not count.
    """

    kind: Literal["movement_band"] = "movement_band"
    lane: str
    step: int
    repeats: int  # that told of this step
    layer: tuple[str, ...]
    effective_step: Array  # [L] median
    effective_step_low: Array  # [L] first quartile
    effective_step_high: Array  # [L] third quartile
    update_ratio: Array  # [L] likewise
    update_ratio_low: Array
    update_ratio_high: Array
    distance: Array
    distance_low: Array
    distance_high: Array
    rotation: Array
    rotation_low: Array
    rotation_high: Array
