"""Directions that may become the largest: kept in view by a rough operator, which costs a fraction of the exact one.

Shapes: P parameters, K vectors at once, M followed vectors.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.core.curvature.operator import SymmetricOperator
from backend.core.curvature.subspace import Subspace


@dataclass(frozen=True, eq=False)
class Rough:
    """What is nearly an operator A and costs a fraction of it: the same Hessian, of some of the examples."""

    operator: SymmetricOperator
    share: float  # of the cost of A's products


class Guards:
    """Rayleigh–Ritz of a rough operator Â in the span of what was followed.

    The eigenvectors of Â in a span that nearly holds those of A are good enough to tell which directions may be the
    largest, and to start an exact search from. The images Â·x that it takes are a step of the power method as well:
    where the followed eigenvalues stand out, what a vector has lost by the operator's change comes back at the price
    of no further product.

    Args:
        rough: Â.
        followed_MP: vectors of any length, the most trusted first; what others span already is left out.
        fresh_P: where a Krylov sequence of Â begins that is added to them, in search of what none of them holds.
        steps: vectors of that sequence.
    """

    def __init__(self, rough: Rough, followed_MP: Tensor, fresh_P: Tensor | None = None, steps: int = 0) -> None:
        self._space = Subspace(rough.operator, min(len(followed_MP) + steps, rough.operator.size))
        self._space.add(followed_MP)
        if fresh_P is not None and self._space.add(fresh_P.unsqueeze(0)):
            for _ in range(steps - 1):
                self._space.extend()
        self._ritz = self._space.ritz()
        self.products = math.ceil(self._space.products * rough.share)  # in products of A

    def leading(self, count: int, *, most: int | None = None, near: float = 1.0) -> Tensor:
        """Return the Ritz vectors [K, P] of the largest values.

        Args:
            count: how many at least.
            most: how many at most (None: no more than that).
            near: the share of the last of them above which others are returned too.

        Returns:
            The vectors, of unit length.
        """
        last = self._ritz.values_M[count - 1]
        close = int((self._ritz.values_M[:most] >= last - (1 - near) * last.abs()).sum()) if most else 0
        return self._weights(0, max(count, close)) @ self._space.basis_MP

    def followed(self, exact_KP: Tensor, *, most: int, near: float, step: float) -> Tensor:
        """Return what to follow from here: exact eigenvectors, guards, and a scout.

        A guard is moved from the Ritz vector x towards Â·x/θ. A full step makes good all that was lost, but leads to
        the eigenvectors of Â; shorter ones keep more of what exact searches have said. The scout is the best of the
        directions that are not near, moved by a full step each time, so that it turns to whatever stands out beyond.

        Args:
            exact_KP: eigenvectors of A, in place of as many leading Ritz vectors.
            most: vectors in all.
            near: the share of the largest value above which a direction is a guard.
            step: the part of the way from x to Â·x/θ.

        Returns:
            Vectors of any length [M, P].
        """
        values_M, first = self._ritz.values_M, len(exact_KP)
        least = float(values_M[0]) - (1 - near) * abs(float(values_M[0]))
        last = max(int((values_M[: most - 1] >= least).sum()), first)
        weights_MM = self._weights(first, last)
        scale_M = (step / values_M[first:last]).to(weights_MM).unsqueeze(1)
        guards_MP = (1 - step) * (weights_MM @ self._space.basis_MP) + scale_M * (weights_MM @ self._space.images_MP)
        scout_MP = self._weights(last, last + 1) @ self._space.images_MP
        return torch.cat((exact_KP, guards_MP, scout_MP))

    def _weights(self, first: int, last: int) -> Tensor:
        return self._ritz.weights_MM[first:last].to(self._space.basis_MP)
