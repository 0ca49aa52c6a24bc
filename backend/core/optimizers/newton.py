"""Newton's method, damped, with a Hessian that may serve several steps. Shapes: P parameters."""

from typing import Final

import torch
from torch import Tensor

from backend.core.optimizers.own import Turn
from backend.core.problems.problem import Problem
from backend.schemas.optimizer.newton import NewtonOptimizer

MOST_PARAMETERS: Final = 2000  # whose Hessian is formed: 32 MB of float64, and some 10¹⁰ operations a solution


def newton_direction(hessian_PP: Tensor, grad_P: Tensor, damping: float) -> Tensor:
    """Return (H + λI)⁻¹g; where H + λI is singular, its pseudo-inverse times g.

    Args:
        hessian_PP: H, symmetric.
        grad_P: g.
        damping: λ.

    Returns:
        The direction [P]. NaN where H or g is not finite.
    """
    if not bool(torch.isfinite(hessian_PP).all()):
        return torch.full_like(grad_P, torch.nan)
    damped_PP = hessian_PP + damping * torch.eye(len(grad_P), dtype=grad_P.dtype, device=grad_P.device)
    found_P: Tensor
    found_P, singular = torch.linalg.solve_ex(damped_PP, grad_P)
    if int(singular) == 0 and bool(torch.isfinite(found_P).all()):
        return found_P
    found_P = torch.linalg.pinv(damped_PP, hermitian=True) @ grad_P
    return found_P


def newton(turn: Turn[NewtonOptimizer]) -> tuple[Tensor, Tensor]:
    """θ ← θ − η·(H + λI)⁻¹g, with H of this step, or of the last step whose number is a multiple of ``every``.

    It goes to the stationary point of the quadratic model, whichever kind that is: near a saddle, to the saddle.

    Nocedal & Wright 2006, Numerical optimization; Doikov, Chayti & Jaggi 2023, Second-order optimization with lazy
    Hessians.

    Returns:
        The loss and the gradient before the move.
    """
    spec, memory = turn.spec, turn.memory
    loss, grad_P = turn.evaluate()
    fresh = (memory.count() - 1) % spec.every == 0
    hessian_PP = turn.around.objective.dense_hessian() if fresh else memory.tensors["hessian"]
    if fresh and spec.every > 1:
        memory.keep("hessian", hessian_PP)
    turn.move(-spec.lr * newton_direction(hessian_PP, grad_P, spec.damping))
    return loss, grad_P


def unsupported(spec: NewtonOptimizer, problem: Problem) -> str | None:
    """Return None, or why the Hessian is too large to be formed."""
    if problem.layout.size <= MOST_PARAMETERS:
        return None
    return (
        f"Newton's method forms the whole Hessian, which is offered up to {MOST_PARAMETERS:,} parameters, and this "
        f"problem has {problem.layout.size:,}; take saddle-free Newton with method lanczos, which needs products with "
        "the Hessian only, or a smaller model."
    )
