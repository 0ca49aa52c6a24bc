"""Adadelta."""

from typing import Literal

from backend.schemas.fields import kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate, weight_decay


class AdadeltaOptimizer(OptimizerSpec):
    """v ← ρv + (1−ρ)g²; Δ = g·√(u + ε)/√(v + ε); u ← ρu + (1−ρ)Δ²; θ ← θ − η·Δ."""

    title = "Adadelta"
    summary = "Divides each gradient by its own running size and multiplies by that of its past moves."
    equation = "v ← ρv + (1−ρ)g²; Δ = g·√(u + ε)/√(v + ε); u ← ρu + (1−ρ)Δ²; θ ← θ − η·Δ"
    reference = "Zeiler 2012, ADADELTA: an adaptive learning rate method"
    family = "Adaptive"
    kind: Literal["adadelta"] = kind_of("adadelta")
    lr: float = learning_rate(1.0)
    rho: float = decay_rate(0.9, "Decay rate ρ of both running means of squares.", "ρ")
    eps: float = epsilon(1e-6)
    weight_decay: float = weight_decay(0.0)
