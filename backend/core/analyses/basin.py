"""Which minimum a rule reaches from each start of a grid, coarse first, then finer.

Shapes: n = m = starts a side of a level, N of the last one; K fresh starts, P variables.
"""

from collections.abc import Generator
from typing import cast

import numpy as np
import torch
from torch import Tensor

from backend.core.analyses.base import Context, Events, Tick
from backend.core.analyses.places import points_of, started, with_progress
from backend.core.analyses.stationary import DIVERGED, NOWHERE, StationaryPoints
from backend.core.geometry.grid import coordinates, levels
from backend.core.optimizers.many import Ends, Walks, walks
from backend.core.optimizers.registry import rule_of
from backend.core.problems.function import FunctionMinimisation
from backend.core.problems.problem import Problem
from backend.schemas.analysis import BasinAnalysis
from backend.schemas.analysis.rules import Competitor
from backend.schemas.events import Basin

COLOURS = 8  # places from here on are counted from 0 again


def unsupported_rules(problem: Problem, rules: tuple[Competitor, ...]) -> str | None:
    """Return None, or the sentence of the first rule that does not work on a problem."""
    for rule in rules:
        if sentence := rule_of(rule.optimizer).unsupported(rule.optimizer, problem):
            return f"Rule {rule.name!r}: {sentence}"
    return None


class BasinMap:
    """Draws one map for each rule; they share the list of stationary points, so that a colour is one place."""

    def unsupported(self, problem: Problem, spec: BasinAnalysis) -> str | None:
        """Return None, or why there is no such map."""
        if not isinstance(problem, FunctionMinimisation) or problem.layout.size < 2:
            return (
                "A map of basins is of an analytic function of two variables or more, and this problem is none; "
                "choose one of the functions, or sweep the learning rate instead."
            )
        return unsupported_rules(problem, spec.rules)

    def run(self, problem: Problem, spec: BasinAnalysis, ctx: Context) -> Events:
        """Yield a ``Basin`` for each rule and level: 5×5 starts, 9×9 … up to the resolution.

        Starts fill the box that pictures of the function show; variables beyond the second start where the point has
        them. Every start is walked from once, whatever the number of levels.
        """
        function, points = cast("FunctionMinimisation", problem), points_of(problem, ctx)
        yield started(problem, points).model_copy(update={"lanes": tuple(rule.name for rule in spec.rules)})
        total = len(spec.rules) * spec.resolution**2
        yield from with_progress(_maps(function, spec, points[0].moment.params_P, ctx.seed), "basins", total)


def _maps(function: FunctionMinimisation, spec: BasinAnalysis, at_P: Tensor, seed: int) -> Events:
    view = function.view
    assert view is not None  # every function has one
    places = StationaryPoints(function, spec.tolerance * (view.high[0] - view.low[0]))
    for rule in spec.rules:
        yield from _map(function, spec, rule, places, at_P, seed)


def _map(
    function: FunctionMinimisation,
    spec: BasinAnalysis,
    rule: Competitor,
    places: StationaryPoints,
    at_P: Tensor,
    seed: int,
) -> Events:
    size, dtype = spec.resolution, str(function.dtype).removeprefix("torch.")
    place_NN = np.full((size, size), NOWHERE, np.int32)
    loss_NN, height_NN = np.full((size, size), np.nan), np.full((size, size), np.nan)
    for level in levels(size):
        stride = (size - 1) // (level - 1)
        x_n, y_m = _axes(function, level)
        # Where there is no height yet; what is not finite there would be walked from again, to the same end.
        fresh = np.argwhere(np.isnan(height_NN[::stride, ::stride])).tolist()
        starts_KP = at_P.detach().repeat(len(fresh), 1)
        starts_KP[:, 0] = torch.tensor([x_n[i] for i, _ in fresh]).to(starts_KP)
        starts_KP[:, 1] = torch.tensor([y_m[j] for _, j in fresh]).to(starts_KP)
        walk = walks(function, rule.optimizer, starts_KP, spec.steps, seed)
        ends = yield from _ticks(walk, len(fresh))
        height_K, loss_K = (function.known.value(points).double() for points in (starts_KP, ends.points_NP))
        wild_K = ~torch.isfinite(loss_K) | (loss_K.abs() > spec.divergence * height_K.abs().clamp(min=1e-12))
        rows, columns = (np.array(side) * stride for side in zip(*fresh, strict=True))
        place_NN[rows, columns] = places.assign(ends.points_NP, wild_K)
        loss_NN[rows, columns], height_NN[rows, columns] = loss_K.cpu().numpy(), height_K.cpu().numpy()
        place_nm = place_NN[::stride, ::stride].copy()
        count = len(places.kinds)
        yield Basin(
            lane=rule.name,
            point=0,
            level=level,
            steps=spec.steps,
            x=x_n.astype(dtype),
            y=y_m.astype(dtype),
            place=place_nm,
            shade=np.where(place_nm < 0, place_nm, place_nm % COLOURS).astype(np.int32),
            loss=_cast(loss_NN[::stride, ::stride], dtype),
            height=_cast(height_NN[::stride, ::stride], dtype),
            place_x=places.points_KP[:, 0].numpy().astype(dtype),
            place_y=places.points_KP[:, 1].numpy().astype(dtype),
            place_loss=_cast(places.losses().numpy(), dtype),
            place_kind=tuple(places.kinds),
            share=np.array([(place_nm == index).mean() for index in range(count)]),
            unarrived=float((place_nm == NOWHERE).mean()),
            diverged=float((place_nm == DIVERGED).mean()),
            evaluations=ends.evaluations,
            final=level == size,
        )


def _ticks(walk: Walks, pieces: int) -> Generator[Tick, None, Ends]:
    """Tick along with a walk; once it has ended, its pieces are done."""
    while True:
        try:
            next(walk)
        except StopIteration as stop:
            yield Tick(float(pieces))
            ends: Ends = stop.value
            return ends
        yield Tick(0.0)


def _axes(function: FunctionMinimisation, level: int) -> tuple[np.ndarray, np.ndarray]:
    view = function.view
    assert view is not None
    unit = coordinates(level, 0.5) + 0.5
    x_n, y_m = (low + (high - low) * unit for low, high in zip(view.low[:2], view.high[:2], strict=True))
    return x_n, y_m


def _cast(values: np.ndarray, dtype: str) -> np.ndarray:
    with np.errstate(over="ignore"):  # what is out of range is infinite
        return values.astype(dtype)


BASIN = BasinMap()
