"""Adagrad."""

from typing import Literal

from backend.schemas.fields import kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import epsilon, learning_rate, weight_decay


class AdagradOptimizer(OptimizerSpec):
    """s ← s + g²; θ ← θ − η·g/(√s + ε)."""

    title = "Adagrad"
    summary = "Divides each gradient by the root of the sum of all its squares so far."
    equation = "s ← s + g²; θ ← θ − η·g/(√s + ε)"
    reference = "Duchi, Hazan & Singer 2011, Adaptive subgradient methods"
    family = "Adaptive"
    kind: Literal["adagrad"] = kind_of("adagrad")
    lr: float = learning_rate(0.01)
    eps: float = epsilon(1e-10)
    weight_decay: float = weight_decay(0.0)
