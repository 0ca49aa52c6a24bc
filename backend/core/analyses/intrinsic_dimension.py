"""The intrinsic dimension: in how many random directions training does almost as well as in all.

Shapes: P parameters, B buffer values, d dimensions of a subspace.
"""

import math
from typing import Final

import torch
from torch import Tensor

from backend.core.analyses.base import TICK, Context, Events
from backend.core.analyses.batch_loss import fresh_batches
from backend.core.analyses.curvature import Site, sites
from backend.core.analyses.places import points_of, started
from backend.core.geometry.subspace import MOST, projection, train_inside
from backend.core.problems.problem import Problem
from backend.core.runtime.seeding import generator
from backend.schemas.analysis import IntrinsicDimensionAnalysis
from backend.schemas.events import Dimension, Progress

NEWS: Final = 50  # steps between two reports of progress


class IntrinsicDimension:
    """Trains in all parameters once, then in random subspaces of growing dimension."""

    def unsupported(self, problem: Problem, spec: IntrinsicDimensionAnalysis) -> str | None:
        """Return None, or why there is no such score or subspace here."""
        if spec.score == "accuracy" and problem.classes is None:
            return "Accuracy needs classes, and this problem has none; take the score likelihood, exp(−loss)."
        size, largest = problem.layout.size, max(spec.dimensions)
        if largest > size:
            return f"dimensions asks for {largest:,}, and this problem has {size:,} parameters in all; ask for fewer."
        if largest * size > MOST:
            return (
                f"A subspace of {largest:,} dimensions of {size:,} parameters takes {largest * size:,} numbers, and "
                f"{MOST:,} are the limit; ask for at most {MOST // size:,} dimensions."
            )
        return problem.check_deterministic()

    def run(self, problem: Problem, spec: IntrinsicDimensionAnalysis, ctx: Context) -> Events:
        """Yield for each point a ``Dimension`` for training in all parameters, then one for each subspace.

        Raises:
            NotFinite: where a point is not finite.
        """
        yield started(problem, points_of(problem, ctx))
        for site in sites(problem, ctx, "intrinsic_dimension"):
            yield from _search(problem, spec, ctx.seed, site)


def _search(problem: Problem, spec: IntrinsicDimensionAnalysis, seed: int, site: Site) -> Events:
    split = "test" if spec.split == "test" and problem.test is not None else "train"
    sizes = sorted(set(spec.dimensions))
    trials = [(problem.layout.size, 0), *((d, subspace) for d in sizes for subspace in range(spec.subspaces))]
    scores: dict[int, list[float]] = {}
    threshold, reached = math.nan, None
    total = len(trials) * spec.steps
    for index, (d, subspace) in enumerate(trials):
        params_P, buffers_B = site.point.moment.params_P, site.point.moment.buffers_B.clone()
        random = generator(seed, "intrinsic_dimension", d, subspace)
        directions_Pd = None if index == 0 else projection(problem.layout.size, d, random, params_P)
        lr = spec.full_lr if index == 0 else spec.lr
        loss_at = fresh_batches(problem, buffers_B, None if spec.rule == "lbfgs" else spec.batch_size, random)
        for step, reached_P in enumerate(
            train_inside(params_P, directions_Pd, loss_at, spec.rule, spec.steps, lr), start=1
        ):
            params_P = reached_P
            done = index * spec.steps + step
            yield TICK if step % NEWS else Progress(phase="subspaces", done=done, total=total)
        loss, score = _scored(problem, spec, split, params_P, buffers_B)
        if index == 0:
            threshold = spec.share * score
        else:
            scores.setdefault(d, []).append(score)
            whole = len(scores[d]) == spec.subspaces
            if whole and reached is None and sum(scores[d]) / spec.subspaces >= threshold:
                reached = d
        yield Dimension(
            **site.where,
            d=d,
            subspace=subspace,
            score=score,
            loss=loss,
            split=split,
            threshold=threshold,
            reached=reached,
            final=index == len(trials) - 1,
        )


@torch.no_grad()
def _scored(
    problem: Problem, spec: IntrinsicDimensionAnalysis, split: str, params_P: Tensor, buffers_B: Tensor
) -> tuple[float, float]:
    """Return loss and score of a split."""
    data = problem.test if split == "test" else problem.train
    if data is None:
        loss, accuracy = float(problem.loss(params_P, buffers_B)), None
    else:
        loss, accuracy = problem.evaluate(params_P, buffers_B, data)
    if spec.score == "accuracy" and accuracy is not None:
        return loss, accuracy
    return loss, math.exp(-loss) if loss > -700 else math.inf


INTRINSIC_DIMENSION: Final = IntrinsicDimension()
