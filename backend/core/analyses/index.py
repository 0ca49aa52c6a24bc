"""The share of negative eigenvalues: counted where the matrix is small, estimated where it is not.

Shapes: P parameters.
"""

from typing import Final

import torch

from backend.core.analyses.base import TICK, Context, Events
from backend.core.analyses.curvature import Site, operator_at, sites
from backend.core.analyses.places import points_of, started, with_progress
from backend.core.curvature.operator import SymmetricOperator
from backend.core.curvature.slq import slq
from backend.core.problems.problem import Problem
from backend.schemas.analysis import IndexAnalysis
from backend.schemas.events import Index

SMALL: Final = 500  # parameters up to which all eigenvalues are computed


class IndexShare:
    """What kind of saddle each point is."""

    def unsupported(self, problem: Problem, spec: IndexAnalysis) -> str | None:
        """Return None, or why the Hessian is not certain."""
        return problem.check_deterministic()

    def run(self, problem: Problem, spec: IndexAnalysis, ctx: Context) -> Events:
        """Yield an ``Index``: one for a small matrix, otherwise one after each probe.

        Raises:
            NotFinite: where a point, or the curvature there, is not finite.
        """
        points, size = points_of(problem, ctx), problem.layout.size
        yield started(problem, points)
        products = size if size <= SMALL else spec.probes * spec.steps
        yield from with_progress(self._count(problem, spec, ctx), "index", len(points) * products)

    def _count(self, problem: Problem, spec: IndexAnalysis, ctx: Context) -> Events:
        for site in sites(problem, ctx, "index"):
            operator = operator_at(problem, site.point, "hessian", spec.data_fraction)
            yield from (_counted if operator.size <= SMALL else _estimated)(operator, spec, site)


def _counted(operator: SymmetricOperator, spec: IndexAnalysis, site: Site) -> Events:
    rows = []
    for row_P in torch.eye(operator.size, dtype=operator.dtype, device=operator.device):
        rows.append(operator.apply(row_P.unsqueeze(0)))
        yield TICK
    dense_PP = torch.cat(rows).to("cpu", torch.float64)
    values_P = torch.linalg.eigvalsh((dense_PP + dense_PP.T) / 2)
    below = -spec.negligible * float(values_P.abs().max())
    share = float((values_P < below).double().mean())
    yield Index(**site.where, value=share, stderr=0.0, below=below, products=operator.size, final=True)


def _estimated(operator: SymmetricOperator, spec: IndexAnalysis, site: Site) -> Events:
    for found in slq(operator, spec.steps, spec.probes, site.generator):
        yield TICK
        if found is not None:
            below = -spec.negligible * max(float(probe.nodes_M.abs().max()) for probe in found.probes)
            share = found.share_below(below)
            final = len(found.probes) == spec.probes
            yield Index(
                **site.where, value=share.value, stderr=share.stderr, below=below, products=found.products, final=final
            )


INDEX: Final = IndexShare()
