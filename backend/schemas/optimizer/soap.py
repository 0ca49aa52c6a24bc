"""SOAP: Adam in the eigenbasis of Shampoo."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate, weight_decay


class SoapOptimizer(OptimizerSpec):
    """L ← β₂L + (1−β₂)GGᵀ, R likewise of GᵀG; Adam on Q_LᵀGQ_R, turned back."""

    title = "SOAP"
    summary = "Adam in a rotated basis: for each matrix, the eigenvectors of its running row and column covariances."
    equation = (
        "L ← β₂L + (1−β₂)GGᵀ = Q_LΛQ_Lᵀ, R likewise; θ ← θ − η·Q_L·(M′/(√V + ε))·Q_Rᵀ, M′ = Q_LᵀMQ_R, V of (Q_LᵀGQ_R)²"
    )
    reference = "Vyas et al. 2025, SOAP: improving and stabilizing Shampoo using Adam"
    family = "Matrix"
    defaults_from = "the paper's"
    kind: Literal["soap"] = kind_of("soap")
    lr: float = learning_rate(0.003)
    beta1: float = decay_rate(0.95, "Decay rate β₁ of the running mean of gradients.", "β₁")
    beta2: float = decay_rate(0.95, "Decay rate β₂ of the running mean of squares and of the covariances.", "β₂")
    every: int = described(10, "Steps between two new bases.", unit="steps", ge=1, le=10_000)
    max_size: int = described(
        2048,
        "Longest side that gets a basis of its own; a longer one keeps the plain one.",
        title="Largest side",
        ge=1,
        le=10_000,
    )
    eps: float = epsilon(1e-8)
    weight_decay: float = weight_decay(0.01, decoupled=True)
