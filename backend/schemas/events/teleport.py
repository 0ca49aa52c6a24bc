"""What a teleportation tells."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import PointEvent


class Teleport(PointEvent):
    """Losses and gradients on the way to other weights of the same function, or of a descent from either place.

    A later one of the same ``trace`` replaces it. Turn 0 is where the descents begin; the climb ends there.
    """

    kind: Literal["teleport"] = "teleport"
    trace: Literal["climb", "here", "there"]  # the way there; descent from the point, and from where the climb ended
    turn: Array  # [n] −k … 0 of a climb of k steps, 0 … m of a descent
    loss: Array  # [n]
    grad_norm: Array  # [n]
    gain: float  # ‖∇L(there)‖ / ‖∇L(here)‖
    change: float  # |L(there) − L(here)|: what rounding leaves
    factor: float  # the largest by which a unit was scaled, up or down
    distance: float  # ‖θ there − θ here‖
    final: bool
