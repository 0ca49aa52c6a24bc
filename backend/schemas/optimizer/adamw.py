"""AdamW: Adam with decoupled weight decay."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate, weight_decay


class AdamWOptimizer(OptimizerSpec):
    """θ ← (1 − ηλ)·θ, then Adam's step without weight decay in the gradient."""

    title = "AdamW"
    summary = "Adam with the weights shrunk apart from the gradient."
    equation = "θ ← (1 − ηλ)·θ − η·m̂/(√v̂ + ε)"
    reference = "Loshchilov & Hutter 2019, Decoupled weight decay regularization"
    family = "Adaptive"
    kind: Literal["adamw"] = kind_of("adamw")
    lr: float = learning_rate(0.001)
    beta1: float = decay_rate(0.9, "Decay rate β₁ of the running mean of gradients.", "β₁")
    beta2: float = decay_rate(0.999, "Decay rate β₂ of the running mean of squared gradients.", "β₂")
    eps: float = epsilon(1e-8)
    weight_decay: float = weight_decay(0.01, decoupled=True)
    amsgrad: bool = described(False, "Divide by the largest v̂ seen so far.", title="AMSGrad")
