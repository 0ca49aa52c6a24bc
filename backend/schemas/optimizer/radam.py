"""RAdam: Adam with its first steps rectified."""

from typing import Literal

from backend.schemas.fields import kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate, weight_decay


class RadamOptimizer(OptimizerSpec):
    """Adam times r(t) while the variance of v̂ is known well enough, momentum alone before."""

    title = "RAdam"
    summary = "Adam that begins as momentum and trusts the divisor only once enough gradients have been seen."
    equation = "θ ← θ − η·r·m̂/(√v̂ + ε) where ρₜ > 5, else θ ← θ − η·m̂; r² = (ρₜ−4)(ρₜ−2)ρ∞/((ρ∞−4)(ρ∞−2)ρₜ)"
    reference = "Liu et al. 2020, On the variance of the adaptive learning rate and beyond"
    family = "Adaptive"
    kind: Literal["radam"] = kind_of("radam")
    lr: float = learning_rate(0.001)
    beta1: float = decay_rate(0.9, "Decay rate β₁ of the running mean of gradients.", "β₁")
    beta2: float = decay_rate(0.999, "Decay rate β₂ of the running mean of squared gradients.", "β₂")
    eps: float = epsilon(1e-8)
    weight_decay: float = weight_decay(0.0)
