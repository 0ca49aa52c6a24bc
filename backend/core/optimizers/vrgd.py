"""VRGD: each coordinate's step is scaled by how much the parts of the batch agree on it.

Shapes: P parameters, K groups of the batch.
"""

import torch
from torch import Tensor

from backend.core.optimizers.own import Turn, corrected
from backend.core.problems.params import Layout
from backend.core.problems.problem import Problem
from backend.schemas.optimizer.vrgd import VrgdOptimizer

NOTHING = 1e-30  # a variance below this counts as this: groups that agree to the last bit


def agreement(grads_KP: Tensor, layout: Layout, floor: float) -> Tensor:
    """Return r [P]: the signal-to-noise ratio ḡ²/σ² of each coordinate, as a share of its tensor's mean.

    ḡ = (1/K) Σ g_k and σ² = (1/K) Σ g_k² − ḡ² over K groups; within each tensor of the layout r = (ḡ²/σ²)/mean(ḡ²/σ²),
    clipped to [γ, 1]. A tensor on which all gradients are 0 has r = γ.

    Args:
        grads_KP: one gradient a group.
        layout: the tensors.
        floor: γ.

    Returns:
        The factors.
    """
    mean_P = grads_KP.mean(0)
    noise_P = (grads_KP - mean_P).square().mean(0).clamp(min=NOTHING)
    ratios = []
    for ratio in layout.parts(mean_P.square() / noise_P):
        scale = ratio.mean()
        ratios.append((ratio / torch.where(scale > 0, scale, 1.0)).clamp(floor, 1.0).flatten())
    return torch.cat(ratios)


def vrgd(turn: Turn[VrgdOptimizer]) -> tuple[Tensor, Tensor]:
    """θ ← θ − η·r·ḡ; with ``adam``, r is smoothed (decay β₃) and scales the gradient before Adam's moments.

    Cost: the gradients of the groups, which together are one of the batch, and one of the batch itself.

    Jiang, Liu et al. 2023, Accelerating large batch training via gradient signal to noise ratio.

    Returns:
        The loss and the gradient before the move.
    """
    spec, memory = turn.spec, turn.memory
    loss, grad_P = turn.evaluate()
    grads_KP = turn.around.objective.group_gradients(spec.groups)
    ratio_P = agreement(grads_KP, turn.around.layout, spec.floor)
    if spec.base == "sgd":
        turn.move(-spec.lr * ratio_P * grad_P)
        return loss, grad_P
    steps = memory.count()
    ratio_P = corrected(memory.mean("ratio", ratio_P, spec.beta3), spec.beta3, steps)
    scaled_P = ratio_P * grad_P
    mean_P = corrected(memory.mean("mean", scaled_P, spec.beta1), spec.beta1, steps)
    root_P = corrected(memory.mean("square", scaled_P.square(), spec.beta2), spec.beta2, steps).sqrt()
    turn.move(-spec.lr * mean_P / (root_P + spec.eps))
    return loss, grad_P


def unsupported(spec: VrgdOptimizer, problem: Problem) -> str | None:
    """Return None, or why there is nothing to split into groups."""
    if problem.train is None:
        return "VRGD compares the gradients of parts of a batch, and a function has no data; take SGD or Adam."
    if len(problem.train) < 2:
        return "VRGD compares the gradients of parts of a batch, and there is one example only; take SGD or Adam."
    return None
