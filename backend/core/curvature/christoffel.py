"""What a chain of products says of eigenvalues that it has not found.

Shapes: M steps of a chain.
"""

import math

from torch import Tensor


def christoffel(T_MM: Tensor, at: float) -> float:
    """Bound what a vector holds of the eigenvectors at ``at`` and beyond, from its chain of M steps.

    The chain's T belongs to the spectral measure of its start v: μ(λ) = Σ (uᵢ·v)² over the eigenvectors uᵢ at λ. Every
    measure with its first moments has at most 1/Σ_{i<M} pᵢ(x)² at x and beyond, where x is beyond all of T's
    eigenvalues and pᵢ are the orthonormal polynomials, T's three-term recurrence (Chebyshev, Markov, Stieltjes).

    Args:
        T_MM: tridiagonal, of a chain without restarts.
        at: x.

    Returns:
        The bound, at most 1; 1 where x is not beyond the eigenvalues of T.
    """
    diagonal, beside = T_MM.diagonal().tolist(), T_MM.diagonal(1).tolist()
    before, now, total = 0.0, 1.0, 1.0
    for i, (alpha, beta) in enumerate(zip(diagonal, beside, strict=False)):
        before, now = now, ((at - alpha) * now - (beside[i - 1] * before if i else 0.0)) / beta
        if now <= 0.0:  # as many changes of sign as there are eigenvalues beyond x
            return 1.0
        total += now * now
    # the last step, without a β, only says whether all eigenvalues lie below x
    count = len(diagonal)
    beyond = (at - diagonal[-1]) * now - (beside[count - 2] * before if count > 1 else 0.0)
    return 1.0 / total if beyond > 0.0 else 1.0


def chebyshev(low: float, high: float, at: float, steps: int) -> float:
    """Bound the same by what is left of a chain after restarts: the span of its spectrum and its steps.

    The Krylov space of j steps holds T_{j−1} of A, at most 1 on [low, high] and cosh((j − 1)·acosh(1 + 2(x − high) /
    (high − low))) at x: an eigenvector there would have come out if the start's coefficient were more than one over
    that.

    Returns:
        The bound, at most 1; 1 where x is not beyond ``high``.
    """
    if at <= high:
        return 1.0
    if low == high:
        return 0.0
    return math.cosh(min((steps - 1) * math.acosh(1.0 + 2.0 * (at - high) / (high - low)), 300.0)) ** -2
