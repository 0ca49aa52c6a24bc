"""A growing orthonormal basis with its images under a symmetric operator, and Rayleigh–Ritz in it.

Shapes: P parameters, M vectors of the basis, K vectors at once.
"""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from backend.core.curvature.operator import SymmetricOperator

COLUMNS: Final = 1 << 16  # of the basis at once, so that no second copy of it is ever made
ROUNDING: Final = 1e3  # units of rounding: what is left outside the basis by accident
CANCELLED: Final = 1e-3  # of a vector's length: less than that left outside the basis has lost half its digits


class Ritz(NamedTuple):
    """Eigenpairs of A restricted to a subspace, algebraically descending; row i of ``weights`` makes vector i."""

    values_M: Tensor  # float64, on the CPU
    weights_MM: Tensor  # float64, on the CPU


class Subspace:
    """Orthonormal rows V [M, P], their images V·A, and T = V·A·Vᵀ [M, M].

    The images make every residual a true one, ‖A·x − θ·x‖ from products that were made, whatever was done to the basis
    since. Room for ``room`` vectors is taken at once: 2·room vectors of P.

    Args:
        operator: A.
        room: most vectors in the basis.
    """

    def __init__(self, operator: SymmetricOperator, room: int) -> None:
        self._operator = operator
        self._basis, self._images = (
            torch.empty(room, operator.size, dtype=operator.dtype, device=operator.device) for _ in range(2)
        )
        self._T = torch.zeros(room, room, dtype=torch.float64)
        self._tail: Tensor | None = None
        self.room, self.count, self.products = room, 0, 0

    @property
    def basis_MP(self) -> Tensor:
        """The vectors so far."""
        return self._basis[: self.count]

    @property
    def images_MP(self) -> Tensor:
        """A times each of them."""
        return self._images[: self.count]

    def add(self, V_KP: Tensor) -> int:
        """Orthonormalise vectors against the basis and each other, and make their products, one each.

        A vector that lies in the span already, to rounding, is left out; so is what there is no room for.

        Args:
            V_KP: the vectors; any length but 0.

        Returns:
            How many were added.
        """
        first = self.count
        for v_P in V_KP:
            if self.count < self.room:
                self._take(self.outside(v_P), float(v_P.norm()))
        return self._multiply(first)

    def extend(self) -> int:
        """Add :meth:`tail`, so that a Krylov sequence goes on; return how many were added, 1 or 0."""
        first = self.count
        if first < self.room:
            self._take(self.tail, float(self._images[first - 1].norm()))
        return self._multiply(first)

    @property
    def tail(self) -> Tensor:
        """The last image's part outside the basis; kept, as both its length and the next vector are made of it."""
        if self._tail is None:
            self._tail = self.outside(self._images[self.count - 1])
        return self._tail

    def _take(self, fresh_P: Tensor, before: float) -> None:
        """Add what is left of a vector outside the basis, unless it is rounding."""
        length = float(fresh_P.norm())
        if length > ROUNDING * torch.finfo(fresh_P.dtype).eps * before:
            if length < CANCELLED * before:  # what is left is partly rounding: once more, at unit length
                fresh_P = self.outside(fresh_P / length)
                length = float(fresh_P.norm())
            torch.div(fresh_P, length, out=self._basis[self.count])
            self.count += 1

    def _multiply(self, first: int) -> int:
        """Make the products of the vectors from row ``first`` on."""
        self._tail = None
        added = self.count - first
        if added:
            self._images[first : self.count] = self._operator.apply(self._basis[first : self.count])
            self.products += added
            rows = (self.images_MP[first:] @ self.basis_MP.T).to("cpu", torch.float64)
            self._T[first : self.count, : self.count] = rows
            self._T[: self.count, first : self.count] = rows.T
            corner = self._T[first : self.count, first : self.count]
            corner.copy_((corner + corner.T) / 2)
        return added

    def outside(self, v_P: Tensor) -> Tensor:
        """Return the part of a vector that is orthogonal to the basis: Gram–Schmidt, twice (Kahan, Parlett)."""
        for _ in range(2):
            v_P = torch.addmv(v_P, self.basis_MP.T, self.basis_MP @ v_P, alpha=-1)
        return v_P

    def ritz(self, first: int = 0) -> Ritz:
        """Rayleigh–Ritz in the span of the basis from row ``first`` on."""
        values, vectors = torch.linalg.eigh(self._T[first : self.count, first : self.count])
        return Ritz(values.flip(0), vectors.flip(1).T.contiguous())

    def chain(self, first: int) -> Tensor:
        """Return T from row ``first`` on; tridiagonal where the vectors since were added as a Krylov sequence."""
        return self._T[first : self.count, first : self.count]

    def residuals(self, values_K: Tensor, weights_KM: Tensor, first: int = 0) -> Tensor:
        """Return ‖A·x − θ·x‖ [K], float64 on the CPU, of x = weights · basis from row ``first`` on."""
        weights = weights_KM.to(self._basis)
        theta_times = values_K.to(self._basis).unsqueeze(1) * weights
        squares_K = torch.zeros(len(weights), dtype=torch.float64)
        for columns in _slices(self._operator.size):
            gap = weights @ self.images_MP[first:, columns] - theta_times @ self.basis_MP[first:, columns]
            norms: Tensor = torch.linalg.vector_norm(gap, dim=1)
            squares_K += norms.to("cpu", torch.float64) ** 2
        return squares_K.sqrt()

    def gap(self, value: float, weights_M: Tensor, first: int = 0) -> Tensor:
        """Return A·x − θ·x [P] of one Ritz pair."""
        weights = weights_M.to(self._basis)
        return weights @ self.images_MP[first:] - value * (weights @ self.basis_MP[first:])

    def recombine(self, weights_KM: Tensor) -> None:
        """Take as the new basis these combinations of the old one; their rows must be orthonormal. No products."""
        for stored in (self._basis, self._images):
            self._combine(stored, weights_KM)
        count = len(weights_KM)
        self._T[:count, :count] = weights_KM @ self._T[: self.count, : self.count] @ weights_KM.T
        self.count, self._tail = count, None

    def spend(self, weights_KM: Tensor) -> Tensor:
        """Return these combinations of the basis [K, P]; the images are given up first, and nothing can follow."""
        self._images = torch.empty(0)
        self._combine(self._basis, weights_KM)
        return self._basis[: len(weights_KM)].clone()

    def _combine(self, stored: Tensor, weights_KM: Tensor) -> None:
        weights = weights_KM.to(stored)
        for columns in _slices(self._operator.size):
            stored[: len(weights), columns] = weights @ stored[: self.count, columns]


def _slices(size: int) -> list[slice]:
    return [slice(start, start + COLUMNS) for start in range(0, size, COLUMNS)]
