"""PSGD with Kronecker factors."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, learning_rate, weight_decay


class PsgdOptimizer(OptimizerSpec):
    """P = QᵀQ, Q = ⊗Qᵢ triangular, fitted so that P·E[ggᵀ]·P ≈ I; θ ← θ − η·clip(P·m̂)."""

    title = "PSGD (Kron)"
    summary = "Learns a preconditioner for every matrix, a product of small triangular ones, while it trains."
    equation = "P = QᵀQ, Q = Q₁ ⊗ Q₂, fitted by steps on tr(P·mmᵀ + P⁻¹vvᵀ), v ~ N(0, I); θ ← θ − η·min(1, 1.1/rms)·P·m̂"
    reference = "Li 2018, Preconditioned stochastic gradient descent; Pooladzandi & Li 2024"
    family = "Matrix"
    defaults_from = "pytorch_optimizer's, and an update of the preconditioner at every step"
    live = ("lr", "momentum", "weight_decay")
    kind: Literal["psgd"] = kind_of("psgd")
    lr: float = learning_rate(0.001)
    momentum: float = decay_rate(0.9, "Decay rate of the running mean of gradients.", "Momentum")
    update_share: float = described(
        1.0, "Share of the steps that also improve the preconditioner.", title="Updates", gt=0.0, le=1.0
    )
    max_size: int = described(
        2048, "Longest side of a triangular factor; a longer one is a diagonal.", title="Largest factor", ge=1, le=8192
    )
    weight_decay: float = weight_decay(0.0, decoupled=True)
