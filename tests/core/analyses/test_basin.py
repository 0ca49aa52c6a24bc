"""Maps of basins: against one lane after the other, and functions whose basins are known."""

import math
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from backend.core.analyses.base import Context, Moment, Point
from backend.core.analyses.basin import BASIN
from backend.core.analyses.stationary import DIVERGED, NOWHERE, StationaryPoints
from backend.core.problems.function import FunctionMinimisation
from backend.schemas.analysis import BasinAnalysis
from backend.schemas.analysis.rules import Competitor
from backend.schemas.events import Basin, Progress, ResolvedPoint, Started
from backend.schemas.optimizer import AdamOptimizer, AnyOptimizer, NewtonOptimizer, SgdOptimizer, VrgdOptimizer
from tests.cases import build
from tests.core.optimizers.solo import Solo


def rules(**specs: AnyOptimizer) -> tuple[Competitor, ...]:
    return tuple(Competitor(name=name, optimizer=spec) for name, spec in specs.items())


def events(name: str, spec: BasinAnalysis, ctx: Context | None = None) -> list[Any]:
    return list(BASIN.run(build(name), spec, ctx or Context(seed=0)))


def maps(name: str, spec: BasinAnalysis) -> list[Basin]:
    return [event for event in events(name, spec) if isinstance(event, Basin)]


def nearest(end: np.ndarray, minima: Any) -> int:
    away = np.linalg.norm(np.array(minima) - end, axis=1)
    return int(away.argmin()) if away.min() <= 0.01 * 10 else NOWHERE


def test_every_start_reaches_what_a_lane_from_it_reaches() -> None:
    problem = cast("FunctionMinimisation", build("himmelblau"))
    spec = BasinAnalysis(rules=rules(gd=SgdOptimizer(lr=0.01)), steps=80, resolution=5, tolerance=0.01)
    (last,) = [event for event in maps("himmelblau", spec) if event.final]
    for i, x in enumerate(last.x):
        for j, y in enumerate(last.y):
            end = Solo(SgdOptimizer(lr=0.01), problem, (float(x), float(y))).walk(80)[-1]
            assert last.loss[i, j] == pytest.approx(float(problem.known.value(end)), abs=1e-10)
            assert last.place[i, j] == nearest(end.numpy(), problem.known.minima)
    assert sorted(set(last.place.flatten().tolist())) == [0, 1, 2, 3]


def test_levels_are_nested_and_walk_from_every_start_once() -> None:
    found = maps("himmelblau", BasinAnalysis(rules=rules(adam=AdamOptimizer(lr=0.05)), steps=60, resolution=17))
    assert [event.level for event in found] == [5, 9, 17]
    assert [event.final for event in found] == [False, False, True]
    for coarse, fine in pairwise(found):
        for name in ("place", "loss", "height", "shade"):
            assert np.array_equal(getattr(coarse, name), getattr(fine, name)[::2, ::2], equal_nan=True)
        assert np.array_equal(coarse.x, fine.x[::2])
    assert found[-1].height[0, 5] == build("himmelblau").loss(  # the first axis is x
        torch.tensor([found[-1].x[0], found[-1].y[5]], dtype=torch.float64), torch.empty(0)
    )
    assert float(found[-1].share.sum()) + found[-1].unarrived + found[-1].diverged == pytest.approx(1.0)
    assert found[-1].evaluations == 60


def test_newton_lands_on_saddles_and_maxima_too() -> None:
    spec = BasinAnalysis(rules=rules(n=NewtonOptimizer(damping=0.0)), steps=20, resolution=9)
    (last,) = [event for event in maps("himmelblau", spec) if event.final]
    assert sorted(last.place_kind) == ["maximum"] + 4 * ["minimum"] + 4 * ["saddle"]
    points = torch.tensor(np.stack([last.place_x, last.place_y], 1)).requires_grad_()
    (slopes,) = torch.autograd.grad(cast("FunctionMinimisation", build("himmelblau")).known.value(points).sum(), points)
    assert float(slopes.abs().max()) < 1e-9
    known = cast("FunctionMinimisation", build("himmelblau")).known
    assert last.place_loss[0] == pytest.approx(known.minimum, abs=1e-20)


def test_local_minima_are_found_and_share_eight_colours() -> None:
    (last,) = [
        event
        for event in maps("rastrigin", BasinAnalysis(rules=rules(gd=SgdOptimizer(lr=0.002)), steps=300, resolution=17))
        if event.final
    ]
    minima = [kind == "minimum" for kind in last.place_kind]
    assert sum(minima) > 50
    arrived = last.place >= 0
    assert np.array_equal(last.shade[arrived], last.place[arrived] % 8)
    assert (last.place_x[0], last.place_y[0]) == (0.0, 0.0)  # known minima come first


def test_what_diverges_and_what_does_not_arrive_is_told_apart() -> None:
    wild, slow = (
        maps("rosenbrock", BasinAnalysis(rules=rules(gd=SgdOptimizer(lr=lr)), steps=20, resolution=5))
        for lr in (0.1, 1e-6)
    )
    assert wild[-1].diverged > 0.8
    assert set(wild[-1].place[~np.isfinite(wild[-1].loss)].tolist()) == {DIVERGED}
    assert slow[-1].diverged == 0.0
    assert slow[-1].unarrived > 0.9
    assert set(slow[-1].place.flatten().tolist()) <= {NOWHERE, 0}


def test_a_curve_of_minima_belongs_to_the_nearest_one_known() -> None:
    places = StationaryPoints(cast("FunctionMinimisation", build("scalar_network")), 0.01)
    ends = torch.tensor([[0.5, 2.0], [-1.0, -1.0], [1.0, 1.0], [3.0, 3.0], [math.nan, 0.0]], dtype=torch.float64)
    wild = torch.tensor([False, False, False, False, True])
    assert places.assign(ends, wild).tolist() == [0, 2, 0, NOWHERE, DIVERGED]
    assert len(places.kinds) == 3


def test_rules_share_the_list_of_places() -> None:
    spec = BasinAnalysis(rules=rules(a=SgdOptimizer(lr=0.01), b=AdamOptimizer(lr=0.1)), steps=100, resolution=5)
    found = events("himmelblau", spec)
    assert isinstance(found[0], Started)
    assert found[0].lanes == ("a", "b")
    assert {event.lane for event in found if isinstance(event, Basin)} == {"a", "b"}
    progress = [event for event in found if isinstance(event, Progress)]
    assert progress[-1].total == 2 * 25
    assert progress[-1].done == 50


def test_further_variables_start_where_the_point_has_them() -> None:
    problem = build("quadratic-5d")
    spec = BasinAnalysis(rules=rules(gd=SgdOptimizer(lr=1e-9)), steps=1, resolution=5)
    at = Moment(0, torch.tensor([9.0, 9.0, 2.0, 0.0, 1.0], dtype=torch.float64), torch.empty(0))
    ctx = Context(seed=0, points=(Point(ResolvedPoint(step=0), at),))
    last = next(event for event in BASIN.run(problem, spec, ctx) if isinstance(event, Basin))
    here = torch.tensor([last.x[2], last.y[1], 2.0, 0.0, 1.0], dtype=torch.float64)
    assert last.height[2, 1] == problem.loss(here, torch.empty(0))


def test_what_has_no_map_says_so() -> None:
    sentence = BASIN.unsupported(build("digits-tanh"), BasinAnalysis())
    assert sentence is not None
    assert "an analytic function of two variables" in sentence
    sentence = BASIN.unsupported(build("rosenbrock"), BasinAnalysis(rules=rules(v=VrgdOptimizer())))
    assert sentence is not None
    assert sentence.startswith("Rule 'v': VRGD")
    assert BASIN.unsupported(build("rosenbrock"), BasinAnalysis()) is None


def test_names_must_differ() -> None:
    with pytest.raises(ValidationError, match="two rules are named 'SGD'"):
        BasinAnalysis(rules=(Competitor(), Competitor()))
