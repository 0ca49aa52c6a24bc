"""What the sharpness along training tells."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import PointEvent


class Sharpness(PointEvent):
    """Largest eigenvalues beside the thresholds of the learning rate that the next step takes.

    ``threshold`` is of H, ``preconditioned_threshold`` of P⁻¹H; a rule has one of them or none. Values are NaN where
    the curvature is not finite: the lane is about to diverge. ``flow`` is the sharpness where gradient flow from here
    would end; null where it was not asked for, NaN where the flow did not end within its gradients.
    """

    kind: Literal["sharpness"] = "sharpness"
    values: Array  # [k] of H, descending
    preconditioned: Array | None  # [k] of P⁻¹H, descending; null for a rule without P, and before its first step
    threshold: float | None
    preconditioned_threshold: float | None
    residual: float  # the largest ‖Hv − λv‖ of the values
    preconditioned_residual: float | None  # likewise of the preconditioned ones
    converged: bool  # all of them
    products: int  # Hessian-vector products spent on this event
    flow: float | None = None  # λ₁(H) at the end of gradient flow
    flow_gradients: int | None = None  # gradients spent on the way there
