"""The algebraically largest or smallest eigenpairs of a symmetric operator, their multiplicity included.

Shapes: P parameters, K wanted pairs, M vectors of the basis.
"""

import math
from collections.abc import Generator
from typing import Final

import torch
from torch import Tensor

from backend.core.curvature.eigenpairs import (
    Eigenpairs,
    Estimates,
    Which,
    allowed,
    random_vector,
    require_k,
    require_tol,
)
from backend.core.curvature.operator import SymmetricOperator
from backend.core.curvature.subspace import Ritz, Subspace

MEMORY_MB: Final = 120  # of the basis and its images, unless the wanted pairs need more
MOST_ROOM: Final = 160  # vectors: beyond it the small dense problem costs more than products
SMALLEST_SHARE: Final = (
    100.0  # a missed eigenvector is found unless the fresh vector holds less than 1/100 of its share
)
BUDGET: Final = 1000  # products
Search = Generator[Estimates | None, None, Eigenpairs]


def lanczos(
    operator: SymmetricOperator,
    k: int,
    generator: torch.Generator,
    *,
    which: Which = "largest",
    tol: float = 1e-3,
    prove: bool = True,
    budget: int = BUDGET,
    room: int | None = None,
    spare: int = 0,
) -> Search:
    """Search k eigenpairs at one end of the spectrum, or at each end.

    Lanczos with full reorthogonalisation, done twice, and thick restarts. It goes on until every residual
    ‖A·x − λ·x‖ is at most tol · max(|λ|, ε), ε a thousandth of the largest |θ|. Small residuals do not prove that
    these are the largest: a Krylov space holds one vector of each eigenspace, so a single start misses every further
    copy of a multiple eigenvalue. Therefore the search starts again from a random vector orthogonal to everything so
    far, and ends only when nothing larger appears from there:

    - the new chain's largest Ritz value θ has converged, and is not above λ_k; or
    - it would have shown. After j steps a Krylov space holds the Chebyshev polynomial T_{j−1} that is at most 1 on the
      rest of the spectrum [a, θ] and T_{j−1}(1 + 2(λ_k − θ)/(θ − a)) at λ_k and above. An eigenvector with a share of
      1/√P in the fresh vector shows when this is √P; we wait for 100·√P.

    Where something larger does appear, it joins the wanted, and once it has converged there is another fresh start.

    Cost: one product a step and, for M vectors, about 8·M·P flops to keep them orthogonal; 2·``room`` vectors of P.

    Saad 2011, Numerical methods for large eigenvalue problems, sections 6.3, 6.6; Wu & Simon 2000, Thick-restart
    Lanczos method for large symmetric eigenvalue problems.

    Args:
        operator: A.
        k: how many (at each end, for ``both``).
        generator: draws the starts, on the CPU.
        which: the algebraically largest, the smallest, or both.
        tol: of the residuals, relative to the eigenvalue.
        prove: whether to make sure that nothing beyond was missed; without it, multiple eigenvalues come once.
        budget: most products.
        room: most vectors in the basis (None: what 120 MB hold, at least 2·K + 5 and 15).
        spare: so many pairs beyond the k largest are returned too, as far as they are known, settled or not.

    Yields:
        Estimates whenever they were made, None after a product that was not looked at.

    Returns:
        The pairs, values descending (for ``both`` the k largest, then the k smallest), and the spare ones; not
        ``converged`` where the budget was spent first, with the residuals that were reached.

    Raises:
        ValueError: where k, tol, room or the budget cannot be.
    """
    require_k(k, operator.size, which)
    require_tol(tol)
    wanted = 2 * k if which == "both" else k
    if budget < wanted:
        raise ValueError(f"expected a budget of at least one product for each of {wanted} eigenvalues, got {budget}")
    if room is None:
        afforded = int(MEMORY_MB * 1e6 / (2 * operator.size * operator.dtype.itemsize))
        room = max(min(afforded, MOST_ROOM), 2 * wanted + 5, 15)
    elif room < wanted + 3:
        raise ValueError(f"expected room for at least {wanted + 3} vectors with {wanted} eigenvalues, got {room}")
    search = _Search(operator, k, which, tol, min(room, operator.size), generator)
    del operator
    vector_P = search.fresh()
    while True:
        search.step(vector_P)
        look = search.products >= budget or search.due
        if look:
            found = search.look()
            yield found
            if search.complete or search.products >= budget:
                return search.result(converged=search.complete and bool(found.settled_K.all()), spare=spare)
            if bool(found.settled_K.all()) and (not prove or search.nothing_beyond(found)):
                return search.result(converged=True, spare=spare)
        else:
            yield None
        vector_P = search.next()


class _Search:
    """The state of a search. A *chain* is the Krylov sequence since the last fresh start."""

    def __init__(
        self, operator: SymmetricOperator, k: int, which: Which, tol: float, room: int, generator: torch.Generator
    ) -> None:
        self._space = Subspace(operator, room)
        self._size, self._k, self._tol, self._generator = operator.size, k, tol, generator
        self._like = torch.empty(0, dtype=operator.dtype, device=operator.device)
        self._ends = (which != "smallest", which != "largest")  # top, bottom
        self._wanted = k * sum(self._ends)
        self._chains, self._first, self._last, self._steps = 0, 0, 0, 0
        self._looked = 0
        self._linking = True  # whether the next vector continues the chain
        self._ritz = Ritz(torch.empty(0), torch.empty(0))
        self._magnitude = 0.0
        self._aim: int | None = None  # the Ritz pair whose residual is the next direction, in place of the chain
        self._over = False  # whether the chain has done its part: a fresh start is due
        self._proof = False  # whether the chain began when all was settled, and has been nothing but a chain since

    @property
    def products(self) -> int:
        """Products so far."""
        return self._space.products

    @property
    def complete(self) -> bool:
        """Whether the basis spans everything."""
        return self._space.count == self._size

    @property
    def due(self) -> bool:
        """Whether to look: not at every step of a long basis, where looking costs as much as a product."""
        count = self._space.count
        return self.complete or (
            count >= self._wanted and (self.products - self._looked > count // 32 or count == self._space.room)
        )

    def fresh(self, *, proof: bool = False) -> Tensor:
        """Begin a chain: a random direction orthogonal to the basis; a proof only where all is settled by then."""
        if self._space.room < self._size and self._space.room - self._space.count < 4:
            self._shrink()
        self._chains += 1
        self._proof, self._aim, self._over = proof, None, False
        self._first, self._steps, self._linking = self._space.count, 0, True
        return self._space.outside(random_vector(self._size, self._like, self._generator))

    def step(self, vector_P: Tensor) -> None:
        """Make one product; where the vector is in the span already, the chain's span is invariant: begin another."""
        while not self._space.add(vector_P.unsqueeze(0)):
            vector_P = self.fresh()
        if self._linking:
            self._last = self._space.count - 1
            self._steps += 1

    def look(self) -> Estimates:
        """Rayleigh–Ritz for the wanted pairs."""
        self._ritz, self._looked = self._space.ritz(), self.products
        rows = self._rows(len(self._ritz.values_M))
        values_K, weights_KM = self._ritz.values_M[rows], self._ritz.weights_MM[rows]
        residuals_K = self._space.residuals(values_K, weights_KM)
        self._magnitude = float(self._ritz.values_M.abs().max())
        allowed_K = allowed(values_K, self._tol, self._magnitude)
        settled_K = residuals_K <= allowed_K
        worst = int((residuals_K / allowed_K.clamp(min=1e-300)).argmax())
        # In the first chain every residual points along the chain itself.
        self._aim = None if bool(settled_K[worst]) or self._chains == 1 else int(rows[worst])
        return Estimates(values_K, residuals_K, settled_K, self.products)

    def next(self) -> Tensor:
        """Choose the direction of the next product."""
        if self._over:
            return self.fresh(proof=True)
        if self._aim is None:
            vector_P = self._space.images_MP[self._last].clone()
        else:
            vector_P = self._space.gap(float(self._ritz.values_M[self._aim]), self._ritz.weights_MM[self._aim])
            self._proof = False
        self._linking = self._aim is None
        self._aim = None
        if self._space.count == self._space.room:
            vector_P = self._space.outside(vector_P)
            self._shrink()
            self._linking = True  # the chain's last vector is gone: it goes on from this one
        return vector_P

    def nothing_beyond(self, found: Estimates) -> bool:
        """Whether the present chain shows that no eigenvalue beyond the settled ones was missed."""
        tops = [top for top, asked in zip((True, False), self._ends, strict=True) if asked]
        if self._proof and not self._over:
            clear = [self._clear_in_chain(found, top) for top in tops]  # both ends: either may find something
            if all(clear) or not self._over:
                return all(clear)
        self._over = len(self._ritz.values_M) > self._wanted and all(self._clear_in_basis(found, top) for top in tops)
        return False

    def _clear_in_chain(self, found: Estimates, top: bool) -> bool:
        """What no earlier chain has touched lies in the complement of them all, where this chain looks."""
        limit, slack, sign = self._limit(found, top)
        rest = self._space.ritz(self._first)
        pair = 0 if top else -1
        theta, weights_M = float(rest.values_M[pair]), rest.weights_MM[pair]
        residual = float(self._space.outside(self._space.gap(theta, weights_M, self._first)).norm())
        beyond = sign * theta > limit + slack
        self._over = self._over or (beyond and residual <= slack)  # what it found is among the wanted by now
        spread = float(rest.values_M[0] - rest.values_M[-1])
        return not beyond and (residual <= slack or self._would_show(limit - sign * theta, spread))

    def _clear_in_basis(self, found: Estimates, top: bool) -> bool:
        """What was touched shows in the next Ritz pair after the wanted; where it may grow beyond, go on there."""
        limit, slack, sign = self._limit(found, top)
        row = self._k if top else len(self._ritz.values_M) - self._k - 1
        value = self._ritz.values_M[row : row + 1]
        residual = float(self._space.residuals(value, self._ritz.weights_MM[row : row + 1]))
        clear = residual <= slack or sign * float(value) + residual <= limit + slack
        if not clear and self._chains > 1:
            self._aim = row
        return clear

    def _limit(self, found: Estimates, top: bool) -> tuple[float, float, float]:
        """The last of the wanted values at an end, what it may be off by, and the end's sign."""
        last = found.values_K[self._k - 1 if top else -self._k]
        sign = 1.0 if top else -1.0
        return sign * float(last), float(allowed(last, self._tol, self._magnitude)), sign

    def result(self, *, converged: bool, spare: int) -> Eigenpairs:
        """Make the vectors, in the place of the basis."""
        count = len(self._ritz.values_M)
        beyond = torch.arange(count)[self._k : self._k + spare] if self._ends == (True, False) else torch.arange(0)
        rows = torch.cat((self._rows(count), beyond))
        values_K, weights_KM = self._ritz.values_M[rows], self._ritz.weights_MM[rows]
        residuals_K = self._space.residuals(values_K, weights_KM)
        return Eigenpairs(values_K, residuals_K, self._space.spend(weights_KM), converged, self.products)

    def _rows(self, count: int) -> Tensor:
        order = torch.arange(count)
        top = order[: self._k] if self._ends[0] else order[:0]
        bottom = order[count - self._k :] if self._ends[1] else order[:0]
        return torch.cat((top, bottom))

    def _shrink(self) -> None:
        """Thick restart: keep the wanted Ritz vectors first, then half as many of the rest as there is room for."""
        ritz = self._space.ritz()
        count = len(ritz.values_M)
        wanted = self._rows(count).tolist()
        spare = [row for row in range(count) if row not in wanted]
        half = (self._space.room - self._wanted) // 2
        if self._ends == (True, True):
            kept = spare[: half // 2] + spare[len(spare) - half // 2 :]
        else:
            kept = spare[:half] if self._ends[0] else spare[len(spare) - half :]
        self._space.recombine(ritz.weights_MM[wanted + kept])
        self._first = self._wanted

    def _would_show(self, gap: float, spread: float) -> bool:
        """Whether an eigenvalue beyond the wanted would have come out of the chain by now."""
        if gap <= 0.0 or self._steps < 2:
            return False
        if spread <= 0.0:
            return True
        growth = math.acosh(1.0 + 2.0 * gap / spread)
        # log T_{j−1}(x) = (j − 1)·acosh(x) − log 2, nearly
        return (self._steps - 1) * growth - math.log(2.0) >= math.log(SMALLEST_SHARE * math.sqrt(self._size))
