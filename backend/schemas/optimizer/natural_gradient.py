"""Natural gradient descent."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import learning_rate


class NaturalGradientOptimizer(OptimizerSpec):
    """θ ← θ − η·(F + λI)⁻¹g, F the Fisher information of the model's outputs on the batch."""

    title = "Natural gradient"
    summary = "Measures a step by how much it changes the model's predictions, not its parameters."
    equation = "θ ← θ − η·(F + λI)⁻¹g, F = (1/M) Σᵢ JᵢᵀSᵢJᵢ (empirical: (1/M) Σᵢ gᵢgᵢᵀ)"
    reference = "Amari 1998, Natural gradient works efficiently in learning"
    defaults_from = "ours"
    family = "Curvature"
    live = ("lr", "damping")
    gradients = 11.0
    cost = "with ten outputs: one, and one for each output; 2 with the empirical matrix"
    kind: Literal["natural_gradient"] = kind_of("natural_gradient")
    lr: float = learning_rate(1.0)
    damping: float = described(
        0.1, "λ, added to every eigenvalue of F; 0 takes the pseudo-inverse.", title="Damping λ", scale="log",
        ge=0.0, le=1e6,
    )  # fmt: skip
    fisher: Literal["true", "empirical"] = described(
        "true", "F from the outputs' derivatives (true), or from the examples' gradients at their targets (empirical)."
    )
