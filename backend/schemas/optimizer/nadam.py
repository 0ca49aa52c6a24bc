"""NAdam: Adam with Nesterov momentum."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate, weight_decay


class NadamOptimizer(OptimizerSpec):
    """Adam whose step looks one momentum ahead: μₜ₊₁m̂ + (1 − μₜ)ĝ in the place of m̂."""

    title = "NAdam"
    summary = "Adam with Nesterov's look ahead, its momentum rising over time."
    equation = "θ ← θ − η·(μₜ₊₁m/(1 − Πμ·μₜ₊₁) + (1 − μₜ)g/(1 − Πμ))/(√v̂ + ε), μₜ = β₁(1 − ½·0.96^(tψ))"
    reference = "Dozat 2016, Incorporating Nesterov momentum into Adam"
    family = "Adaptive"
    kind: Literal["nadam"] = kind_of("nadam")
    lr: float = learning_rate(0.002)
    beta1: float = decay_rate(0.9, "Decay rate β₁ of the running mean of gradients.", "β₁")
    beta2: float = decay_rate(0.999, "Decay rate β₂ of the running mean of squared gradients.", "β₂")
    eps: float = epsilon(1e-8)
    weight_decay: float = weight_decay(0.0)
    momentum_decay: float = described(
        0.004, "How fast the momentum μ rises to β₁, ψ.", title="Momentum decay ψ", ge=0.0, le=1.0
    )
