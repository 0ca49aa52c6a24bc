"""diffGrad: Adam with friction where the gradient stands still."""

from typing import Literal

from backend.schemas.fields import kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate, weight_decay


class DiffGradOptimizer(OptimizerSpec):
    """θ ← θ − η·σ(|gₜ₋₁ − gₜ|)·m̂/(√v̂ + ε), σ the logistic function."""

    title = "diffGrad"
    summary = "Adam, halved where the gradient stays the same and in full where it changes."
    equation = "θ ← θ − η·σ(|gₜ₋₁ − gₜ|)·m̂/(√v̂ + ε), σ(x) = 1/(1 + e⁻ˣ)"
    reference = "Dubey et al. 2020, diffGrad: an optimization method for convolutional neural networks"
    family = "Adaptive"
    defaults_from = "the paper's"
    kind: Literal["diffgrad"] = kind_of("diffgrad")
    lr: float = learning_rate(0.001)
    beta1: float = decay_rate(0.9, "Decay rate β₁ of the running mean of gradients.", "β₁")
    beta2: float = decay_rate(0.999, "Decay rate β₂ of the running mean of squared gradients.", "β₂")
    eps: float = epsilon(1e-8)
    weight_decay: float = weight_decay(0.0, decoupled=True)
