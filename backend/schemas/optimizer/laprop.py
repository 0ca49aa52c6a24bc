"""LaProp: Adam with the division before the momentum."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate, weight_decay


class LaPropOptimizer(OptimizerSpec):
    """v ← β₂v + (1−β₂)g²; m ← β₁m + (1−β₁)·η·g/(√v̂ + ε); θ ← θ − m̂."""

    title = "LaProp"
    summary = "Divides each gradient by its running size and averages afterwards: steps stay bounded for every β₂."
    equation = "v ← β₂v + (1−β₂)g²; m ← β₁m + (1−β₁)·g/(√v̂ + ε); θ ← θ − η·m̂"
    reference = "Ziyin, Wang & Ueda 2020, LaProp: separating momentum and adaptivity in Adam"
    family = "Adaptive"
    defaults_from = "the paper's"
    kind: Literal["laprop"] = kind_of("laprop")
    lr: float = learning_rate(4e-4)
    beta1: float = decay_rate(0.9, "Decay rate β₁ of the running mean of gradients.", "β₁")
    beta2: float = decay_rate(0.999, "Decay rate β₂ of the running mean of squared gradients.", "β₂")
    eps: float = epsilon(1e-15)
    centered: bool = described(
        False, "Subtract the squared running mean from the running mean of squares.", title="Centred"
    )
    weight_decay: float = weight_decay(0.0, decoupled=True)
