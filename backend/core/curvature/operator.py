"""Symmetric linear maps that are known by what they do to vectors.

Shapes: P parameters, K vectors at once, one a row.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from backend.core.analyses.failures import NotFinite, Unsupported


class NotFiniteCurvature(NotFinite):
    """The parameters, or the product with a finite vector, are not finite: nothing can be said about the curvature."""


class ChangingLoss(Unsupported):
    """Two evaluations at the same place differ, so that no product belongs to one matrix."""


class SymmetricOperator(Protocol):
    """A symmetric matrix A [P, P], never formed. Applying it changes nothing: the same vectors give the same products.

    Whoever applies it counts: one *product* is A times one vector, so a block of K costs K.
    """

    @property
    def size(self) -> int:
        """P, the length of the vectors."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the vectors."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the vectors live."""
        ...

    def apply(self, V_KP: Tensor) -> Tensor:
        """Return A·v for each row [K, P], as a new tensor without a gradient."""
        ...


@dataclass(frozen=True, eq=False)
class Difference:
    """A − B; K products of each for K vectors.

    With A = H and B = G this is the residual part of the Hessian, (1/N) Σᵢ Σ_c (∂ℓᵢ/∂f_c) ∇²f_c(xᵢ): what the
    Gauss–Newton matrix leaves out, and what vanishes where every example is fitted exactly (Schraudolph 2002, Fast
    curvature matrix-vector products).
    """

    A: SymmetricOperator
    B: SymmetricOperator

    @property
    def size(self) -> int:
        """P, the length of the vectors."""
        return self.A.size

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the vectors."""
        return self.A.dtype

    @property
    def device(self) -> torch.device:
        """Where the vectors live."""
        return self.A.device

    def apply(self, V_KP: Tensor) -> Tensor:
        """Return (A − B)·v for each row."""
        return self.A.apply(V_KP) - self.B.apply(V_KP)


def require_finite(product_KP: Tensor) -> Tensor:
    """Return a product as it is, where it can be used.

    Raises:
        NotFiniteCurvature: where it has NaN or infinite values.
    """
    if bool(torch.isfinite(product_KP).all()):
        return product_KP
    raise NotFiniteCurvature(
        "Expected finite curvature, got NaN or infinity in the product of the Hessian with a vector; the lane has "
        "diverged here, or the number format overflows: take an earlier step, or float64."
    )
