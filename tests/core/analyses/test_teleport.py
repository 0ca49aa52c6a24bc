"""Teleportation: the function stays, the gradient grows, and descent goes on from there."""

import math

import numpy as np
import pytest
import torch

from backend.core.analyses.base import Context, Forget, Moment, Point
from backend.core.analyses.failures import NotFinite
from backend.core.analyses.registry import analysis_for
from backend.core.problems.build import build_problem
from backend.schemas.analysis import TeleportAnalysis
from backend.schemas.events import ResolvedPoint, Teleport
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import MlpModel
from tests.cases import CPU, build

NET = DataProblem(data=DigitsData(examples=60), model=MlpModel(hidden=(9, 7), activation="relu"))


class Shelf(Forget):
    """Keeps snapshots in a list."""

    def __init__(self):
        self.kept = []

    def snapshot(self, lane, repeat, moment):
        self.kept.append((lane, repeat, moment))


def point(problem, seed=0):
    params, buffers = problem.params0(seed)
    noise = torch.randn(params.shape, dtype=params.dtype, generator=torch.Generator().manual_seed(seed))
    return Point(ResolvedPoint(run="r", lane="SGD", step=4), Moment(4, params + 0.1 * noise, buffers))


def told(problem, spec, *points, keeper=None):
    ctx = Context(0, points, keeper=keeper or Forget())
    return [event for event in analysis_for(spec).run(problem, spec, ctx) if isinstance(event, Teleport)]


def last(events, trace, point=0):
    return [event for event in events if (event.trace, event.point) == (trace, point)][-1]


@pytest.fixture(scope="module")
def problem():
    return build_problem(NET, torch.float64, CPU)


@pytest.mark.parametrize("way", ["climb", "random"])
def test_the_function_stays_and_the_place_is_kept(problem, way):
    here, shelf = point(problem), Shelf()
    before = here.moment.params_P.clone()
    events = told(problem, TeleportAnalysis(way=way, steps=10, descent=3, lr=1e-3), here, keeper=shelf)
    assert torch.equal(here.moment.params_P, before)
    climb = last(events, "climb")
    assert climb.turn.tolist() == list(range(-10 if way == "climb" else -1, 1))
    assert np.ptp(climb.loss) < 1e-12
    assert climb.change < 1e-12
    ((lane, repeat, kept),) = shelf.kept
    assert (lane, repeat, kept.step) == ("teleported", 0, 4)
    data = problem.train
    torch.testing.assert_close(
        problem.outputs(kept.params_P, kept.buffers_B, data.x),
        problem.outputs(before, kept.buffers_B, data.x), rtol=1e-11, atol=1e-11,
    )  # fmt: skip
    assert climb.distance == pytest.approx(float((kept.params_P - before).norm()))
    assert climb.gain == pytest.approx(climb.grad_norm[-1] / climb.grad_norm[0])
    assert climb.factor > 1.01
    if way == "climb":
        assert (np.diff(climb.grad_norm) > 0).all()
        assert climb.gain > 20


def test_descents_are_plain_gradient_descent_on_all_examples(problem):
    here, shelf = point(problem), Shelf()
    events = told(problem, TeleportAnalysis(steps=1, descent=4, lr=1e-3), here, keeper=shelf)
    for trace, start in (("here", here.moment.params_P), ("there", shelf.kept[0][2].params_P)):
        theta, losses, norms = start.clone(), [], []
        for _ in range(5):
            leaf = theta.clone().requires_grad_()
            loss = problem.loss(leaf, here.moment.buffers_B)
            (slope,) = torch.autograd.grad(loss, leaf)
            losses.append(loss.item())
            norms.append(float(slope.norm()))
            theta = theta - 1e-3 * slope
        event = last(events, trace)
        assert event.final
        assert event.turn.tolist() == [0, 1, 2, 3, 4]
        np.testing.assert_allclose(event.loss, losses, rtol=1e-12)
        np.testing.assert_allclose(event.grad_norm, norms, rtol=1e-10)
    assert last(events, "there").loss[1] < last(events, "here").loss[1]  # the first step falls farther from there


def test_each_point_has_a_way_of_its_own_and_the_seed_draws_the_factors(problem):
    points = [point(problem, seed) for seed in (0, 1)]
    spec = TeleportAnalysis(way="random", descent=0)
    once, again = (told(problem, spec, *points) for _ in range(2))
    assert [event.to_json() for event in once] == [event.to_json() for event in again]
    assert last(once, "climb", 0).factor != last(once, "climb", 1).factor
    assert last(once, "there", 1).turn.tolist() == [0]


def test_a_place_where_nothing_grows_is_the_place_itself():
    problem = build_problem(NET, torch.float64, CPU)
    params, buffers = problem.params0(0)
    zero = Point(ResolvedPoint(run="r", step=0), Moment(0, torch.zeros_like(params), buffers))
    climb = last(told(problem, TeleportAnalysis(descent=1), zero), "climb")
    assert (climb.turn.tolist(), climb.gain, climb.factor, climb.distance) == ([0], 1.0, 1.0, 0.0)


def test_what_cannot_be_rescaled_is_said(problem):
    for name, sentence in (("rosenbrock", "hidden units"), ("digits-tanh", "activation relu")):
        assert sentence in analysis_for(TeleportAnalysis()).unsupported(build(name), TeleportAnalysis())
    here = point(problem)
    nowhere = Point(here.resolved, Moment(4, here.moment.params_P * math.nan, here.moment.buffers_B))
    with pytest.raises(NotFinite, match="step 4"):
        told(problem, TeleportAnalysis(), nowhere)
