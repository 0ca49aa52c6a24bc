"""Optimistic AMSGrad: AMSGrad that moves ahead by a guess of the next gradient. Shapes: P parameters."""

import torch
from torch import Tensor

from backend.core.optimizers.own import Turn
from backend.schemas.optimizer.optimistic_amsgrad import OptimisticAmsgradOptimizer


def optimistic_amsgrad(turn: Turn[OptimisticAmsgradOptimizer]) -> tuple[Tensor, Tensor]:
    """w̃ is where AMSGrad is; the parameters stand one guessed step further.

    m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)(g − p)²; v̂ ← max(v̂, v), where p is what g was guessed to be;
    w̃ ← w̃ − η·m/√v̂; θ ← w̃ − η·h/√v̂ with h = β₁m + (1 − β₁)p′ and p′ the guess of the next gradient:
    the last one, or 2g − g₋₁ on a straight line through the last two. v̂ begins at ε, and there is no bias
    correction. Where p′ comes true, h is the mean m that the next step will have.

    Wang, Li, Karimi & Li 2021, An optimistic acceleration of AMSGrad for nonconvex optimization. The paper guesses by
    minimal polynomial extrapolation from several gradients.

    Returns:
        The loss and the gradient before the move.
    """
    spec, memory, point_P = turn.spec, turn.memory, turn.point_P
    first = "base" not in memory.tensors
    base_P = memory.keep("base", point_P) if first else memory.tensors["base"]
    loss, grad_P = turn.evaluate()
    guess_P = memory.zeros("guess", grad_P)
    mean_P = memory.mean("mean", grad_P, spec.beta1)
    square_P = memory.mean("square", (grad_P - guess_P).square(), spec.beta2)
    if first:
        memory.keep("largest", torch.full_like(grad_P, spec.eps))
    largest_P = memory.tensors["largest"]
    torch.maximum(largest_P, square_P, out=largest_P)
    if spec.guess == "line" and "last" in memory.tensors:
        guess_P.copy_(2.0 * grad_P - memory.tensors["last"])
    else:
        guess_P.copy_(grad_P)
    if spec.guess == "line":
        memory.keep("last", grad_P)
    rate_P = spec.lr / largest_P.sqrt()
    base_P.sub_(rate_P * mean_P)
    ahead_P = spec.beta1 * mean_P + (1.0 - spec.beta1) * guess_P
    point_P.copy_(base_P - rate_P * ahead_P)
    return loss, grad_P
