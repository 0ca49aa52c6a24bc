"""Gravity."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, learning_rate


class GravityOptimizer(OptimizerSpec):
    """ζ = g/(1 + (g/m)²), m = 1/max|g|; V ← β̂V + (1−β̂)ζ, β̂ = (βt + 1)/(t + 2); θ ← θ − η·V."""

    title = "Gravity"
    summary = "A running mean of gradients in which large ones count little; it starts with a random velocity."
    equation = "ζ = g/(1 + (g/m)²), m = 1/max|g|; V ← β̂V + (1−β̂)ζ, β̂ = (βt + 1)/(t + 2); θ ← θ − η·V; V₀ ~ N(0, (α/η)²)"
    reference = (
        "Bahrami & Pourkamali-Anaraki 2021, Gravity optimizer: a kinematic approach on optimization in deep learning"
    )
    family = "Gradient descent"
    defaults_from = "pytorch_optimizer's (the paper's η is 0.1)"
    live = ("lr",)
    kind: Literal["gravity"] = kind_of("gravity")
    lr: float = learning_rate(0.01)
    alpha: float = described(
        0.01, "Size α of the random first velocity: its standard deviation is α/η.", title="α", ge=0.0, lt=1.0
    )
    beta: float = decay_rate(0.9, "Share β of the velocity that is kept, in the long run.", "β")
