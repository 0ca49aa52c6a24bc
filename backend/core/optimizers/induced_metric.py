"""Gradient descent in the metric that the loss surface inherits from the space it is drawn in. Shapes: P parameters."""

import torch
from torch import Tensor

from backend.core.optimizers.own import Turn, corrected
from backend.schemas.optimizer.induced_metric import InducedMetricOptimizer


def induced_metric(turn: Turn[InducedMetricOptimizer]) -> tuple[Tensor, Tensor]:
    """θ ← (1 − ηλ)·θ − η·m̂/(1 + ê), e the running mean of t = ξ‖g‖², m that of g, both corrected for their start.

    The graph (θ, √ξ·L(θ)) is a surface in P + 1 dimensions with the metric M = I + ξ·g·gᵀ, whose inverse is known
    (Sherman & Morrison): M⁻¹g = g/(1 + ξ‖g‖²). So the step is short where the loss is steep. The variants:

    - ``log`` embeds log L: M⁻¹∇log L = g·L/(L² + ξ‖g‖²), a step of m̂·L/(L² + ê). It needs a loss above 0; anything
      else has no logarithm, gives NaN, and the lane counts as diverged.
    - ``rms`` begins with the metric diag(√v̂ + ε) of RMSProp: t = ξ·Σ g²/(√v̂ + ε), a step of
      m̂/((√v̂ + ε)(1 + ê)).

    Harvey 2025, An optimizer derived from the induced metric of the loss landscape.

    Returns:
        The loss and the gradient before the move.
    """
    spec, memory = turn.spec, turn.memory
    loss, grad_P = turn.evaluate()
    steps = memory.count()
    mean_P = corrected(memory.mean("mean", grad_P, spec.momentum), spec.momentum, steps)
    root_P = torch.ones_like(grad_P)
    if spec.variant == "rms":
        square_P = memory.mean("square", grad_P.square(), spec.beta_rms)
        root_P = corrected(square_P, spec.beta_rms, steps).sqrt() + spec.eps
    stretch = memory.mean("stretch", spec.xi * (grad_P.square() / root_P).sum(), spec.beta)
    stretch = corrected(stretch, spec.beta, steps)
    if spec.variant == "log":
        scale = torch.where(loss > 0, loss, torch.nan) / (loss.square() + stretch)
    else:
        scale = 1.0 / (1.0 + stretch)
    turn.point_P.mul_(1.0 - spec.lr * spec.weight_decay)
    turn.move(-spec.lr * scale * mean_P / root_P)
    return loss, grad_P
