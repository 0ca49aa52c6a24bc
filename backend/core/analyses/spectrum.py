"""The spectral density and the outliers beyond it, of the whole matrix and layer by layer, told as they are found."""

from collections.abc import Iterator
from typing import Final

from backend.core.analyses.base import TICK, Context, Events
from backend.core.analyses.curvature import Site, column, operator_at, sites, unsupported_matrix
from backend.core.analyses.places import points_of, started, with_progress
from backend.core.analyses.top_eigenvalues import Search, search
from backend.core.curvature.blocks import Block, layers
from backend.core.curvature.operator import SymmetricOperator
from backend.core.curvature.slq import slq
from backend.core.problems.problem import Problem
from backend.schemas.analysis import SpectrumAnalysis
from backend.schemas.analysis.curvature import MATRICES, Matrix
from backend.schemas.events import Spectrum

TOLERANCE: Final = 1e-3  # of the outliers
BUDGET: Final = 1000  # products for them


class SpectrumDensity:
    """Bulk and outliers at each point."""

    def unsupported(self, problem: Problem, spec: SpectrumAnalysis) -> str | None:
        """Return None, or why there is no such matrix."""
        return unsupported_matrix(problem, spec.matrix)

    def run(self, problem: Problem, spec: SpectrumAnalysis, ctx: Context) -> Events:
        """Yield ``Eigenvalues`` of the outliers as they converge, then a ``Spectrum`` after each probe.

        The density is of the whole matrix and then of each layer's block.

        Raises:
            NotFinite: where a point, or the curvature there, is not finite.
        """
        points = points_of(problem, ctx)
        yield started(problem, points)
        for site in sites(problem, ctx, "spectrum"):
            yield from self.outliers(problem, spec, site)
        parts = len(matrices(problem, spec)) * (1 + (len(layers(problem.layout)) if spec.layers else 0))
        total = len(points) * parts * spec.probes * min(spec.steps, problem.layout.size)
        work = (event for site in sites(problem, ctx, "spectrum") for event in self.densities(problem, spec, site))
        yield from with_progress(work, "spectrum", total)

    def outliers(self, problem: Problem, spec: SpectrumAnalysis, site: Site) -> Events:
        """Yield the largest eigenvalues of each matrix at a place, and of each layer's block, as they converge."""
        for matrix in matrices(problem, spec) if spec.outliers else ():
            whole = operator_at(problem, site.point, matrix, spec.data_fraction)
            for layer, operator in _parts(problem, spec, whole):
                if (k := min(spec.outliers, operator.size - 1)) > 0:
                    wanted = Search(matrix, "largest", k, TOLERANCE, BUDGET, layer)
                    yield from search(problem, operator, wanted, site)

    def densities(self, problem: Problem, spec: SpectrumAnalysis, site: Site) -> Events:
        """Yield the density of each matrix at a place, after each probe; a tick after each product."""
        for matrix in matrices(problem, spec):
            whole = operator_at(problem, site.point, matrix, spec.data_fraction)
            for layer, operator in _parts(problem, spec, whole):
                yield from _density(problem, spec, site, matrix, layer, operator)


def matrices(problem: Problem, spec: SpectrumAnalysis) -> tuple[Matrix, ...]:
    """Return the matrices that are looked at: the one that was asked for, with ``beside`` the others after it.

    A function has no G, so that nothing stands beside its H.
    """
    others = MATRICES if spec.beside and problem.train is not None else ()
    return (spec.matrix, *(other for other in others if other != spec.matrix))


def _parts(
    problem: Problem, spec: SpectrumAnalysis, whole: SymmetricOperator
) -> Iterator[tuple[str | None, SymmetricOperator]]:
    yield None, whole
    if spec.layers:
        for layer in layers(problem.layout):
            yield layer.name, Block(whole, layer)


def _density(
    problem: Problem, spec: SpectrumAnalysis, site: Site, matrix: Matrix, layer: str | None, operator: SymmetricOperator
) -> Events:
    for found in slq(operator, spec.steps, spec.probes, site.generator):
        yield TICK
        if found is not None:
            grid_G = found.grid()
            yield Spectrum(
                **site.where,
                matrix=matrix,
                layer=layer,
                size=operator.size,
                grid=column(grid_G, problem),
                density=column(found.curve(grid_G), problem),
                trace=found.trace.value,
                trace_stderr=found.trace.stderr,
                probes=len(found.probes),
                products=found.products,
                final=len(found.probes) == spec.probes,
            )


SPECTRUM: Final = SpectrumDensity()
