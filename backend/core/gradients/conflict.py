"""Gradients of several tasks (or classes) that pull against each other, and how to step for all of them.

Shapes: T tasks, P parameters.
"""

import itertools

import torch
from torch import Generator, Tensor


def conflicting_share(cosine_TT: Tensor) -> float:
    """Return the share of pairs of tasks whose gradients have a negative cosine; NaN with fewer than two tasks."""
    count = len(cosine_TT)
    pairs = [bool(cosine_TT[i, j] < 0) for i, j in itertools.combinations(range(count), 2)]
    return sum(pairs) / len(pairs) if pairs else float("nan")


def magnitude_similarity(grad_TP: Tensor) -> Tensor:
    """Return 2‖gᵢ‖‖gⱼ‖ / (‖gᵢ‖² + ‖gⱼ‖²) of every pair [T, T]: 1 for gradients of equal length.

    Yu et al. 2020, Gradient surgery for multi-task learning, definition 2.
    """
    norm_T = grad_TP.norm(dim=1)
    similar_TT: Tensor = 2 * norm_T[:, None] * norm_T[None, :] / (norm_T[:, None] ** 2 + norm_T[None, :] ** 2)
    return similar_TT


def pcgrad(grad_TP: Tensor, generator: Generator | None = None) -> Tensor:
    """Return PCGrad's step [P]: Σᵢ gᵢ', each gᵢ with what opposes another task's gradient taken away, one by one.

    gᵢ ← gᵢ − min(⟨gᵢ, gⱼ⟩, 0)/‖gⱼ‖² · gⱼ over the other tasks j, in random order.

    Yu et al. 2020, Gradient surgery for multi-task learning, algorithm 1.

    Args:
        grad_TP: the tasks' gradients.
        generator: draws the order; by default it is that of the tasks.

    Returns:
        The sum.
    """
    total_P = torch.zeros_like(grad_TP[0])
    for i, own_P in enumerate(grad_TP):
        moved_P = own_P.clone()
        others = [j for j in range(len(grad_TP)) if j != i]
        if generator is not None:
            others = [others[k] for k in torch.randperm(len(others), generator=generator).tolist()]
        for j in others:
            other_P = grad_TP[j]
            inner, square = moved_P @ other_P, other_P @ other_P
            if inner < 0 and square > 0:
                moved_P = moved_P - inner / square * other_P
        total_P = total_P + moved_P
    return total_P


def upgrad(grad_TP: Tensor, sweeps: int = 1000, tol: float = 1e-12) -> Tensor:
    """Return UPGrad's step [P]: the mean of the gradients, each projected onto the cone {v: ⟨gⱼ, v⟩ ≥ 0 for all j}.

    The projection of gᵢ is gᵢ + Σⱼ wⱼ gⱼ with w ≥ 0 that minimises ½ wᵀK w + wᵀK eᵢ, K = G Gᵀ; found by coordinate
    descent. A small step along the result worsens no task.

    Quinton & Rey 2024, Jacobian descent for multi-objective optimization.

    Args:
        grad_TP: the tasks' gradients.
        sweeps: most passes over the coordinates.
        tol: they end when no coordinate moves by more than this.

    Returns:
        The mean.
    """
    gram_TT = grad_TP @ grad_TP.T
    weights_TT = torch.eye(len(grad_TP), dtype=grad_TP.dtype, device=grad_TP.device)
    added_TT = torch.zeros_like(weights_TT)
    for _ in range(sweeps):
        largest = 0.0
        for j in range(len(grad_TP)):
            if gram_TT[j, j] <= 0:
                continue
            slope_T = (weights_TT + added_TT) @ gram_TT[:, j]
            moved_T = (added_TT[:, j] - slope_T / gram_TT[j, j]).clamp(min=0)
            largest = max(largest, float((moved_T - added_TT[:, j]).abs().max()))
            added_TT[:, j] = moved_T
        if largest <= tol:
            break
    return ((weights_TT + added_TT) @ grad_TP).mean(0)
