"""AEGD: gradient descent with an energy of its own that can only fall. Shapes: P parameters."""

import torch
from torch import Tensor

from backend.core.optimizers.own import Turn
from backend.schemas.optimizer.aegd import AegdOptimizer


def aegd(turn: Turn[AegdOptimizer]) -> tuple[Tensor, Tensor]:
    """With v = g/(2√(L + c)): r ← r/(1 + 2ηv²); θ ← θ − 2η·r·v, from r = √(L₀ + c) in every coordinate.

    The divisor is at least 1, so r never rises, whatever η is: that, and not the loss, is what the method guarantees.
    The shift must keep L + c above 0: elsewhere the root does not exist, and the lane counts as diverged.

    Liu & Tian 2020, AEGD: adaptive gradient descent with energy.

    Returns:
        The loss and the gradient before the move.
    """
    spec, memory = turn.spec, turn.memory
    loss, grad_P = turn.evaluate()
    root = (loss + spec.shift).sqrt()
    if "energy" not in memory.tensors:
        memory.keep("energy", root.expand_as(grad_P))
    slope_P = torch.where(root > 0, grad_P / (2.0 * root), torch.nan)
    energy_P = memory.tensors["energy"].div_(1.0 + 2.0 * spec.lr * slope_P.square())
    turn.move(-2.0 * spec.lr * energy_P * slope_P)
    return loss, grad_P
