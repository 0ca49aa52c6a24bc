"""The algebraically largest or smallest eigenpairs of a symmetric operator, their multiplicity included.

Shapes: P parameters, K wanted pairs, M vectors of the basis.
"""

from collections.abc import Generator
from typing import Final

import torch
from torch import Tensor

from backend.core.curvature.eigenpairs import (
    Eigenpairs,
    Estimates,
    Which,
    require_k,
    require_tol,
)
from backend.core.curvature.operator import SymmetricOperator
from backend.core.curvature.search import Search

MEMORY_MB: Final = 120  # of the basis and its images, unless the wanted pairs need more
MOST_ROOM: Final = 160  # vectors: beyond it the small dense problem costs more than products
BUDGET: Final = 1000  # products
Searching = Generator[Estimates | None, None, Eigenpairs]


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
) -> Searching:
    """Search k eigenpairs at one end of the spectrum, or at each end.

    Lanczos with full reorthogonalisation, done twice, and thick restarts. It goes on until every residual
    ‖A·x − λ·x‖ is at most tol · max(|λ|, ε), ε a thousandth of the largest |θ|. Small residuals do not prove that
    these are the largest: a Krylov space holds one vector of each eigenspace, so a single start misses every further
    copy of a multiple eigenvalue. Therefore the search starts again from a random vector orthogonal to everything so
    far, and ends only when nothing larger appears from there:

    - the new chain's largest Ritz value θ has converged, and is not above λ_k; or
    - it would have shown. The chain's moments bound what its start can hold of eigenvectors at λ_k and above
      (:func:`christoffel`). By chance the start's coefficient along one is about 1/√P; we wait until it would have
      to be less than a hundredth of that. Where the chain has been restarted in little room, Chebyshev's bound for
      the span of its spectrum does the same.

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
    search = Search(operator, k, which, tol, min(room, operator.size), generator)
    del operator
    vector_P: Tensor | None = search.fresh()
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
