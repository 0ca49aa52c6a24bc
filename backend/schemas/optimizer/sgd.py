"""Gradient descent, with momentum (Polyak or Nesterov) where asked for."""

from typing import Literal, Self

from pydantic import model_validator

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, learning_rate, weight_decay


class SgdOptimizer(OptimizerSpec):
    """v ← μ·v + g; θ ← θ − η·v (Nesterov: θ ← θ − η·(g + μ·v))."""

    title = "SGD"
    summary = "Steps along the negative gradient; momentum keeps a running sum of past gradients."
    equation = "v ← μ·v + g; θ ← θ − η·v  (Nesterov: θ ← θ − η·(g + μ·v))"
    reference = "Robbins & Monro 1951; Polyak 1964; Nesterov 1983; Sutskever et al. 2013"
    family = "Gradient descent"
    defaults_from = "ours (PyTorch's learning rate is 0.001)"
    live = ("lr", "momentum", "weight_decay")
    kind: Literal["sgd"] = kind_of("sgd")
    lr: float = learning_rate(0.1)
    momentum: float = decay_rate(0.0, "Share μ of the last step's direction that is kept.", "Momentum")
    nesterov: bool = described(False, "Nesterov's form of momentum; needs momentum above 0.", title="Nesterov")
    weight_decay: float = weight_decay(0.0)

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0.0:
            raise ValueError("nesterov needs momentum above 0; set momentum to 0.9, say")
        return self
