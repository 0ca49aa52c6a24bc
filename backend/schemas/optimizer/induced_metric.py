"""Gradient descent in the loss surface's induced metric."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate, weight_decay


class InducedMetricOptimizer(OptimizerSpec):
    """θ ← (1 − ηλ)·θ − η·m̂/(1 + ê), e ← β·e + (1 − β)·ξ‖g‖²: the inverse of I + ξ·g·gᵀ applied to the gradient."""

    title = "Induced metric"
    summary = "Shortens its steps where the loss surface is steep, by the metric that the surface is drawn with."
    equation = "M = I + ξ·g·gᵀ, M⁻¹g = g/(1 + ξ‖g‖²); θ ← (1 − ηλ)·θ − η·m̂/(1 + ê), ê ≈ ξ‖g‖²"
    reference = "Harvey 2025, The optimiser hidden in plain sight: training with the loss landscape's induced metric"
    defaults_from = "the author's code's"
    family = "Gradient descent"
    live = ("lr", "momentum", "weight_decay")
    kind: Literal["induced_metric"] = kind_of("induced_metric")
    lr: float = learning_rate(0.1)
    variant: Literal["plain", "log", "rms"] = described(
        "plain", "What is embedded: the loss, its logarithm (needs a loss above 0), or the loss over RMSProp's metric."
    )
    momentum: float = decay_rate(0.9, "Decay rate of the running mean of gradients.", "Momentum")
    xi: float = described(
        0.1, "Weight ξ of the loss's direction in the metric; it scales as 1/‖g‖².", title="ξ", scale="log",
        gt=0.0, le=1e6,
    )  # fmt: skip
    beta: float = decay_rate(0.8, "Decay rate β of the running mean of ξ‖g‖².", "β")
    beta_rms: float = decay_rate(0.99, "Decay rate of the running mean of squared gradients (variant rms).", "β (rms)")
    eps: float = epsilon(1e-8)
    weight_decay: float = weight_decay(0.0, decoupled=True)
