"""The loss that each rule reaches at each learning rate, with the same budget of gradient evaluations."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np
import torch

from backend.core.analyses.base import ALIVE, Context, Events, Moment, Tick
from backend.core.analyses.basin import unsupported_rules
from backend.core.analyses.places import points_of, require_finite, started, with_progress
from backend.core.analyses.shares import share
from backend.core.analyses.train.batches import Batches
from backend.core.optimizers.many import PROPORTIONAL, Walker, walks_by_rate
from backend.core.problems.function import FunctionMinimisation
from backend.core.problems.problem import Problem
from backend.schemas.analysis import SweepAnalysis
from backend.schemas.analysis.rules import Competitor
from backend.schemas.events import Sweep


@dataclass
class _Rows:
    """What is known of a rule so far, one row a learning rate."""

    loss: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    evaluations: list[float] = field(default_factory=list)


class RateSweep:
    """Runs every rule at every learning rate; a part of a split sweep its share of these runs."""

    def unsupported(self, problem: Problem, spec: SweepAnalysis) -> str | None:
        """Return None, or why some rule or the batch size does not fit this problem."""
        if spec.batch_size is not None:
            if problem.train is None:
                return f"This problem has no examples, so batch_size must be empty, not {spec.batch_size}."
            if spec.batch_size > len(problem.train):
                return f"There are {len(problem.train)} training examples, fewer than batch_size {spec.batch_size}."
        return unsupported_rules(problem, spec.rules)

    def run(self, problem: Problem, spec: SweepAnalysis, ctx: Context) -> Events:
        """Yield a ``Sweep`` of each rule at each point, again as it grows.

        Raises:
            NotFinite: where a point is not finite.
        """
        points = points_of(problem, ctx)
        require_finite(points)
        yield started(problem, points).model_copy(
            update={"lanes": tuple(rule.name for rule in spec.rules), "parts": ctx.parts}
        )
        mine = share([(rule, rate) for rule in spec.rules for rate in rates_of(spec)], ctx.part, ctx.parts)
        work = (
            event
            for index, point in enumerate(points)
            for rule in spec.rules
            if len(rates_N := np.array([rate for of, rate in mine if of is rule]))
            for event in _swept(problem, spec, rule, rates_N, point.moment, index, ctx.seed)
        )
        yield from with_progress(work, "learning rates", len(points) * len(spec.rules) * spec.rates)


def rates_of(spec: SweepAnalysis) -> np.ndarray:
    """Return the learning rates, evenly spaced in the logarithm; both ends exactly."""
    return np.geomspace(spec.low, spec.high, spec.rates)


def _swept(
    problem: Problem,
    spec: SweepAnalysis,
    rule: Competitor,
    rates_N: np.ndarray,
    moment: Moment,
    index: int,
    seed: int,
) -> Events:
    with torch.no_grad():
        first = float(problem.loss(moment.params_P, moment.buffers_B))
    rows = _Rows()
    if isinstance(problem, FunctionMinimisation) and rule.optimizer.kind in PROPORTIONAL:
        walk = walks_by_rate(problem, rule.optimizer, moment.params_P, torch.from_numpy(rates_N), spec.budget)
        while True:
            try:
                next(walk)
            except StopIteration as stop:
                ends = stop.value
                break
            yield ALIVE
        rows.loss = problem.known.value(ends.points_NP).tolist()
        rows.steps, rows.evaluations = [spec.budget] * len(rates_N), [ends.evaluations] * len(rates_N)
        yield Tick(float(len(rates_N)))
    else:
        batches = None if problem.train is None else Batches(problem.train, spec.batch_size, seed)
        for rate in rates_N:
            optimizer = rule.optimizer.model_copy(update={"lr": float(rate)})
            batch = (lambda step: None) if batches is None else batches.at
            walker = Walker(problem, optimizer, moment.params_P, moment.buffers_B, seed, batch)
            yield from _spend(walker, spec.budget)
            with torch.no_grad():
                rows.loss.append(float(problem.loss(walker.params_P.detach(), walker.buffers_B)))
            rows.steps.append(walker.steps)
            rows.evaluations.append(walker.evaluations)
            yield Tick(1.0)
            if len(rows.loss) < len(rates_N):
                yield _event(problem, spec, rule, rates_N, rows, first, index)
    yield _event(problem, spec, rule, rates_N, rows, first, index)


def _spend(walker: Walker, budget: float) -> Generator[Tick, None, None]:
    """Step until the next step would cost more than is left; one step at least."""
    cost = 0.0
    while walker.steps == 0 or (walker.evaluations + cost <= budget and walker.finite()):
        before = walker.evaluations
        walker.step()
        cost = max(cost, walker.evaluations - before)
        yield ALIVE


def _event(
    problem: Problem,
    spec: SweepAnalysis,
    rule: Competitor,
    rates_N: np.ndarray,
    rows: _Rows,
    first: float,
    index: int,
) -> Sweep:
    count, dtype = len(rows.loss), str(problem.dtype).removeprefix("torch.")
    lr_n = rates_N[:count]
    loss_n = np.array([loss if _sound(loss, first, spec.divergence) else math.nan for loss in rows.loss])
    known = np.isfinite(loss_n)
    best = int(np.nanargmin(loss_n)) if known.any() else None
    return Sweep(
        lane=rule.name,
        point=index,
        lr=lr_n,
        loss=loss_n.astype(dtype),
        steps=np.array(rows.steps, np.int32),
        evaluations=np.array(rows.evaluations),
        budget=spec.budget,
        first_loss=first,
        best_lr=None if best is None else float(lr_n[best]),
        best_loss=None if best is None else float(loss_n[best]),
        diverged=int((~known).sum()),
        final=count == spec.rates,
    )


def _sound(loss: float, first: float, divergence: float) -> bool:
    return math.isfinite(loss) and (first == 0.0 or loss <= divergence * abs(first))


SWEEP = RateSweep()
