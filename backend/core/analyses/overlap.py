"""The gradient's share in the top eigenspace, point by point.

Shapes: P parameters, K dimensions of the eigenspace.
"""

from typing import Final

import torch
from torch import Tensor

from backend.core.analyses.base import TICK, Context, Events, Moment
from backend.core.analyses.curvature import operator_at, sites
from backend.core.analyses.places import points_of, started
from backend.core.curvature.eigenpairs import Eigenpairs, require_k
from backend.core.curvature.lanczos import lanczos
from backend.core.curvature.overlap import baseline, fraction_in, subspace_overlap
from backend.core.geometry.evaluate import sample
from backend.core.problems.problem import Data, Problem
from backend.schemas.analysis import OverlapAnalysis
from backend.schemas.events import Overlap


class EigenspaceOverlap:
    """How much of the gradient lies in the sharpest directions, and how they turn."""

    def unsupported(self, problem: Problem, spec: OverlapAnalysis) -> str | None:
        """Return None, or why there is no such eigenspace."""
        try:
            require_k(spec.k, problem.layout.size)
        except ValueError as refusal:
            return str(refusal)
        return problem.check_deterministic()

    def run(self, problem: Problem, spec: OverlapAnalysis, ctx: Context) -> Events:
        """Yield an ``Overlap`` for each point.

        Raises:
            NotFinite: where a point, or the curvature there, is not finite.
        """
        yield started(problem, points_of(problem, ctx))
        data, before_KP = sample(problem, spec.data_fraction).data, None
        for site in sites(problem, ctx, "overlap"):
            operator = operator_at(problem, site.point, "hessian", spec.data_fraction)
            search = lanczos(operator, spec.k, site.generator, tol=spec.tol, budget=spec.budget)
            while True:
                try:
                    next(search)
                except StopIteration as end:
                    pairs: Eigenpairs = end.value
                    break
                yield TICK
            yield Overlap(
                **site.where,
                k=spec.k,
                fraction=fraction_in(pairs.vectors_KP, _gradient(problem, site.point.moment, data)),
                baseline=baseline(spec.k, operator.size),
                previous=None if before_KP is None else subspace_overlap(before_KP, pairs.vectors_KP),
                converged=pairs.converged,
                products=pairs.products,
            )
            before_KP = pairs.vectors_KP


def _gradient(problem: Problem, moment: Moment, data: Data | None) -> Tensor:
    params_P = moment.params_P.detach().clone().requires_grad_(True)
    (grad_P,) = torch.autograd.grad(problem.loss(params_P, moment.buffers_B, data), params_P)
    return grad_P


OVERLAP: Final = EigenspaceOverlap()
