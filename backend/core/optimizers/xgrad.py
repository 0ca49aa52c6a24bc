"""XGrad: the gradient is taken where the next step is expected to lead. Shapes: P parameters."""

import torch
from torch import Tensor

from backend.core.optimizers.own import Memory, Turn, corrected
from backend.schemas.optimizer.xgrad import XGradOptimizer


def xgrad(turn: Turn[XGradOptimizer]) -> tuple[Tensor, Tensor]:
    """ŵ = w − s·η·u, g = ∇L(ŵ), then the ordinary step from w with g.

    u is the direction of the last step: the velocity v of heavy-ball momentum, or m̂/(√v̂ + ε) of Adam; zero before
    the first step. On a quadratic of curvature L heavy ball is stable up to η·L = 2 + 2β, this up to (2 + 2β)/(1 + 2s).

    Guan 2023, XGrad: boosting gradient-based optimizers with weight prediction.

    Returns:
        The loss and the gradient at ŵ, the only place where they are evaluated.
    """
    spec, memory, point_P = turn.spec, turn.memory, turn.point_P
    direction = _adam if spec.base == "adam" else _momentum
    with turn.looking_from(point_P - spec.look_ahead * spec.lr * direction(spec, memory, point_P)):
        loss, grad_P = turn.evaluate()
    if spec.base == "adam":
        memory.count()
        memory.mean("mean", grad_P, spec.momentum)
        memory.mean("square", grad_P.square(), spec.beta2)
    else:
        memory.zeros("velocity", point_P).mul_(spec.momentum).add_(grad_P)
    turn.move(-spec.lr * direction(spec, memory, point_P))
    return loss, grad_P


def _momentum(spec: XGradOptimizer, memory: Memory, like_P: Tensor) -> Tensor:
    return memory.zeros("velocity", like_P)


def _adam(spec: XGradOptimizer, memory: Memory, like_P: Tensor) -> Tensor:
    if "steps" not in memory.tensors:
        return torch.zeros_like(like_P)
    steps = int(memory.tensors["steps"])
    mean_P = corrected(memory.tensors["mean"], spec.momentum, steps)
    return mean_P / (corrected(memory.tensors["square"], spec.beta2, steps).sqrt() + spec.eps)
