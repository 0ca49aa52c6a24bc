"""Adam and AMSGrad."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate, weight_decay


class AdamOptimizer(OptimizerSpec):
    """m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; θ ← θ − η·m̂/(√v̂ + ε), hats for bias correction."""

    title = "Adam"
    summary = "Running means of the gradient and of its square, with bias correction."
    equation = "m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; θ ← θ − η·m̂/(√v̂ + ε)"
    reference = "Kingma & Ba 2015; AMSGrad: Reddi, Kale & Kumar 2018"
    family = "Adaptive"
    kind: Literal["adam"] = kind_of("adam")
    lr: float = learning_rate(0.001)
    beta1: float = decay_rate(0.9, "Decay rate β₁ of the running mean of gradients.", "β₁")
    beta2: float = decay_rate(0.999, "Decay rate β₂ of the running mean of squared gradients.", "β₂")
    eps: float = epsilon(1e-8)
    weight_decay: float = weight_decay(0.0)
    amsgrad: bool = described(False, "AMSGrad: divide by the largest v̂ seen so far.", title="AMSGrad")
