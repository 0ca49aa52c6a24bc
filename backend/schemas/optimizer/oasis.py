"""OASIS: the Hessian's diagonal as preconditioner, with a learning rate that adapts."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, learning_rate


class OasisOptimizer(OptimizerSpec):
    """D ← β₂D + (1 − β₂)·z⊙(Hz); θ ← θ − η_k·g/max(|D|, α)."""

    title = "OASIS"
    summary = "Divides by the estimated diagonal of the Hessian, at a learning rate that follows the curvature."
    equation = "D ← β₂D + (1 − β₂)·z⊙(Hz), z = ±1; θ ← θ − η_k·g/max(|D|, α)"
    reference = (
        "Jahani et al. 2022, Doubly adaptive scaled algorithm for machine learning using second-order information"
    )
    defaults_from = "ours"
    family = "Curvature"
    live = ("lr",)
    gradients = 5.0
    cost = "four with a fixed rate"
    kind: Literal["oasis"] = kind_of("oasis")
    lr: float = learning_rate(0.01)
    adaptive: bool = described(
        True, "Whether the rate follows the curvature; the learning rate is then its first value."
    )
    beta2: float = decay_rate(0.99, "Decay rate β₂ of the running mean of the diagonal.", "β₂")
    floor: float = described(
        0.1, "α: curvatures below this count as this.", title="Smallest curvature α", scale="log", gt=0.0, le=1e6
    )
