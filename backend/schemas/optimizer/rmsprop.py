"""RMSProp."""

from typing import Literal

from backend.schemas.fields import kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate, weight_decay


class RmspropOptimizer(OptimizerSpec):
    """v ← α·v + (1−α)·g²; θ ← θ − η·g/(√v + ε), with momentum where asked for."""

    title = "RMSProp"
    summary = "Divides each gradient by a running root mean square of itself."
    equation = "v ← α·v + (1−α)·g²; θ ← θ − η·g/(√v + ε)"
    reference = "Tieleman & Hinton 2012, Lecture 6.5"
    family = "Adaptive"
    live = ("lr", "momentum", "weight_decay")
    kind: Literal["rmsprop"] = kind_of("rmsprop")
    lr: float = learning_rate(0.01)
    alpha: float = decay_rate(0.99, "Decay rate α of the running mean of squared gradients.", "α")
    eps: float = epsilon(1e-8)
    momentum: float = decay_rate(0.0, "Share μ of the last step that is kept.", "Momentum")
    weight_decay: float = weight_decay(0.0)
