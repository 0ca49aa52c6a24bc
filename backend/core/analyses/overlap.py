"""Gradient and update in the top eigenspace, at stored moments and along a race.

Shapes: P parameters, p of a layer, K dimensions of the eigenspace.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import torch
from torch import Tensor

from backend.core.analyses.base import Context, Events, Moment
from backend.core.analyses.curvature import Site, operator_at, sites, ticking
from backend.core.analyses.places import points_of, started
from backend.core.curvature.blocks import Block, Layer, layers
from backend.core.curvature.eigenpairs import require_k
from backend.core.curvature.overlap import baseline, fraction_in, subspace_overlap
from backend.core.curvature.tracking import Tracker
from backend.core.geometry.evaluate import sample
from backend.core.problems.params import Layout
from backend.core.problems.problem import Data, Problem
from backend.schemas.analysis import OverlapAnalysis
from backend.schemas.events import Overlap


class _Part(NamedTuple):
    """The whole matrix, or a layer's block of it, with the dimension of its eigenspace."""

    name: str | None  # None: the whole
    layer: Layer
    k: int


class Spaces:
    """The top eigenspaces of one lane, or of a request's points, from look to look.

    Memory between looks: K + 1 vectors of P, as many again with ``layers``.

    Args:
        problem: whose loss.
        spec: the analysis.
        random: draws the fresh starts of a lane whose eigenvectors are followed from look to look; None where the
            points may have nothing to do with each other, so that each search starts from its own site's vectors.
    """

    def __init__(self, problem: Problem, spec: OverlapAnalysis, random: torch.Generator | None = None) -> None:
        self._problem, self._spec, self._random = problem, spec, random
        self._data = sample(problem, spec.data_fraction).data
        self._trackers: dict[str | None, Tracker] = {}
        self._before: dict[str | None, Tensor] = {}

    def look(self, site: Site, update_P: Tensor | None = None) -> Events:
        """Look at a place.

        Args:
            site: where.
            update_P: the step that led there, where it is known.

        Yields:
            An ``Overlap`` of the whole matrix, then one of each layer's block; a tick after each product.

        Raises:
            NotFinite: where the parameters or the curvature are not finite.
        """
        spec, moment = self._spec, site.point.moment
        operator = operator_at(self._problem, site.point, "hessian", spec.data_fraction)
        grad_P = _gradient(self._problem, moment, self._data)
        for part in _parts(self._problem.layout, spec):
            block = operator if part.name is None else Block(operator, part.layer)
            pairs = yield from ticking(self._tracker(part, site).look(block))
            inside, vectors_Kp = slice(part.layer.start, part.layer.end), pairs.vectors_KP
            before_Kp = self._before.get(part.name)
            yield Overlap(
                **site.where,
                layer=part.name,
                k=part.k,
                fraction=fraction_in(vectors_Kp, grad_P[inside]),
                update=None if update_P is None else fraction_in(vectors_Kp, update_P[inside]),
                baseline=baseline(part.k, block.size),
                previous=None if before_Kp is None else subspace_overlap(before_Kp, vectors_Kp),
                residual=float(pairs.residuals_K.max()),
                converged=pairs.converged,
                products=pairs.products,
            )
            self._before[part.name] = vectors_Kp

    def _tracker(self, part: _Part, site: Site) -> Tracker:
        random = site.generator if self._random is None else self._random
        if self._random is None or part.name not in self._trackers:
            self._trackers[part.name] = Tracker(part.k, random, tol=self._spec.tol, budget=self._spec.budget)
        return self._trackers[part.name]


class EigenspaceOverlap:
    """How much of the gradient lies in the sharpest directions, and how they turn. A stored moment has no update."""

    def unsupported(self, problem: Problem, spec: OverlapAnalysis) -> str | None:
        """Return None, or why there is no such eigenspace."""
        try:
            require_k(spec.k, problem.layout.size)
        except ValueError as refusal:
            return str(refusal)
        return problem.check_deterministic()

    def run(self, problem: Problem, spec: OverlapAnalysis, ctx: Context) -> Events:
        """Yield an ``Overlap`` for each point, with ``layers`` one for each layer as well.

        Raises:
            NotFinite: where a point, or the curvature there, is not finite.
        """
        yield started(problem, points_of(problem, ctx))
        spaces = Spaces(problem, spec)
        for site in sites(problem, ctx, spec.kind):
            yield from spaces.look(site)


def _parts(layout: Layout, spec: OverlapAnalysis) -> Iterator[_Part]:
    """Yield the whole, then the layers; a layer of no more than k parameters takes all but one of its dimensions."""
    yield _Part(None, Layer("", 0, layout.size), spec.k)
    if spec.layers:
        for layer in layers(layout):
            if layer.end - layer.start > 1:  # of one parameter, all lies in every subspace
                yield _Part(layer.name, layer, min(spec.k, layer.end - layer.start - 1))


def _gradient(problem: Problem, moment: Moment, data: Data | None) -> Tensor:
    params_P = moment.params_P.detach().clone().requires_grad_(True)
    (grad_P,) = torch.autograd.grad(problem.loss(params_P, moment.buffers_B, data), params_P)
    return grad_P


OVERLAP: Final = EigenspaceOverlap()
