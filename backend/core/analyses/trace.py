"""The trace, told after each probe."""

from typing import Final

from backend.core.analyses.base import TICK, Context, Events
from backend.core.analyses.curvature import operator_at, sites, unsupported_matrix
from backend.core.analyses.places import points_of, started, with_progress
from backend.core.curvature.hutchinson import hutchinson
from backend.core.problems.problem import Problem
from backend.schemas.analysis import TraceAnalysis
from backend.schemas.events import Trace


class TraceEstimate:
    """The sum of all eigenvalues at each point."""

    def unsupported(self, problem: Problem, spec: TraceAnalysis) -> str | None:
        """Return None, or why there is no such matrix."""
        return unsupported_matrix(problem, spec.matrix)

    def run(self, problem: Problem, spec: TraceAnalysis, ctx: Context) -> Events:
        """Yield a ``Trace`` after each probe, with the standard error so far.

        Raises:
            NotFinite: where a point, or the curvature there, is not finite.
        """
        points = points_of(problem, ctx)
        yield started(problem, points)
        yield from with_progress(self._estimate(problem, spec, ctx), "trace", len(points) * spec.probes)

    def _estimate(self, problem: Problem, spec: TraceAnalysis, ctx: Context) -> Events:
        for site in sites(problem, ctx, "trace"):
            operator = operator_at(problem, site.point, spec.matrix, spec.data_fraction)
            for found in hutchinson(operator, spec.probes, site.generator):
                yield TICK
                yield Trace(
                    **site.where,
                    matrix=spec.matrix,
                    value=found.trace.value,
                    stderr=found.trace.stderr,
                    probes=found.products,
                    final=found.products == spec.probes,
                )


TRACE: Final = TraceEstimate()
