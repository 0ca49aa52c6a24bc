"""Saddle-free Newton: Newton's step with the absolute values of the curvatures. Shapes: P parameters, K vectors."""

from collections.abc import Callable

import torch
from torch import Tensor

from backend.core.optimizers.newton import MOST_PARAMETERS
from backend.core.optimizers.own import Turn
from backend.core.problems.problem import Problem
from backend.schemas.optimizer.saddle_free_newton import SaddleFreeNewtonOptimizer

Product = Callable[[Tensor], Tensor]


def absolute_direction(values_K: Tensor, vectors_PK: Tensor, grad_P: Tensor, damping: float) -> Tensor:
    """Return V(|Λ| + λ)⁻¹Vᵀg + (1/λ)(g − VVᵀg): what lies outside the K eigenvectors counts as without curvature.

    Args:
        values_K: Λ.
        vectors_PK: V, orthonormal columns; with K = P nothing lies outside.
        grad_P: g.
        damping: λ, above 0.

    Returns:
        The direction [P].
    """
    share_K = vectors_PK.T @ grad_P
    inside_P = vectors_PK @ (share_K / (values_K.abs() + damping))
    if vectors_PK.shape[1] == len(grad_P):
        return inside_P
    return inside_P + (grad_P - vectors_PK @ share_K) / damping


def krylov(product: Product, start_P: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Return the Ritz values [K] and vectors [P, K] of the Krylov space of a start, K ≤ ``steps`` products.

    Lanczos with full reorthogonalisation, done twice; it ends early where the space is invariant.

    Args:
        product: v ↦ H·v.
        start_P: the start; it lies in the space.
        steps: most products.

    Returns:
        Values ascending, and their orthonormal vectors.
    """
    norm = torch.linalg.vector_norm(start_P)
    rows, images = [start_P / norm], []
    for _ in range(min(steps, len(start_P))):
        images.append(product(rows[-1]))
        basis_KP = torch.stack(rows)
        rest_P = images[-1]
        for _ in range(2):
            rest_P = rest_P - basis_KP.T @ (basis_KP @ rest_P)
        left = torch.linalg.vector_norm(rest_P)
        if len(rows) == min(steps, len(start_P)) or left <= 1e-10 * torch.linalg.vector_norm(images[-1]):
            break
        rows.append(rest_P / left)
    basis_KP, images_KP = torch.stack(rows[: len(images)]), torch.stack(images)
    small_KK = basis_KP @ images_KP.T
    values_K, weights_KK = torch.linalg.eigh((small_KK + small_KK.T) / 2)
    return values_K, basis_KP.T @ weights_KK


def saddle_free_newton(turn: Turn[SaddleFreeNewtonOptimizer]) -> tuple[Tensor, Tensor]:
    """θ ← θ − η·(|H| + λI)⁻¹g, |H| = V|Λ|Vᵀ.

    Directions of negative curvature are descended instead of climbed, each at the pace that its curvature allows.
    ``dense`` forms H, at the cost of P products. ``lanczos`` takes the Ritz pairs of the Krylov space of g after ``k``
    products: the gradient lies in that space, so that nothing is left outside but rounding.

    Dauphin et al. 2014, Identifying and attacking the saddle point problem in high-dimensional non-convex optimization.

    Returns:
        The loss and the gradient before the move.
    """
    spec, objective = turn.spec, turn.around.objective
    loss, grad_P = turn.evaluate()
    if not bool(torch.isfinite(grad_P).all()) or not bool(grad_P.any()):
        turn.move(-spec.lr * grad_P)  # nowhere to go, or nothing to be said
        return loss, grad_P
    if spec.method == "dense":
        hessian_PP = objective.dense_hessian()
        if not bool(torch.isfinite(hessian_PP).all()):
            turn.move(torch.full_like(grad_P, torch.nan))
            return loss, grad_P
        values_K, vectors_PK = torch.linalg.eigh(hessian_PP)
    else:
        values_K, vectors_PK = krylov(objective.hessian(), grad_P, spec.k)
    turn.move(-spec.lr * absolute_direction(values_K, vectors_PK, grad_P, spec.damping))
    return loss, grad_P


def unsupported(spec: SaddleFreeNewtonOptimizer, problem: Problem) -> str | None:
    """Return None, or why the Hessian is too large to be formed."""
    if spec.method == "lanczos" or problem.layout.size <= MOST_PARAMETERS:
        return None
    return (
        f"Saddle-free Newton with method dense forms the whole Hessian, which is offered up to {MOST_PARAMETERS:,} "
        f"parameters, and this problem has {problem.layout.size:,}; take method lanczos, or a smaller model."
    )
