"""Curvature as an adaptive rule sees it.

Shapes: P parameters, K vectors at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.core.curvature.operator import SymmetricOperator
from backend.schemas.optimizer import AdamOptimizer, AdamWOptimizer, AnyOptimizer, RmspropOptimizer


@dataclass(frozen=True, eq=False)
class Preconditioned:
    """P^−½ A P^−½ for a diagonal P > 0: symmetric, with the eigenvalues of P⁻¹A. One product of A for each vector."""

    operator: SymmetricOperator
    scale_P: Tensor  # the diagonal of P^−½

    @property
    def size(self) -> int:
        """P, the length of the vectors."""
        return self.operator.size

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the vectors."""
        return self.operator.dtype

    @property
    def device(self) -> torch.device:
        """Where the vectors live."""
        return self.operator.device

    def apply(self, V_KP: Tensor) -> Tensor:
        """Return P^−½ A P^−½ v for each row."""
        return self.scale_P * self.operator.apply(self.scale_P * V_KP)


def preconditioned(operator: SymmetricOperator, diagonal_P: Tensor) -> Preconditioned:
    """Make P^−½ A P^−½.

    Args:
        operator: A.
        diagonal_P: the diagonal of P.

    Returns:
        The operator.

    Raises:
        ValueError: where an entry is not above 0.
    """
    if not bool((diagonal_P > 0).all()):
        raise ValueError(
            f"expected a preconditioner above 0, got a smallest entry of {float(diagonal_P.min()):.3g}; "
            "give the rule an ε above 0, or look after its first steps"
        )
    return Preconditioned(operator, diagonal_P.rsqrt())


def preconditioner(spec: AnyOptimizer, state: Mapping[str, Tensor], like: Tensor) -> Tensor | None:
    """Return the diagonal [P] that a rule divides the gradient by, from its state after t steps.

    - Adam, AdamW: P_t = (1 − β₁ᵗ)·[√(v_t/(1 − β₂ᵗ)) + ε], so that the frozen rule is θ ← θ − η·P⁻¹m with
      m ← β₁m + (1 − β₁)g; with AMSGrad the largest v so far in place of v_t;
    - RMSProp: P = √v + ε.

    Cohen et al. 2022, Adaptive gradient methods at the edge of stability.

    Args:
        spec: the rule and its settings.
        state: what it remembers, as its ``state_dict`` says: torch's names, ``0.exp_avg_sq`` and so on.
        like: the parameters, for device and number format.

    Returns:
        The diagonal; None for a rule without one, and before the first step.
    """
    if not state:
        return None
    match spec:
        case AdamOptimizer() | AdamWOptimizer():
            t = float(state["0.step"])
            v_P = state["0.max_exp_avg_sq" if spec.amsgrad else "0.exp_avg_sq"].to(like)
            corrected_P: Tensor = (v_P / (1 - spec.beta2**t)).sqrt()
            return (corrected_P + spec.eps) * float(1 - spec.beta1**t)
        case RmspropOptimizer():
            root_P: Tensor = state["0.square_avg"].to(like).sqrt()
            return root_P + spec.eps
        case _:
            return None
