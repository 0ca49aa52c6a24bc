"""The largest eigenpairs of an operator that is looked at again and again while it changes a little.

Shapes: P parameters, K eigenpairs.
"""

from collections.abc import Generator
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor

from backend.core.curvature.eigenpairs import Eigenpairs, Estimates, allowed, random_vector
from backend.core.curvature.guards import Guards, Rough
from backend.core.curvature.lanczos import lanczos
from backend.core.curvature.lobpcg import lobpcg
from backend.core.curvature.operator import SymmetricOperator

GUARDS: Final = 7  # vectors that are followed beside the k wanted, at most
NEAR: Final = 0.7  # of the k-th eigenvalue: guards above it may overtake it before the next look
MORE: Final = 8  # guards at most, where a rough operator watches them
DISTANT: Final = 0.3  # of the largest eigenvalue: guards above it are worth watching then
CLOSE: Final = 0.96  # of the k-th eigenvalue: a guard above it starts the exact search too
STEP: Final = 0.3  # of the power method that guards are moved by
TIGHT: Final = 0.5  # of the tolerance: what lies near may hide in a residual
ROUNDS: Final = 3  # full steps after the first look, which has found one or two and guessed the others
RANDOM: Final = 4  # random directions among which the first scout is found
FRESH: Final = 25  # looks between two that start from nothing
SCAN: Final = 10  # steps of Lanczos on a rough operator from a random vector
SCANNED: Final = 10  # looks between two scans, after as many first looks with one each: eigenvalues grow fast then
STRICT: Final = 0.01  # tolerance of a fresh start at most: it decides what is followed


class Tracker:
    """Follows the k algebraically largest eigenpairs from look to look.

    A look starts from the vectors of the one before, which costs a few products where the operator has changed a
    little. At the edge of stability many eigenvalues lie within a few percent and take turns at being the largest: one
    for each class of the data. Therefore others, *guards*, are followed beside the k wanted. Small residuals do not
    prove that nothing larger exists: a direction that was orthogonal to all that was followed may have overtaken it.
    So the first look, every 25th, and the one after a look that did not converge start from a random vector and prove
    it (:func:`lanczos`).

    With a rough operator the guards cost little (:class:`Guards`): it tells which k start the exact search, and the
    next where it is close (:func:`lobpcg`), which ends when k and what may outgrow them have settled at half the
    tolerance. All that is told of them, values and residuals, is exact. In place of the proof at every 25th look, the
    rough operator is searched from a random vector at each of the first ten and at every tenth from then on. Without a
    rough operator all guards start the exact search, and k + 1 are sought. What training grows along shows in the
    gradient, where one is given.

    Measured at the edge on digits (a look every 10 of 1,000 steps of descent, k = 1, tol = 0.03): with 3,466 parameters
    and 500 examples, no rough operator, 8.9–10.2 products a look (five initial points), and every value within 0.6 % of
    the exact one. With 26,122 and 1,797, where ten eigenvalues lie within 12 % of the largest, a twelfth of the
    examples watching: 4.2–4.4 products, and all of 1,717 values (17 initial points) within 0.6 %; without, 10.0–10.6
    (two initial points), and the worst value 2.2 % off. At half the tolerance, because at the tolerance itself what
    lies near may hide in the residual: 3.5 % in one of 1,616.

    Memory between looks: at most k + 8 vectors of P.

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
        self, operator: SymmetricOperator, hint_P: Tensor | None = None, rough: Rough | None = None
    ) -> Generator[Estimates | None, None, Eigenpairs]:
        """Search the eigenpairs of the operator as it is now.

        Args:
            operator: A.
            hint_P: a direction that may have a part in eigenvectors that are not followed, as the gradient has.
            rough: what is nearly A, as it is now.

        Yields:
            Estimates or None, after one product or a block of them.

        Returns:
            The k largest pairs; not ``converged`` where the budget was spent first. Products of the rough operator
            count by their share.

        Raises:
            NotFiniteCurvature: where a product is not finite.
        """
        anew = self._looks == 0 or (rough is None and self._looks % FRESH == 0)
        start_KP = None if anew else self._vectors_KP
        self._looks += 1
        if rough is not None:
            found = yield from self._watched(operator, start_KP, hint_P, rough)
        else:
            found = yield from self._alone(operator, start_KP, hint_P)
        if not found.converged:
            self._looks = 0
        top = slice(0, self._k)
        values_K, residuals_K = found.values_K[top], found.residuals_K[top]
        settled = bool((residuals_K <= allowed(values_K, self._tol, float(values_K.abs().max()))).all())
        return Eigenpairs(
            values_K, residuals_K, found.vectors_KP[top], found.converged or (start_KP is not None and settled),
            found.products,
        )  # fmt: skip

    def _alone(
        self, operator: SymmetricOperator, start_KP: Tensor | None, hint_P: Tensor | None
    ) -> Generator[Estimates | None, None, Eigenpairs]:
        """Search with exact products alone."""
        sought = min(self._k + 1, operator.size - 1)
        if start_KP is None:
            found = yield from self._anew(operator, sought, GUARDS)
        else:
            if hint_P is not None and len(start_KP) < operator.size:
                start_KP = torch.cat((start_KP, hint_P.unsqueeze(0)))
            spare = max(self._k + GUARDS - len(start_KP), 0)
            found = yield from lobpcg(operator, start_KP, k=sought, tol=self._tol, budget=self._budget, spare=spare)
        self._vectors_KP = found.vectors_KP[: max(sought, self._near(found.values_K.tolist()))]
        return found

    def _watched(
        self, operator: SymmetricOperator, start_KP: Tensor | None, hint_P: Tensor | None, rough: Rough
    ) -> Generator[Estimates | None, None, Eigenpairs]:
        """Let a rough operator choose what the exact search starts from."""
        sought = min(self._k + 1, operator.size - 1)
        hint = () if hint_P is None else (hint_P.unsqueeze(0),)
        rounds, step = 1, STEP
        if start_KP is not None:
            followed_KP = start_KP
        else:
            found = yield from self._anew(operator, sought, MORE)
            if self._vectors_KP is None:
                rounds, step = ROUNDS, 1.0
                random = [random_vector(operator.size, found.vectors_KP, self._generator) for _ in range(RANDOM)]
                followed_KP = torch.cat((found.vectors_KP, torch.stack(random)))
            else:
                followed_KP = torch.cat((found.vectors_KP, self._vectors_KP))
        products, scanned = 0, self._looks <= SCANNED or self._looks % SCANNED == 0
        for _ in range(rounds):
            fresh_P = random_vector(operator.size, followed_KP, self._generator) if scanned else None
            guards = Guards(rough, torch.cat((followed_KP, *hint)), fresh_P, SCAN if scanned else 0)
            products += guards.products
            yield None
            if start_KP is not None:
                first_KP = guards.leading(self._k, most=sought, near=CLOSE)
                budget = self._budget - products
                found = yield from lobpcg(operator, first_KP, k=self._k, tol=TIGHT * self._tol, budget=budget)
            exact_KP = found.vectors_KP[:sought]
            followed_KP = guards.followed(exact_KP, most=self._k + MORE, near=DISTANT, step=step)
        self._vectors_KP = followed_KP
        return replace(found, products=found.products + products)

    def _anew(
        self, operator: SymmetricOperator, sought: int, guards: int
    ) -> Generator[Estimates | None, None, Eigenpairs]:
        """Start from nothing."""
        spare, tol = max(self._k + guards - sought, 0), min(self._tol, STRICT)
        return (yield from lanczos(operator, sought, self._generator, tol=tol, budget=self._budget, spare=spare))

    def _near(self, values: list[float]) -> int:
        """Count the vectors to be followed: the k wanted, and the guards that are near."""
        last = values[self._k - 1]
        return self._k + sum(value >= last - (1 - NEAR) * abs(last) for value in values[self._k : self._k + GUARDS])
