"""Muon: momentum with its matrices made orthogonal."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, learning_rate, weight_decay


class MuonOptimizer(OptimizerSpec):
    """B ← μB + (1−μ)g; θ ← (1 − ηλ)θ − η·√max(1, rows/columns)·NS(B), NS(UΣVᵀ) ≈ UVᵀ; AdamW for the rest."""

    title = "Muon"
    summary = "Replaces each matrix's momentum by the nearest orthogonal matrix; AdamW moves what is not a matrix."
    equation = "B ← μB + (1−μ)g; θ ← (1 − ηλ)θ − η·√max(1, rows/columns)·NS((1−μ)g + μB), NS(UΣVᵀ) ≈ UVᵀ"
    reference = "Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks"
    family = "Matrix"
    defaults_from = "Jordan's for the matrices (0.02, 0.95, 5); the rest is ours"
    live = ("lr", "momentum", "weight_decay")
    kind: Literal["muon"] = kind_of("muon")
    lr: float = learning_rate(0.02)
    momentum: float = decay_rate(0.95, "Share μ of the last direction that is kept.", "Momentum")
    nesterov: bool = described(True, "Looks one momentum ahead, as Nesterov.", title="Nesterov")
    iterations: int = described(
        5, "Newton–Schulz iterations that make a matrix orthogonal.", title="Iterations", ge=1, le=30
    )
    share: float = described(
        0.05,
        "AdamW's learning rate for what is not a matrix, as a share of this one.",
        title="Share",
        scale="log",
        gt=0.0,
        le=100.0,
    )
    beta1: float = decay_rate(0.9, "AdamW's β₁, for what is not a matrix.", "β₁")
    beta2: float = decay_rate(0.95, "AdamW's β₂, for what is not a matrix.", "β₂")
    weight_decay: float = weight_decay(0.0, decoupled=True)
