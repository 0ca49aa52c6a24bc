"""The largest eigenpairs of an operator that is looked at again and again while it changes a little.

Shapes: P parameters, K eigenpairs.
"""

from collections.abc import Generator
from typing import Final

import torch
from torch import Tensor

from backend.core.curvature.eigenpairs import Eigenpairs, Estimates, allowed
from backend.core.curvature.lanczos import lanczos
from backend.core.curvature.lobpcg import lobpcg
from backend.core.curvature.operator import SymmetricOperator

GUARDS: Final = 7  # vectors that are followed beside the k wanted, at most
NEAR: Final = 0.7  # of the k-th eigenvalue: guards above it may overtake it before the next look
FRESH: Final = 25  # looks between two that start from nothing
STRICT: Final = 0.01  # tolerance of a fresh start at most: it decides what is followed


class Tracker:
    """Follows the k algebraically largest eigenpairs from look to look.

    A look starts from the vectors of the one before (:func:`lobpcg`), which costs a few products where the operator has
    changed a little. At the edge of stability many eigenvalues lie within a few percent and take turns at being the
    largest. Therefore one more than k is sought, and up to six others that are near are followed without being sought
    for their own sake. What training grows along shows in the gradient, where one is given. Small residuals do not
    prove that nothing larger exists: a direction that was orthogonal to all that was followed may have overtaken it. So
    every 25th look, and the one after a look that did not converge, starts from a random vector and proves it
    (:func:`lanczos`).

    Measured at the edge on digits (a look every 10 of 1,000 steps of descent, k = 1, tol = 0.03): with 3,466 parameters
    8.9 products a look, and every value within 0.4 % of the exact one; with 26,122, where ten eigenvalues lie within
    12 % of the largest, 10.0 and 10.4 products (two seeds), 99 % of the values within 1 %, and the worst 2.2 % off.
    Following four others and no gradient, there: 8.2 products, 93 %, 6 %.

    Memory between looks: at most k + 7 vectors of P.

    Args:
        k: how many.
        generator: draws the fresh starts.
        tol: of the residuals, relative to the eigenvalue.
        budget: most products of a look.
    """

    def __init__(self, k: int, generator: torch.Generator, *, tol: float, budget: int) -> None:
        self._k, self._generator, self._tol, self._budget = k, generator, tol, budget
        self._vectors_KP: Tensor | None = None
        self._looks = 0

    def look(
        self, operator: SymmetricOperator, hint_P: Tensor | None = None
    ) -> Generator[Estimates | None, None, Eigenpairs]:
        """Search the eigenpairs of the operator as it is now.

        Args:
            operator: A.
            hint_P: a direction that may have a part in eigenvectors that are not followed, as the gradient has.

        Yields:
            Estimates or None, after one product or a block of them.

        Returns:
            The k largest pairs; not ``converged`` where the budget was spent first.

        Raises:
            NotFiniteCurvature: where a product is not finite.
        """
        sought = min(self._k + 1, operator.size - 1)
        start_KP = self._vectors_KP if self._looks % FRESH else None
        self._looks += 1
        if start_KP is None:
            spare, tol = max(self._k + GUARDS - sought, 0), min(self._tol, STRICT)
            found = yield from lanczos(operator, sought, self._generator, tol=tol, budget=self._budget, spare=spare)
        else:
            if hint_P is not None and len(start_KP) < operator.size:
                start_KP = torch.cat((start_KP, hint_P.unsqueeze(0)))
            spare = max(self._k + GUARDS - len(start_KP), 0)
            found = yield from lobpcg(operator, start_KP, k=sought, tol=self._tol, budget=self._budget, spare=spare)
        self._vectors_KP = found.vectors_KP[: max(sought, self._near(found.values_K.tolist()))]
        if not found.converged:
            self._looks = 0
        top = slice(0, self._k)
        values_K, residuals_K = found.values_K[top], found.residuals_K[top]
        settled = bool((residuals_K <= allowed(values_K, self._tol, float(values_K.abs().max()))).all())
        return Eigenpairs(
            values_K, residuals_K, found.vectors_KP[top], found.converged or (start_KP is not None and settled),
            found.products,
        )  # fmt: skip

    def _near(self, values: list[float]) -> int:
        """Count the vectors to be followed: the k wanted, and the guards that are near."""
        last = values[self._k - 1]
        return self._k + sum(value >= last - (1 - NEAR) * abs(last) for value in values[self._k : self._k + GUARDS])
