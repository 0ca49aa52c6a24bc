"""OASIS: the diagonal of the Hessian as preconditioner, and a learning rate that finds itself. Shapes: P parameters."""

import math

import torch
from torch import Tensor

from backend.core.optimizers.own import Memory, Turn
from backend.schemas.optimizer.oasis import OasisOptimizer


def oasis(turn: Turn[OasisOptimizer]) -> tuple[Tensor, Tensor]:
    """D ← β₂D + (1 − β₂)·z⊙(Hz), z of ±1 at random; θ ← θ − η_k·g/max(|D|, α).

    E[z⊙(Hz)] is the diagonal of H. D begins at the first estimate. With ``adaptive`` the rate follows the local
    smoothness in the metric D̂ = max(|D|, α), with both gradients on the present batch:
    η_k = min(√(1 + θ_{k−1})·η_{k−1}, ‖Δw‖_D̂/(2‖Δg‖_D̂⁻¹)), θ_k = η_k/η_{k−1}, from θ₀ = ∞ and η₀ the learning rate.
    A schedule, or a learning rate that is changed, multiplies it.

    Jahani et al. 2022, Doubly adaptive scaled algorithm for machine learning using second-order information.

    Returns:
        The loss and the gradient before the move.
    """
    spec, memory, point_P = turn.spec, turn.memory, turn.point_P
    loss, grad_P = turn.evaluate()
    z_P = torch.randint(0, 2, point_P.shape, generator=turn.around.generator).to(point_P) * 2 - 1
    estimate_P = z_P * turn.around.objective.hessian()(z_P)
    if "diagonal" in memory.tensors:
        diagonal_P = memory.mean("diagonal", estimate_P, spec.beta2)
    else:
        diagonal_P = memory.keep("diagonal", estimate_P)
    scale_P = diagonal_P.abs().clamp(min=spec.floor)
    rate = _rate(turn, grad_P, scale_P) if spec.adaptive else spec.lr
    memory.keep("before", point_P)
    turn.move(-rate * grad_P / scale_P)
    return loss, grad_P


def begin(spec: OasisOptimizer, memory: Memory) -> None:
    """Remember the learning rate as it was asked for: what moves it later multiplies η_k."""
    memory.note("base_lr", spec.lr)


def _rate(turn: Turn[OasisOptimizer], grad_P: Tensor, scale_P: Tensor) -> float:
    """Return η_k, times how far the learning rate has been moved since the start."""
    memory, spec = turn.memory, turn.spec
    base = float(memory.tensors["base_lr"])
    rate, growth = memory.number("rate", base), memory.number("growth", math.inf)
    if "before" in memory.tensors:
        before_P = memory.tensors["before"]
        with turn.looking_from(before_P):
            _, old_P = turn.evaluate()
        moved_P, changed_P = turn.point_P - before_P, grad_P - old_P
        change = float((changed_P.square() / scale_P).sum())
        local = 0.5 * math.sqrt(float((moved_P.square() * scale_P).sum()) / change) if change > 0.0 else math.inf
        new = min(math.sqrt(1.0 + growth) * rate, local)
        new = new if math.isfinite(new) and new > 0.0 else rate
        memory.note("growth", new / rate)
        rate = new
    memory.note("rate", rate)
    return rate * spec.lr / base
