"""The spectral density, of the whole matrix and layer by layer, told after each probe."""

from collections.abc import Iterator
from typing import Final

from backend.core.analyses.base import TICK, Context, Events
from backend.core.analyses.curvature import Site, column, operator_at, sites, unsupported_matrix
from backend.core.analyses.places import points_of, started, with_progress
from backend.core.curvature.blocks import Block, layers
from backend.core.curvature.operator import SymmetricOperator
from backend.core.curvature.slq import slq
from backend.core.problems.problem import Problem
from backend.schemas.analysis import SpectrumAnalysis
from backend.schemas.events import Spectrum


class SpectrumDensity:
    """Bulk and outliers at each point."""

    def unsupported(self, problem: Problem, spec: SpectrumAnalysis) -> str | None:
        """Return None, or why there is no such matrix."""
        return unsupported_matrix(problem, spec.matrix)

    def run(self, problem: Problem, spec: SpectrumAnalysis, ctx: Context) -> Events:
        """Yield a ``Spectrum`` after each probe, of the whole matrix and then of each layer's block.

        Raises:
            NotFinite: where a point, or the curvature there, is not finite.
        """
        points = points_of(problem, ctx)
        yield started(problem, points)
        parts = 1 + (len(layers(problem.layout)) if spec.layers else 0)
        total = len(points) * parts * spec.probes * min(spec.steps, problem.layout.size)
        yield from with_progress(self._draw(problem, spec, ctx), "spectrum", total)

    def _draw(self, problem: Problem, spec: SpectrumAnalysis, ctx: Context) -> Events:
        for site in sites(problem, ctx, "spectrum"):
            whole = operator_at(problem, site.point, spec.matrix, spec.data_fraction)
            for layer, operator in self._parts(problem, spec, whole):
                yield from self._density(problem, spec, site, layer, operator)

    def _parts(
        self, problem: Problem, spec: SpectrumAnalysis, whole: SymmetricOperator
    ) -> Iterator[tuple[str | None, SymmetricOperator]]:
        yield None, whole
        if spec.layers:
            for layer in layers(problem.layout):
                yield layer.name, Block(whole, layer)

    def _density(
        self, problem: Problem, spec: SpectrumAnalysis, site: Site, layer: str | None, operator: SymmetricOperator
    ) -> Events:
        for found in slq(operator, spec.steps, spec.probes, site.generator):
            yield TICK
            if found is not None:
                grid_G = found.grid()
                yield Spectrum(
                    **site.where,
                    matrix=spec.matrix,
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
