"""The largest eigenpairs of an operator that changes a little from call to call: sharpness along training.

Shapes: P parameters, K eigenpairs.
"""

from collections.abc import Generator
from typing import Final

import torch
from torch import Tensor

from backend.core.curvature.eigenpairs import Eigenpairs, Estimates, allowed, require_k, require_tol
from backend.core.curvature.operator import SymmetricOperator
from backend.core.curvature.subspace import Ritz, Subspace

BUDGET: Final = 200  # products
DEPENDENT: Final = 1e-8  # of a coefficient vector's length: less than that is no direction of its own
Tracking = Generator[Estimates, None, Eigenpairs]


def lobpcg(
    operator: SymmetricOperator,
    start_KP: Tensor,
    *,
    k: int | None = None,
    tol: float = 1e-3,
    budget: int = BUDGET,
    spare: int = 0,
) -> Tracking:
    """Search the k algebraically largest eigenpairs from a start that is nearly right: the step before's vectors.

    Each iteration is Rayleigh–Ritz on all that there is, and adds the residuals R of those sought that have not
    settled: one product each and no more. Sought are the first k, and their rivals: a Ritz vector x = u·cos φ + w·sin φ
    of which the part w has no curvature has θ = λ·cos² φ and ‖A·x − θ·x‖² = θ·λ·sin² φ, so that it may be on its way to
    λ = θ + ‖A·x − θ·x‖²/θ. Where that is more than the k-th value, the two may change places. When the room is full it
    is cut to X (the Ritz vectors) and D (what changed in X since the last cut), whose images are recombined from
    products that were made. The combination's coefficients are orthonormalised, not the vectors (Hetmaniuk & Lehoucq),
    which keeps it stable in float32. Settled vectors stay in the basis and get no further products (soft locking); so
    do the vectors beyond k, which see to it that the first k are the largest.

    It ends when the residuals ‖A·x − θ·x‖ of all sought are at most tol · max(|θ|, ε). That does not prove that nothing
    larger exists: a direction that is orthogonal to the start, as another copy of a multiple eigenvalue may be, can
    be missed. A few more start vectors than k make it unlikely, and :func:`lanczos` does prove it.

    Cost: one product for each start vector, then at most one for each pair that is sought in an iteration; 6 vectors of
    P for each that is returned.

    Knyazev 2001, Toward the optimal preconditioned eigensolver; Hetmaniuk & Lehoucq 2006, Basis selection in LOBPCG.

    Args:
        operator: A.
        start_KP: start vectors, of any length and not necessarily orthogonal.
        k: how many must settle (None: as many as there are start vectors).
        tol: of the residuals, relative to the eigenvalue.
        budget: most products.
        spare: so many pairs more than there are start vectors are returned, as far as they are known.

    Yields:
        Estimates of the k pairs after each iteration.

    Returns:
        As many pairs as there are start vectors and the spare ones, the first k of them settled where ``converged``.

    Raises:
        ValueError: where k, tol or the start cannot be.
    """
    k = len(start_KP) if k is None else k
    require_k(k, operator.size)
    require_tol(tol)
    space = Subspace(operator, min(3 * (len(start_KP) + spare), operator.size))
    block = space.add(start_KP)
    if block < k:
        raise ValueError(f"expected at least {k} independent start vectors, got {block}; start from random ones")
    while True:
        ritz = space.ritz()
        values_K, weights_KM = ritz.values_M[:block], ritz.weights_MM[:block]
        residuals_K = space.residuals(values_K, weights_KM)
        settled_K = residuals_K <= allowed(values_K, tol, float(ritz.values_M.abs().max()))
        yield Estimates(values_K[:k], residuals_K[:k], settled_K[:k], space.products)
        active = torch.nonzero(_sought(values_K, residuals_K, k) & ~settled_K).flatten().tolist()
        done = not active
        if done or space.products + len(active) > budget:
            return _told(space, ritz, block + spare, done)
        gap_KP = torch.stack([space.gap(float(values_K[row]), weights_KM[row]) for row in active])
        if space.count + len(active) > space.room:
            space.recombine(_with_change(weights_KM, block))
        if not space.add(gap_KP):  # nothing left but rounding
            return _told(space, space.ritz(), block + spare, False)


def _sought(values_K: Tensor, residuals_K: Tensor, k: int) -> Tensor:
    """Tell which pairs must settle: the first k, and those that may grow beyond the k-th."""
    grown_K = values_K + residuals_K**2 / values_K.abs()
    return (torch.arange(len(values_K)) < k) | (grown_K > values_K[k - 1])


def _told(space: Subspace, ritz: Ritz, count: int, done: bool) -> Eigenpairs:
    values_K, weights_KM = ritz.values_M[:count], ritz.weights_MM[:count]
    residuals_K = space.residuals(values_K, weights_KM)
    return Eigenpairs(values_K, residuals_K, space.spend(weights_KM), done, space.products)


def _with_change(weights_KM: Tensor, block: int) -> Tensor:
    """Add to the coefficients of X those of D: what X has of the basis beyond the X before, made orthonormal."""
    change_KM = weights_KM.clone()
    change_KM[:, :block] = 0.0
    Q, R = torch.linalg.qr(torch.cat((weights_KM, change_KM)).T)
    own: Tensor = Q.T[R.diagonal().abs() > DEPENDENT]
    return own
