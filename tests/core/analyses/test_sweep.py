"""Sweeps of the learning rate: against one lane after the other, and the known edge of stability."""

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from backend.core.analyses.base import Context
from backend.core.analyses.sweep import SWEEP
from backend.core.analyses.train.batches import Batches
from backend.schemas.analysis import SweepAnalysis
from backend.schemas.analysis.rules import Competitor
from backend.schemas.events import Progress, Started, Sweep
from backend.schemas.optimizer import (
    AdamOptimizer,
    AegdOptimizer,
    AnyOptimizer,
    EntropySgdOptimizer,
    SgdOptimizer,
    VrgdOptimizer,
    XGradOptimizer,
)
from tests.cases import build
from tests.core.optimizers.solo import Solo


def rules(**specs: AnyOptimizer) -> tuple[Competitor, ...]:
    return tuple(Competitor(name=name, optimizer=spec) for name, spec in specs.items())


def sweeps(name: str, spec: SweepAnalysis, seed: int = 0) -> list[Sweep]:
    events: list[Any] = list(SWEEP.run(build(name), spec, Context(seed=seed)))
    return [event for event in events if isinstance(event, Sweep)]


def final(name: str, spec: SweepAnalysis, seed: int = 0) -> list[Sweep]:
    return [event for event in sweeps(name, spec, seed) if event.final]


@pytest.mark.parametrize("spec", [SgdOptimizer(momentum=0.9), AdamOptimizer(), XGradOptimizer(), AegdOptimizer()])
def test_on_a_function_each_rate_ends_where_a_lane_does(spec: AnyOptimizer) -> None:
    sweep = SweepAnalysis(rules=rules(it=spec), low=1e-4, high=1e-2, rates=4, budget=30)
    (found,) = final("rosenbrock", sweep)
    assert found.lr.tolist() == pytest.approx([1e-4, 10 ** (-10 / 3), 10 ** (-8 / 3), 1e-2])
    problem = build("rosenbrock")
    for rate, loss in zip(found.lr.tolist(), found.loss.tolist(), strict=True):
        lane = Solo(spec.model_copy(update={"lr": rate}), problem)
        lane.walk(30)
        expected = float(problem.loss(lane.at, torch.empty(0)))
        if expected < 1e6 * found.first_loss:
            assert loss == pytest.approx(expected, rel=1e-8)
        else:
            assert np.isnan(loss)
    assert found.first_loss == pytest.approx(24.2)


def test_on_a_net_each_rate_ends_where_a_lane_does() -> None:
    problem = build("digits-tanh")
    assert problem.train is not None
    sweep = SweepAnalysis(rules=rules(it=SgdOptimizer()), low=0.01, high=0.5, rates=3, budget=12, batch_size=20)
    (found,) = final("digits-tanh", sweep, seed=3)
    params_P, buffers_B = problem.params0(3)
    batches = Batches(problem.train, 20, 3)
    for rate, loss in zip(found.lr.tolist(), found.loss.tolist(), strict=True):
        lane = Solo(SgdOptimizer(lr=rate), problem, params_P, batch=batches.at)
        lane.walk(12)
        assert loss == pytest.approx(float(problem.loss(lane.at, buffers_B)), rel=1e-12)
    assert found.steps.tolist() == [12, 12, 12]


def test_budgets_are_equal_whatever_a_step_costs() -> None:
    sweep = SweepAnalysis(
        rules=rules(sgd=SgdOptimizer(), entropy=EntropySgdOptimizer(inner_steps=7), vrgd=VrgdOptimizer()),
        low=0.01, high=0.1, rates=2, budget=21,
    )  # fmt: skip
    cheap, dear, double = final("moons-relu-kaiming", sweep)
    assert cheap.steps.tolist() == [21, 21]
    assert dear.steps.tolist() == [3, 3]
    assert double.steps.tolist() == [10, 10]
    assert dear.evaluations.tolist() == [21.0, 21.0]
    assert double.evaluations.tolist() == [20.0, 20.0]


def test_the_edge_of_stability_shows() -> None:
    # Largest curvature 10: gradient descent bears rates up to 2/10, whatever the budget.
    sweep = SweepAnalysis(rules=rules(gd=SgdOptimizer()), low=0.05, high=0.8, rates=5, budget=2000)
    (found,) = final("quadratic", sweep)  # .05, .1, .2, .4, .8
    assert np.isnan(found.loss).tolist() == [False, False, False, True, True]
    assert found.diverged == 2
    assert found.best_lr in found.lr[:2].tolist()
    assert found.best_loss == np.nanmin(found.loss)


def test_where_every_rate_diverges_none_is_best() -> None:
    sweep = SweepAnalysis(rules=rules(gd=SgdOptimizer()), low=1.0, high=10.0, rates=2, budget=50)
    (found,) = final("rosenbrock", sweep)
    assert found.best_lr is None
    assert found.best_loss is None
    assert found.diverged == 2


def test_a_sweep_grows_rate_by_rate_where_they_are_run_one_by_one() -> None:
    sweep = SweepAnalysis(rules=rules(a=SgdOptimizer(), b=AdamOptimizer()), rates=3, budget=2)
    events: list[Any] = list(SWEEP.run(build("moons-relu-kaiming"), sweep, Context(seed=0)))
    assert isinstance(events[0], Started)
    assert events[0].lanes == ("a", "b")
    found = [event for event in events if isinstance(event, Sweep)]
    assert [len(event.lr) for event in found] == [1, 2, 3, 1, 2, 3]
    assert [event.final for event in found] == [False, False, True] * 2
    progress = [event for event in events if isinstance(event, Progress)]
    assert (progress[-1].done, progress[-1].total) == (6, 6)


def test_the_same_seed_gives_the_same_sweep() -> None:
    sweep = SweepAnalysis(rules=rules(it=EntropySgdOptimizer(inner_steps=2)), rates=2, budget=4, batch_size=7)
    first, again, other = (final("moons-relu-kaiming", sweep, seed)[0].loss for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_does_not_fit_says_so() -> None:
    net, function = build("moons-relu-kaiming"), build("rosenbrock")
    assert "must be empty" in str(SWEEP.unsupported(function, SweepAnalysis(batch_size=4)))
    assert "fewer than batch_size 999" in str(SWEEP.unsupported(net, SweepAnalysis(batch_size=999)))
    assert "Rule 'v': VRGD" in str(SWEEP.unsupported(function, SweepAnalysis(rules=rules(v=VrgdOptimizer()))))
    assert SWEEP.unsupported(net, SweepAnalysis()) is None
    with pytest.raises(ValidationError, match="swap them"):
        SweepAnalysis(low=1.0, high=0.1)
