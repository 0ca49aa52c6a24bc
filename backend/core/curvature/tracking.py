"""The largest eigenpairs of an operator that is looked at again and again while it changes a little.

Shapes: P parameters, K eigenpairs.
"""

from collections.abc import Generator
from typing import Final

import torch
from torch import Tensor

from backend.core.curvature.eigenpairs import Eigenpairs, Estimates, random_vector
from backend.core.curvature.lanczos import lanczos
from backend.core.curvature.lobpcg import lobpcg
from backend.core.curvature.operator import SymmetricOperator

GUARDS: Final = 1  # vectors beyond the k wanted, so that an eigenvalue that overtakes them is seen coming
FRESH: Final = 20  # looks between two that start from nothing


class Tracker:
    """Follows the k algebraically largest eigenpairs from look to look.

    A look starts from the vectors of the one before (:func:`lobpcg`), which costs a few products where the operator has
    changed a little. Small residuals do not prove that nothing larger exists: a direction that was orthogonal to all
    that was followed may have overtaken it. So every 20th look, and the one after a look that did not converge, starts
    from a random vector and proves it (:func:`lanczos`).

    Memory between looks: K + 1 vectors of P.

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

    def look(self, operator: SymmetricOperator) -> Generator[Estimates | None, None, Eigenpairs]:
        """Search the eigenpairs of the operator as it is now.

        Yields:
            Estimates or None, after one product or a block of them.

        Returns:
            The k largest pairs; not ``converged`` where the budget was spent first.

        Raises:
            NotFiniteCurvature: where a product is not finite.
        """
        start_KP = self._vectors_KP if self._looks % FRESH else None
        self._looks += 1
        if start_KP is None:
            found = yield from lanczos(operator, self._k, self._generator, tol=self._tol, budget=self._budget)
            self._vectors_KP = torch.cat((found.vectors_KP, *self._guards(found.vectors_KP)))
        else:
            found = yield from lobpcg(operator, start_KP, k=self._k, tol=self._tol, budget=self._budget)
            self._vectors_KP = found.vectors_KP
        if not found.converged:
            self._looks = 0
        top = slice(0, self._k)
        return Eigenpairs(
            found.values_K[top], found.residuals_K[top], found.vectors_KP[top], found.converged, found.products
        )

    def _guards(self, vectors_KP: Tensor) -> tuple[Tensor, ...]:
        """Keep following what was followed beside the k; random directions where nothing was."""
        if self._vectors_KP is not None:
            return (self._vectors_KP[self._k :],)
        size = vectors_KP.shape[1]
        count = min(GUARDS, size - self._k)
        return tuple(random_vector(size, vectors_KP, self._generator).unsqueeze(0) for _ in range(count))
