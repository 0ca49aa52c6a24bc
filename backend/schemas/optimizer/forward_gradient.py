"""Forward gradients: descent without backpropagation."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import learning_rate


class ForwardGradientOptimizer(OptimizerSpec):
    """θ ← θ − η·(1/k) Σⱼ (∇L·vⱼ)·vⱼ, vⱼ ~ N(0, I)."""

    title = "Forward gradient"
    summary = "Steps along random directions by their slopes, which need no backward pass."
    equation = "ĝ = (1/k) Σⱼ (∇L·vⱼ)·vⱼ, vⱼ ~ N(0, I); θ ← θ − η·ĝ"
    reference = "Baydin, Pearlmutter, Syme, Wood & Torr 2022, Gradients without backpropagation"
    defaults_from = "ours"
    family = "Without gradients"
    live = ("lr",)
    cost = "one for each sample"
    filtered = False
    kind: Literal["forward_gradient"] = kind_of("forward_gradient")
    lr: float = learning_rate(1e-3)
    samples: int = described(
        1, "Random directions k whose estimates are averaged.", title="Directions k", ge=1, le=10_000,
    )  # fmt: skip
