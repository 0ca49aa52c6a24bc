"""Gradient descent without backpropagation. Shapes: P parameters."""

import torch
from torch import Tensor

from backend.core.optimizers.own import Turn
from backend.schemas.optimizer.forward_gradient import ForwardGradientOptimizer


def forward_gradient(turn: Turn[ForwardGradientOptimizer]) -> tuple[Tensor, Tensor]:
    """ĝ = (1/k) Σⱼ (∇L·vⱼ)·vⱼ with vⱼ ~ N(0, I) and ∇L·v by forward differentiation; θ ← θ − η·ĝ.

    ĝ is unbiased, and E‖ĝ − g‖² = (P + 1)‖g‖²/k: with one direction it is some √P times as long as the gradient, so η
    must be some P/k times smaller than for gradient descent.

    Baydin et al. 2022, Gradients without backpropagation.

    Returns:
        The loss, and the estimate ĝ in the place of the gradient, which is never computed.
    """
    spec, objective = turn.spec, turn.around.objective
    estimate_P = torch.zeros_like(turn.point_P)
    loss = torch.zeros(())
    for _ in range(spec.samples):
        v_P = torch.randn(estimate_P.shape, generator=turn.around.generator, dtype=estimate_P.dtype)
        v_P = v_P.to(estimate_P.device)
        loss, slope = objective.slope(v_P)
        estimate_P.add_(slope * v_P)
    estimate_P.div_(spec.samples)
    turn.move(-spec.lr * estimate_P)
    return loss, estimate_P
