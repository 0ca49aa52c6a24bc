"""The loss along a line, coarse first, then finer.

Shapes: M directions, n points of a level, N points of the last one.
"""

import math
from collections.abc import Generator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.core.analyses.base import Context, Events, Point, Tick
from backend.core.analyses.failures import Unsupported
from backend.core.analyses.places import points_of, require_finite, started, with_progress
from backend.core.geometry.evaluate import Evaluator, sample
from backend.core.geometry.grid import levels
from backend.core.geometry.line import Line, between, eigen_line, points_needed, random_line
from backend.core.problems.problem import Problem
from backend.schemas.analysis import BetweenLine, EigenLine, RandomLine, SliceAnalysis
from backend.schemas.events import Profile


def draw_slice(
    problem: Problem, line: Line, spec: SliceAnalysis, point: Point, index: int | None = None, *, tune: bool = False
) -> Events:
    """Evaluate f(t) = (1/M) Σ_d L(θ₀ + t·d) on nested points, one profile as soon as each level is whole.

    Over M > 1 directions ``stderr`` is std(L(θ₀ + t·d), ddof=1)/√M, the standard error of the mean over directions; for
    one direction on a part of the data it is that of the loss as an estimate of the loss on all. Every loss is
    evaluated once, M·N in all. Where one direction is not finite, neither is the mean.

    Goodfellow, Vinyals & Saxe 2015, Qualitatively characterizing neural network optimization problems.

    Args:
        problem: whose loss.
        line: where.
        spec: the interval, the resolution, the data.
        point: whose line it is.
        index: of the point.
        tune: whether timing may choose how the points are evaluated.

    Yields:
        A ``Profile`` for each level, and ticks whose pieces add up to the losses.
    """
    where = sample(problem, spec.data_fraction, spec.batchnorm)
    evaluators = [Evaluator(where, span, tune=tune, keep=len(line.directions_MP) == 1) for span in line.spans]
    dtype = str(problem.dtype).removeprefix("torch.")
    count = len(line.directions_MP)
    t_N = spec.low + (spec.high - spec.low) * (np.arange(spec.resolution) / (spec.resolution - 1))
    loss_MN, error_MN = np.full((count, spec.resolution), math.nan), np.full((count, spec.resolution), math.nan)
    known = np.zeros(spec.resolution, dtype=bool)
    for level in levels(spec.resolution):
        stride = (spec.resolution - 1) // (level - 1)
        fresh = [column for column in range(0, spec.resolution, stride) if not known[column]]
        known[fresh] = True
        for row, evaluator in enumerate(evaluators):
            found = yield from evaluator.losses([(t_N[column].item(),) for column in fresh])
            loss_MN[row, fresh] = found.loss_K
            if found.stderr_K is not None:
                error_MN[row, fresh] = found.stderr_K
        loss_Mn, error_Mn = loss_MN[:, ::stride], error_MN[:, ::stride]
        stderr_n = _spread(loss_Mn) if count > 1 else error_Mn[0]
        yield Profile(
            lane=point.resolved.lane,
            repeat=point.resolved.repeat,
            step=line.origin.step,
            point=index,
            label=line.label,
            t=t_N[::stride].astype(dtype),
            loss=_mean(loss_Mn).astype(dtype),
            stderr=None if np.isnan(stderr_n).all() else stderr_n.astype(dtype),
            length=line.length,
            directions=count,
            level=level,
            data_fraction=where.fraction,
            final=level == spec.resolution,
        )


def _mean(loss_Mn: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        mean_n: NDArray[np.float64] = loss_Mn.mean(axis=0)
    return mean_n


def _spread(loss_Mn: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        stderr_n: NDArray[np.float64] = loss_Mn.std(axis=0, ddof=1) / math.sqrt(len(loss_Mn))
    return stderr_n


class Slice:
    """Draws the line through each point, or the one between the first two."""

    def unsupported(self, problem: Problem, spec: SliceAnalysis) -> str | None:
        """Return None, or why this problem has no such line."""
        if isinstance(spec.line, RandomLine) and problem.view is None:
            weights = sum(end - start for _, shape, start, end in problem.layout.slices if len(shape) > 1)
            if not weights:
                return "A random direction needs weights beside biases, and this problem has none."
        return problem.check_deterministic()

    def run(self, problem: Problem, spec: SliceAnalysis, ctx: Context) -> Events:
        """Yield for each point a ``Profile`` at each level.

        Raises:
            NotFinite: where a point that the line goes through is not finite.
            Unsupported: where the points give no such line.
        """
        points = points_of(problem, ctx)
        yield started(problem, points)
        needed = points_needed(spec.line)
        if len(points) < needed:
            raise Unsupported(f"A line between two points needs two points in at, and there are {len(points)} here.")
        require_finite(points)
        lines = 1 if needed == 2 else len(points)
        many = spec.line.directions if isinstance(spec.line, RandomLine) else 1
        yield from with_progress(self._draw(problem, spec, ctx, points), "slice", lines * many * spec.resolution)

    def _draw(self, problem: Problem, spec: SliceAnalysis, ctx: Context, points: Sequence[Point]) -> Events:
        for index, point in enumerate(points[:1] if isinstance(spec.line, BetweenLine) else points):
            line = yield from self._line(problem, spec, ctx, points, point)
            yield from draw_slice(problem, line, spec, point, index, tune=ctx.tune)

    def _line(
        self, problem: Problem, spec: SliceAnalysis, ctx: Context, points: Sequence[Point], point: Point
    ) -> Generator[Tick, None, Line]:
        match spec.line:
            case RandomLine():
                line = random_line(spec.line, problem, point.moment, ctx.seed)
            case EigenLine():
                data = sample(problem, spec.data_fraction).data
                line = yield from eigen_line(spec.line, problem, point.moment, ctx.seed, data)
            case BetweenLine():
                line = between(points[0].moment, points[1].moment, (_name(points[0]), _name(points[1])))
        if not line.length > 0:
            raise Unsupported("The direction of this line is zero (are all weights zero?); take another one.")
        return line


def _name(point: Point) -> str:
    return f"{point.resolved.lane or 'the start'}, step {point.moment.step}"


SLICE: Final = Slice()
