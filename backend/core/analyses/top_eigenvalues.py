"""Eigenvalues at the ends of the spectrum, told as they converge."""

from typing import Final

from backend.core.analyses.base import TICK, Context, Events
from backend.core.analyses.curvature import Site, column, operator_at, sites, unsupported_matrix
from backend.core.analyses.places import points_of, started
from backend.core.curvature.eigenpairs import Eigenpairs, Estimates, require_k
from backend.core.curvature.lanczos import lanczos
from backend.core.problems.problem import Problem
from backend.schemas.analysis import TopEigenvaluesAnalysis
from backend.schemas.events import Eigenvalues

NEWS: Final = 10  # products after which estimates are told again, though no further one has settled


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
        for site in sites(problem, ctx, "top_eigenvalues"):
            yield from self._search(problem, spec, site)

    def _search(self, problem: Problem, spec: TopEigenvaluesAnalysis, site: Site) -> Events:
        operator = operator_at(problem, site.point, spec.matrix, spec.data_fraction)
        search = lanczos(operator, spec.k, site.generator, which=spec.which, tol=spec.tol, budget=spec.budget)
        told, settled = 0, 0
        while True:
            try:
                found = next(search)
            except StopIteration as end:
                pairs: Eigenpairs = end.value
                yield self._event(problem, spec, site, pairs, converged=pairs.converged, final=True)
                return
            if found is not None and (int(found.settled_K.sum()) > settled or found.products - told >= NEWS):
                told, settled = found.products, int(found.settled_K.sum())
                yield self._event(problem, spec, site, found, converged=False, final=False)
            else:
                yield TICK

    def _event(
        self,
        problem: Problem,
        spec: TopEigenvaluesAnalysis,
        site: Site,
        found: Estimates | Eigenpairs,
        *,
        converged: bool,
        final: bool,
    ) -> Eigenvalues:
        return Eigenvalues(
            **site.where,
            matrix=spec.matrix,
            which=spec.which,
            values=column(found.values_K, problem),
            residuals=column(found.residuals_K, problem),
            converged=converged,
            products=found.products,
            final=final,
        )


TOP_EIGENVALUES: Final = TopEigenvalues()
