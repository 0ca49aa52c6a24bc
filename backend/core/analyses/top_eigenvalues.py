"""Eigenvalues at the ends of the spectrum, told as they converge."""

from typing import Final, NamedTuple

from backend.core.analyses.base import TICK, Context, Events
from backend.core.analyses.curvature import Site, column, operator_at, sites, unsupported_matrix
from backend.core.analyses.places import points_of, started
from backend.core.curvature.eigenpairs import Eigenpairs, Estimates, Which, require_k
from backend.core.curvature.lanczos import lanczos
from backend.core.curvature.operator import SymmetricOperator
from backend.core.problems.problem import Problem
from backend.schemas.analysis import TopEigenvaluesAnalysis
from backend.schemas.analysis.curvature import Matrix
from backend.schemas.events import Eigenvalues

NEWS: Final = 10  # products after which estimates are told again, though no further one has settled


class Search(NamedTuple):
    """Which eigenvalues are wanted, how exactly, and for how many products at most."""

    matrix: Matrix
    which: Which
    k: int
    tol: float
    budget: int
    layer: str | None = None  # whose block of the matrix it is; None: the whole


class TopEigenvalues:
    """The algebraically largest or smallest eigenvalues at each point."""

    def unsupported(self, problem: Problem, spec: TopEigenvaluesAnalysis) -> str | None:
        """Return None, or why these eigenvalues do not exist here."""
        try:
            require_k(spec.k, problem.layout.size, spec.which)
        except ValueError as refusal:
            return str(refusal)
        return unsupported_matrix(problem, spec.matrix)

    def run(self, problem: Problem, spec: TopEigenvaluesAnalysis, ctx: Context) -> Events:
        """Yield ``Eigenvalues`` whenever another has settled or ten products were made, then the last ones.

        Raises:
            NotFinite: where a point, or the curvature there, is not finite.
        """
        yield started(problem, points_of(problem, ctx))
        wanted = Search(spec.matrix, spec.which, spec.k, spec.tol, spec.budget)
        for site in sites(problem, ctx, "top_eigenvalues"):
            operator = operator_at(problem, site.point, spec.matrix, spec.data_fraction)
            yield from search(problem, operator, wanted, site)


def search(problem: Problem, operator: SymmetricOperator, wanted: Search, site: Site) -> Events:
    """Search eigenvalues at one place.

    Args:
        problem: whose numbers the events carry.
        operator: the matrix.
        wanted: which eigenvalues of it.
        site: the place.

    Yields:
        ``Eigenvalues`` whenever another has settled or ten products were made, then the last ones; a tick after every
        other product.

    Raises:
        NotFinite: where the curvature is not finite.
    """
    work = lanczos(operator, wanted.k, site.generator, which=wanted.which, tol=wanted.tol, budget=wanted.budget)
    told, settled = 0, 0
    while True:
        try:
            found = next(work)
        except StopIteration as end:
            pairs: Eigenpairs = end.value
            break
        if found is not None and (int(found.settled_K.sum()) > settled or found.products - told >= NEWS):
            told, settled = found.products, int(found.settled_K.sum())
            yield _event(problem, wanted, site, found, converged=False, final=False)
        else:
            yield TICK
    yield _event(problem, wanted, site, pairs, converged=pairs.converged, final=True)


def _event(
    problem: Problem, wanted: Search, site: Site, found: Estimates | Eigenpairs, *, converged: bool, final: bool
) -> Eigenvalues:
    return Eigenvalues(
        **site.where,
        matrix=wanted.matrix,
        layer=wanted.layer,
        which=wanted.which,
        values=column(found.values_K, problem),
        residuals=column(found.residuals_K, problem),
        converged=converged,
        products=found.products,
        final=final,
    )


TOP_EIGENVALUES: Final = TopEigenvalues()
