"""Natural gradient descent: the gradient in the metric of the model's own distribution.

Shapes: P parameters, M examples, C outputs, R = M·C rows (M for the empirical Fisher).
"""

import math
from typing import Final

import torch
from torch import Tensor

from backend.core.analyses.failures import Unsupported
from backend.core.optimizers.objective import Objective
from backend.core.optimizers.own import Turn
from backend.core.problems.problem import Problem
from backend.schemas.optimizer.natural_gradient import NaturalGradientOptimizer

MOST_NUMBERS: Final = 50_000_000  # of a Jacobian: 400 MB of float64
MOST_SIDE: Final = 4000  # of the matrix that is solved with


def natural_direction(rows_RP: Tensor, grad_P: Tensor, damping: float) -> Tensor:
    """Return (AᵀA + λI)⁻¹g through whichever of AᵀA [P, P] and AAᵀ [R, R] is smaller.

    The latter by Woodbury's identity, (AᵀA + λI)⁻¹g = (g − Aᵀ(AAᵀ + λI)⁻¹Ag)/λ. With λ = 0 it is the pseudo-inverse:
    the shortest direction among those that fit best.

    Args:
        rows_RP: A.
        grad_P: g.
        damping: λ.

    Returns:
        The direction [P].
    """
    wide = rows_RP.shape[0] < rows_RP.shape[1]
    matrix = rows_RP @ rows_RP.T if wide else rows_RP.T @ rows_RP
    if damping > 0.0:
        damped = matrix + damping * torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
        factor, failed = torch.linalg.cholesky_ex(damped)
        if int(failed) == 0:
            known = (rows_RP @ grad_P if wide else grad_P).unsqueeze(-1)
            found: Tensor = torch.cholesky_solve(known, factor).squeeze(-1)
            return (grad_P - rows_RP.T @ found) / damping if wide else found
    values, vectors = torch.linalg.eigh(matrix)
    cut = values.amax() * len(matrix) * torch.finfo(matrix.dtype).eps
    direction_P: Tensor
    inverse = torch.where(values > cut, 1.0 / (values + damping).clamp(min=torch.finfo(matrix.dtype).tiny), 0.0)
    if not wide:
        direction_P = vectors @ (inverse * (vectors.T @ grad_P))
        return direction_P
    share = vectors.T @ (rows_RP @ grad_P)
    twice = torch.where(values > cut, inverse / values.clamp(min=torch.finfo(matrix.dtype).tiny), 0.0)
    direction_P = rows_RP.T @ (vectors @ (twice * share))
    return direction_P


def fisher_rows(objective: Objective, fisher: str) -> Tensor:
    """Return A [R, P] with F = AᵀA.

    True: F = (1/M) Σᵢ JᵢᵀSᵢJᵢ with Jᵢ = ∂f(xᵢ)/∂θ and Sᵢ = ∂²ℓᵢ/∂f², which for cross-entropy, the logistic and the
    squared error is E[∇ℓ∇ℓᵀ] over targets drawn from the model itself, the loss read as a negative logarithm of a
    probability: diag(p) − ppᵀ, p(1 − p), and 2·factor·I. Empirical: F = (1/M) Σᵢ gᵢgᵢᵀ, the gradients of the examples
    at their own targets.

    Args:
        objective: at the point.
        fisher: which.

    Returns:
        The rows.
    """
    if fisher == "empirical":
        grads_MP = objective.group_gradients()
        return grads_MP / math.sqrt(len(grads_MP))
    out_MC, jacobian_MCP = objective.jacobian()
    values_MC, vectors_MCC = torch.linalg.eigh(objective.output_hessian(out_MC))
    root_MCC = vectors_MCC * values_MC.clamp(min=0.0).sqrt().unsqueeze(-2)
    rows_MCP: Tensor = torch.matmul(root_MCC.mT, jacobian_MCP) / math.sqrt(len(out_MC))
    return rows_MCP.flatten(0, 1)


def natural_gradient(turn: Turn[NaturalGradientOptimizer]) -> tuple[Tensor, Tensor]:
    """θ ← θ − η·(F + λI)⁻¹g, F the Fisher information of this step's batch; BatchNorm is frozen in F.

    With the true Fisher, linear regression is solved in one step at η = 1, λ = 0. The empirical Fisher is another
    matrix away from a perfect fit, and does not do that.

    Amari 1998, Natural gradient works efficiently in learning.

    Returns:
        The loss and the gradient before the move.

    Raises:
        Unsupported: where the batch is too large for its derivatives to be held.
    """
    spec, objective = turn.spec, turn.around.objective
    _require_room(spec, objective)
    loss, grad_P = turn.evaluate()
    if not bool(torch.isfinite(grad_P).all()):
        turn.move(torch.full_like(grad_P, torch.nan))
        return loss, grad_P
    turn.move(-spec.lr * natural_direction(fisher_rows(objective, spec.fisher), grad_P, spec.damping))
    return loss, grad_P


def unsupported(spec: NaturalGradientOptimizer, problem: Problem) -> str | None:
    """Return None, or why there is no Fisher information."""
    if problem.train is None:
        return "The natural gradient needs a model's outputs, and a function has none; take Newton or SGD."
    return None


def _require_room(spec: NaturalGradientOptimizer, objective: Objective) -> None:
    inputs, _ = objective.examples()
    size, classes = objective.params_P.numel(), objective.problem.classes or 1
    rows = len(inputs) * (1 if spec.fisher == "empirical" else classes)
    if rows * size > MOST_NUMBERS or min(rows, size) > MOST_SIDE:
        raise Unsupported(
            f"The natural gradient holds {rows:,} derivatives of {size:,} parameters at this batch size; it is offered "
            f"up to {MOST_NUMBERS:,} numbers, and {MOST_SIDE:,} on the shorter side: take a smaller batch or model."
        )
