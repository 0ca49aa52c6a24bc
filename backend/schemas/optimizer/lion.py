"""Lion."""

from typing import Literal

from backend.schemas.fields import kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, learning_rate, weight_decay


class LionOptimizer(OptimizerSpec):
    """θ ← (1 − ηλ)θ − η·sign(β₁m + (1−β₁)g); m ← β₂m + (1−β₂)g."""

    title = "Lion"
    summary = "Moves every parameter by the same amount, in the sign of a running mean of gradients."
    equation = "θ ← (1 − ηλ)θ − η·sign(β₁m + (1−β₁)g); m ← β₂m + (1−β₂)g"
    reference = "Chen et al. 2023, Symbolic discovery of optimization algorithms"
    family = "Adaptive"
    defaults_from = "the paper's"
    kind: Literal["lion"] = kind_of("lion")
    lr: float = learning_rate(1e-4)
    beta1: float = decay_rate(0.9, "Share β₁ of the running mean in the direction whose sign is taken.", "β₁")
    beta2: float = decay_rate(0.99, "Decay rate β₂ of the running mean of gradients.", "β₂")
    weight_decay: float = weight_decay(0.0, decoupled=True)
