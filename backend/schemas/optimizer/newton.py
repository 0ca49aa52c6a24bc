"""Newton's method, damped, with a Hessian that may serve several steps."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import learning_rate


class NewtonOptimizer(OptimizerSpec):
    """θ ← θ − η·(H + λI)⁻¹g, H formed anew every so many steps."""

    title = "Newton"
    summary = "Goes to the stationary point of the quadratic model, a saddle included; up to 2,000 parameters."
    equation = "θ ← θ − η·(H + λI)⁻¹g"
    reference = (
        "Nocedal & Wright 2006, Numerical optimization; Doikov, Chayti & Jaggi 2023, Second-order optimization with "
        "lazy Hessians"
    )
    defaults_from = "ours (η = 1, λ = 0 is Newton's own step)"
    family = "Curvature"
    live = ("lr", "damping")
    gradients = 2.0
    cost = "and two for each parameter when the Hessian is formed"
    kind: Literal["newton"] = kind_of("newton")
    lr: float = learning_rate(1.0)
    damping: float = described(
        1.0, "λ, added to every curvature; 0 is the undamped method.", title="Damping λ", scale="log", ge=0.0, le=1e6,
    )  # fmt: skip
    every: int = described(
        1, "Steps that one Hessian serves (lazy Hessians).", title="Hessian every", unit="steps", ge=1, le=10_000,
    )  # fmt: skip
