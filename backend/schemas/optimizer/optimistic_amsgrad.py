"""Optimistic AMSGrad."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, learning_rate


class OptimisticAmsgradOptimizer(OptimizerSpec):
    """w̃ ← w̃ − η·m/√v̂; θ ← w̃ − η·(β₁m + (1 − β₁)p′)/√v̂, p′ a guess of the next gradient."""

    title = "Optimistic AMSGrad"
    summary = "AMSGrad that moves ahead by a guess of the next gradient, and divides by how wrong its guesses were."
    equation = "v ← β₂v + (1 − β₂)(g − p)²; w̃ ← w̃ − η·m/√v̂; θ ← w̃ − η·(β₁m + (1 − β₁)p′)/√v̂"
    reference = "Wang, Li, Karimi & Li 2021, An optimistic acceleration of AMSGrad for nonconvex optimization"
    defaults_from = "ours"
    family = "Adaptive"
    live = ("lr",)
    kind: Literal["optimistic_amsgrad"] = kind_of("optimistic_amsgrad")
    lr: float = learning_rate(0.001)
    guess: Literal["last", "line"] = described(
        "last", "The next gradient as the last one, or on a straight line through the last two.", title="Guess"
    )
    beta1: float = decay_rate(0.9, "Decay rate β₁ of the running mean of gradients.", "β₁")
    beta2: float = decay_rate(0.999, "Decay rate β₂ of the running mean of squared errors of the guess.", "β₂")
    eps: float = described(
        1e-8, "What the largest squared error begins with, so that it is never zero.", title="ε", scale="log",
        gt=0.0, le=1.0,
    )  # fmt: skip
