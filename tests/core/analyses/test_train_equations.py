"""Training on differential equations: what is told instead of evaluations, and which points a step takes."""

import numpy as np
import pytest
import torch

from backend.core.analyses.base import Context
from backend.core.analyses.train import TRAIN
from backend.core.analyses.train.batches import FreshPoints
from backend.core.problems.build import build_problem
from backend.schemas.analysis import SolutionAnalysis
from backend.schemas.events import Eval, Fit, Solution, TrainChunk
from backend.schemas.optimizer import SgdOptimizer
from backend.schemas.problem import PdeProblem
from backend.schemas.problem.pde import PoissonPde
from backend.schemas.run import Lane, Probe, TrainRequest
from tests.cases import CPU


def race(sampling: str, batch_size: int | None = None) -> tuple[TrainRequest, list[object]]:
    pde = PoissonPde(points=12, sampling=sampling)  # type: ignore[arg-type]
    lanes = tuple(Lane(name=name, optimizer=SgdOptimizer(lr=1e-4)) for name in ("one", "same"))
    request = TrainRequest(
        problem=PdeProblem(pde=pde), steps=6, eval_every=3, batch_size=batch_size, lanes=lanes, tune=False
    )
    problem = build_problem(request.problem, torch.float64, CPU)
    return request, list(TRAIN.run(problem, request, Context(request.seed)))


def losses(events: list[object], lane: str) -> list[float]:
    chunks = [event for event in events if isinstance(event, TrainChunk) and event.lane == lane]
    return [float(value) for chunk in chunks for value in chunk.loss]


@pytest.mark.parametrize("sampling", ["midpoints", "random"])
def test_the_solution_s_error_is_told_in_place_of_an_evaluation(sampling: str) -> None:
    request, events = race(sampling)
    assert request.dtype == "float64"
    assert not [event for event in events if isinstance(event, Eval)]
    fits = [event for event in events if isinstance(event, Fit) and event.lane == "one"]
    assert [fit.step for fit in fits] == [0, 3, 6]
    problem = build_problem(request.problem, torch.float64, CPU)
    params_P, buffers_B = problem.params0(0)
    assert problem.solution is not None
    assert fits[0].relative_l2 == problem.solution.error(params_P)
    assert fits[0].loss == pytest.approx(problem.loss(params_P, buffers_B).item(), rel=1e-12)
    assert fits[0].s.shape == fits[0].u.shape == fits[0].exact.shape
    assert np.abs(fits[0].exact - np.sin(np.pi * fits[0].s)).max() < 1e-12


def test_fixed_points_are_those_of_the_analyses() -> None:
    _, events = race("midpoints")
    fits = {event.step: event.loss for event in events if isinstance(event, Fit) and event.lane == "one"}
    assert losses(events, "one")[0] == pytest.approx(fits[0], rel=1e-12)
    assert losses(events, "one")[3] == pytest.approx(fits[3], rel=1e-12)


@pytest.mark.parametrize("batch_size", [None, 5])
def test_new_points_are_the_same_for_all_lanes_and_for_the_same_seed(batch_size: int | None) -> None:
    _, events = race("random", batch_size)
    assert losses(events, "one") == losses(events, "same") == losses(race("random", batch_size)[1], "one")
    fits = {event.step: event.loss for event in events if isinstance(event, Fit) and event.lane == "one"}
    assert losses(events, "one")[0] != pytest.approx(fits[0], rel=1e-3)


def test_points_are_a_pure_function_of_seed_and_step() -> None:
    problem = build_problem(PdeProblem(pde=PoissonPde(points=7, sampling="random")), torch.float64, CPU)
    assert problem.solution is not None
    first, other = FreshPoints(problem.solution, None, 3), FreshPoints(problem.solution, None, 4)
    third = first.at(3)[0]
    assert first.at(3)[0] is third
    assert not torch.equal(first.at(2)[0], third)
    assert torch.equal(FreshPoints(problem.solution, None, 3).at(3)[0], third)
    assert not torch.equal(other.at(3)[0], third)
    assert third.shape == (7, 1)


def test_a_map_along_training_is_told_of_every_lane() -> None:
    pde = PoissonPde(dim=2, points=12)
    lanes = tuple(Lane(name=name, optimizer=SgdOptimizer(lr=1e-4)) for name in ("one", "other"))
    probe = Probe(every=2, late="wait", analysis=SolutionAnalysis(resolution=5))
    request = TrainRequest(problem=PdeProblem(pde=pde), steps=4, lanes=lanes, probes=(probe,), tune=False)
    problem = build_problem(request.problem, torch.float64, CPU)
    events = list(TRAIN.run(problem, request, Context(request.seed)))
    maps = [event for event in events if isinstance(event, Solution)]
    assert {(event.lane, event.step) for event in maps} == {(lane.name, step) for lane in lanes for step in (0, 2, 4)}
    fits = {event.step: event for event in events if isinstance(event, Fit) and event.lane == "one"}
    (last,) = [event for event in maps if (event.lane, event.step) == ("one", 4)]
    assert last.relative_l2 == fits[4].relative_l2
    np.testing.assert_array_equal(last.error, fits[4].error)
