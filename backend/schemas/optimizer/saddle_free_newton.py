"""Saddle-free Newton."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import learning_rate


class SaddleFreeNewtonOptimizer(OptimizerSpec):
    """θ ← θ − η·(|H| + λI)⁻¹g, |H| = V|Λ|Vᵀ; dense, or on the Krylov space of the gradient."""

    title = "Saddle-free Newton"
    summary = "Newton's step with the absolute values of the curvatures: it leaves saddles instead of seeking them."
    equation = "θ ← θ − η·(|H| + λI)⁻¹g, |H| = V|Λ|Vᵀ"
    reference = "Dauphin et al. 2014, Identifying and attacking the saddle point problem"
    defaults_from = "ours"
    family = "Curvature"
    live = ("lr", "damping")
    gradients = 42.0
    cost = "two, and two for each product; with the dense method two for each parameter"
    kind: Literal["saddle_free_newton"] = kind_of("saddle_free_newton")
    lr: float = learning_rate(1.0)
    damping: float = described(
        0.1, "λ, added to the size of every curvature.", title="Damping λ", scale="log", gt=0.0, le=1e6
    )
    method: Literal["lanczos", "dense"] = described(
        "lanczos", "Whether curvatures come from k products, or from the whole Hessian (up to 2,000 parameters)."
    )
    k: int = described(
        20, "Products with the Hessian a step (method lanczos).", title="Products k", ge=1, le=500,
    )  # fmt: skip
