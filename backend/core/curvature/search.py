"""The state of a search for eigenpairs at the ends of a spectrum: which direction is next, and when it is over.

Shapes: P parameters, K wanted pairs, M vectors of the basis.
"""

from typing import Final

import torch
from torch import Tensor

from backend.core.curvature.christoffel import chebyshev, christoffel
from backend.core.curvature.eigenpairs import Eigenpairs, Estimates, Which, allowed, random_vector
from backend.core.curvature.operator import SymmetricOperator
from backend.core.curvature.subspace import Ritz, Subspace

SMALLEST_SHARE: Final = (
    100.0  # a missed eigenvector is found unless the fresh vector holds less than 1/100 of its share
)


class Search:
    """The state of a search. A *chain* is the Krylov sequence since the last fresh start."""

    def __init__(
        self, operator: SymmetricOperator, k: int, which: Which, tol: float, room: int, generator: torch.Generator
    ) -> None:
        self._space = Subspace(operator, room)
        self._size, self._k, self._tol, self._generator = operator.size, k, tol, generator
        self._like = torch.empty(0, dtype=operator.dtype, device=operator.device)
        self._ends = (which != "smallest", which != "largest")  # top, bottom
        self._tops = [top for top, asked in zip((True, False), self._ends, strict=True) if asked]
        self._wanted = k * len(self._tops)
        self._chains, self._first, self._last, self._steps = 0, 0, 0, 0
        self._looked = 0
        self._linking = True  # whether the next vector continues the chain
        self._ritz = Ritz(torch.empty(0), torch.empty(0))
        self._found = Estimates(torch.empty(0), torch.empty(0), torch.empty(0), 0)  # by the last look
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
        """Whether to look: where there may be an end, and now and then, as looking may cost as much as a product."""
        count, since = self._space.count, self.products - self._looked
        if count < self._wanted and not self.complete:
            return False
        if self.complete or count == self._space.room:
            return True
        if self._whole and (self._chains == 1 or self._proof):
            return since > count // 8 or self._promises()
        return since > count // 32

    @property
    def _whole(self) -> bool:
        """Whether all the chain's vectors are in the basis, one after the other: no restart, no other direction."""
        return self._space.count - self._first == self._steps and self._last == self._space.count - 1

    def _promises(self) -> bool:
        """Whether the chain may have done its part, by what costs next to nothing."""
        # A residual within a chain is |s|·‖tail‖, s the coefficient of the chain's last vector.
        ritz, reach = self._space.ritz(self._first), float(self._space.tail.norm())
        if self._chains == 1:
            rows = self._rows(len(ritz.values_M))
            within_K = reach * ritz.weights_MM[rows, -1].abs()
            return bool((within_K <= allowed(ritz.values_M[rows], self._tol, float(ritz.values_M.abs().max()))).all())
        ends = []
        for top in self._tops:
            limit, slack, sign = self._limit(self._found, top)
            pair = 0 if top else -1
            sure = reach * float(ritz.weights_MM[pair, -1].abs()) <= slack
            if sure and sign * float(ritz.values_M[pair]) > limit + slack:
                return True
            ends.append(sure or self._excluded(limit, sign))
        return all(ends)

    def fresh(self, *, proof: bool = False) -> Tensor:
        """Begin a chain: a random direction orthogonal to the basis; a proof only where all is settled by then."""
        if self._space.room < self._size and self._space.room - self._space.count < 4:
            self._shrink()
        self._chains += 1
        self._proof, self._aim, self._over = proof, None, False
        self._first, self._steps, self._linking = self._space.count, 0, True
        return self._space.outside(random_vector(self._size, self._like, self._generator))

    def step(self, vector_P: Tensor | None) -> None:
        """Make one product, of the chain's next vector where none is given.

        Where the vector is in the span already, the chain's span is invariant: begin another.
        """
        while not (self._space.extend() if vector_P is None else self._space.add(vector_P.unsqueeze(0))):
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
        self._found = Estimates(values_K, residuals_K, settled_K, self.products)
        return self._found

    def next(self) -> Tensor | None:
        """Choose the direction of the next product; None where the chain goes on from the last one."""
        if self._over:
            return self.fresh(proof=True)
        if self._aim is None:
            if self._last == self._space.count - 1 and self._space.count < self._space.room:
                self._linking = True
                return None
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
        if self._proof and not self._over:
            clear = [self._clear_in_chain(found, top) for top in self._tops]  # both ends: either may find something
            if all(clear) or not self._over:
                return all(clear)
        self._over = len(self._ritz.values_M) > self._wanted and all(
            self._clear_in_basis(found, top) for top in self._tops
        )
        return False

    def _clear_in_chain(self, found: Estimates, top: bool) -> bool:
        """What no earlier chain has touched lies in the complement of them all, where this chain looks."""
        limit, slack, sign = self._limit(found, top)
        rest = self._space.ritz(self._first)
        pair = 0 if top else -1
        theta, weights_M = float(rest.values_M[pair]), rest.weights_MM[pair]
        beyond = sign * theta > limit + slack
        if not beyond and self._excluded(limit, sign):
            return True
        residual = float(self._space.outside(self._space.gap(theta, weights_M, self._first)).norm())
        self._over = self._over or (beyond and residual <= slack)  # what it found is among the wanted by now
        return not beyond and residual <= slack

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

    def _excluded(self, limit: float, sign: float) -> bool:
        """Whether an eigenvector at the limit or beyond would have to have next to no share in the chain's start."""
        share = SMALLEST_SHARE**-2 / self._size
        T_MM = sign * self._space.chain(self._first)
        if self._space.count - self._first == self._steps:
            return christoffel(T_MM, limit) <= share
        values = torch.linalg.eigvalsh(T_MM)  # cut short by a restart: no three terms any more
        return self._steps > 1 and chebyshev(float(values[0]), float(values[-1]), limit, self._steps) <= share
