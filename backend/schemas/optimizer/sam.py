"""Sharpness-aware minimisation."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, learning_rate, weight_decay


class SamOptimizer(OptimizerSpec):
    """e = ρ·g/‖g‖; g′ = ∇L(θ + e); SGD with momentum moves θ by g′."""

    title = "SAM"
    summary = (
        "Climbs a little, takes the gradient there, and descends with it from where it was: it looks for flat minima."
    )
    equation = "e = ρ·g/‖g‖; g′ = ∇L(θ + e); v ← μv + g′; θ ← θ − η·v"
    reference = (
        "Foret et al. 2021, Sharpness-aware minimization for efficiently improving generalization; Kwon et al. 2021"
    )
    family = "Flat minima"
    defaults_from = "the paper's ρ; the rest is ours"
    live = ("lr", "rho", "momentum", "weight_decay")
    gradients = 2.0
    kind: Literal["sam"] = kind_of("sam")
    lr: float = learning_rate(0.1)
    rho: float = described(0.05, "Radius ρ of the climb.", title="Radius ρ", scale="log", ge=0.0, le=100.0)
    adaptive: bool = described(
        False,
        "Climb in proportion to the size of each parameter (ASAM; wants a ρ about 10 times as large).",
        title="Adaptive",
    )
    momentum: float = decay_rate(0.0, "Share μ of the last step's direction that is kept.", "Momentum")
    weight_decay: float = weight_decay(0.0)
