"""Roughness at stored moments, and along a race.

Shapes: P parameters, M directions, n = m + 1 points of a profile.
"""

import math
from collections.abc import Generator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap

from backend.core.analyses.base import ALIVE, Context, Events, Moment, Tick
from backend.core.analyses.curvature import Site, column, sites
from backend.core.analyses.places import points_of, require_finite, started, with_progress
from backend.core.geometry.directions import gaussian, normalized
from backend.core.geometry.evaluate import Evaluator, Sample, Span, sample
from backend.core.geometry.roughness import roughness, variations
from backend.core.problems.problem import Problem
from backend.core.runtime.seeding import generator
from backend.schemas.analysis import RoughnessAnalysis
from backend.schemas.events import Roughness as RoughnessEvent

FIRST: Final = 8  # directions after which the first index is told; then after twice as many, and so on
TOGETHER: Final = 20_000  # points of an equation times profiles that are evaluated at once


class Roughness:
    """Measures one index for each point and length."""

    def unsupported(self, problem: Problem, spec: RoughnessAnalysis) -> str | None:
        """Return None, or why this problem has no such profiles."""
        if problem.view is None and not any(len(shape) > 1 for _, shape, _, _ in problem.layout.slices):
            return "A random direction needs weights beside biases, and this problem has none."
        return problem.check_deterministic()

    def run(self, problem: Problem, spec: RoughnessAnalysis, ctx: Context) -> Events:
        """Yield for each point and length a ``Roughness`` after 8, 16, 32 … directions, and the last with all.

        Raises:
            NotFinite: where a point is not finite.
        """
        points = points_of(problem, ctx)
        yield started(problem, points)
        require_finite(points)
        total = len(points) * len(spec.all_lengths) * spec.directions * (spec.points + 1)
        yield from with_progress(self._measure(problem, spec, ctx), "roughness", total)

    def look(self, problem: Problem, spec: RoughnessAnalysis, site: Site, seed: int) -> Events:
        """Measure at one place; the losses are (m + 1)·M for each length, a tick after each.

        Direction i is drawn from (seed, i), so that the same ones, scaled to the weights there, are taken at every
        point and step: what changes along training is the landscape.

        Args:
            problem: whose loss.
            spec: lengths, points, directions, data.
            site: where.
            seed: of the request.

        Yields:
            ``Roughness``, ticks between.
        """
        where, moment = sample(problem, spec.data_fraction, spec.batchnorm), site.point.moment
        loss, grad_norm = slope(problem, where, moment)
        yield ALIVE
        error = None if problem.solution is None else problem.solution.error(moment.params_P)
        for length in spec.all_lengths:
            t_n = length * (2 * np.arange(spec.points + 1) / spec.points - 1)
            rows: list[NDArray[np.float64]] = []
            for index in range(spec.directions):
                direction_P = drawn(problem, spec, moment, seed, index)
                rows.append((yield from profile(where, moment, direction_P, t_n)))
                if len(rows) in _told(spec.directions):
                    profiles_Mn = np.stack(rows)
                    T_M = variations(profiles_Mn, length)
                    found = roughness(T_M, seed)
                    yield RoughnessEvent(
                        **site.where,
                        index=found.value,
                        interval=np.array([found.low, found.high]),
                        variations=column(torch.from_numpy(T_M), problem),
                        variation=found.variation,
                        least=1 / (2 * length),
                        undefined=found.undefined,
                        length=length,
                        first=length == spec.length,
                        points=spec.points,
                        directions=spec.directions,
                        t=column(torch.from_numpy(t_n), problem),
                        profiles=column(torch.from_numpy(profiles_Mn[: spec.shown]), problem),
                        loss=loss,
                        grad_norm=grad_norm,
                        relative_l2=error,
                        final=len(rows) == spec.directions,
                    )

    def _measure(self, problem: Problem, spec: RoughnessAnalysis, ctx: Context) -> Events:
        for site in sites(problem, ctx, spec.kind):
            yield from self.look(problem, spec, site, ctx.seed)


def drawn(problem: Problem, spec: RoughnessAnalysis, moment: Moment, seed: int, index: int) -> Tensor:
    """Draw a Gaussian direction [P] scaled to the weights; that of a function is a unit vector."""
    d_P = gaussian(problem.layout.size, generator(seed, spec.kind, index))
    if problem.view is not None:
        d_P /= d_P.norm()
        return d_P.to(moment.params_P)
    return normalized(d_P, moment.params_P, problem.layout, spec.normalization, spec.bias).to(moment.params_P)


def profile(
    where: Sample, moment: Moment, direction_P: Tensor, t_n: NDArray[np.float64]
) -> Generator[Tick, None, NDArray[np.float64]]:
    """Evaluate L(θ + t·d) at each t.

    Args:
        where: the examples, and BatchNorm's policy.
        moment: θ and the buffers.
        direction_P: d.
        t_n: the places.

    Yields:
        Ticks that count the losses.

    Returns:
        The losses [n], float64.
    """
    span = Span(moment.params_P, moment.buffers_B, (direction_P,))
    if where.problem.solution is None or where.examples is None:
        found = yield from Evaluator(where, span, keep=False).losses([(float(t),) for t in t_n])
        return found.loss_K
    # A differential equation's small network is evaluated at several places at once.
    loss_n, at_once = np.empty(len(t_n)), max(1, TOGETHER // len(where.examples))
    for start in range(0, len(t_n), at_once):
        places = slice(start, start + at_once)
        loss_n[places] = _together(where, span, t_n[places])
        yield Tick(len(t_n[places]))
    return loss_n


def slope(problem: Problem, where: Sample, moment: Moment) -> tuple[float, float]:
    """Return the loss and the norm of its gradient at a moment."""
    params_P = moment.params_P.detach().clone().requires_grad_()
    loss = problem.loss(params_P, moment.buffers_B, where.data, where.batchnorm)
    (grad_P,) = torch.autograd.grad(loss, params_P)
    norm = float(torch.linalg.vector_norm(grad_P)) if math.isfinite(loss.item()) else math.nan
    return loss.item(), norm


@torch.no_grad()
def _together(where: Sample, span: Span, t_K: NDArray[np.float64]) -> NDArray[np.float64]:
    def at(params_P: Tensor) -> Tensor:
        return where.problem.loss(params_P, span.buffers_B, where.data, where.batchnorm)

    loss_K = vmap(at)(torch.stack([span.embed((float(t),)) for t in t_K]))
    found: NDArray[np.float64] = loss_K.to("cpu", torch.float64).numpy()
    return found


def _told(directions: int) -> set[int]:
    doubled = (FIRST << power for power in range(directions.bit_length()))
    return {count for count in doubled if count < directions} | {directions}


ROUGHNESS: Final = Roughness()
