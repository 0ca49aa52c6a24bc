"""The intrinsic dimension: ten are planted and ten are found; subspaces, scores and refusals."""

import math

import pytest
import torch

from backend.core.analyses.base import Context, Moment, Point
from backend.core.analyses.registry import analysis_for
from backend.core.geometry.subspace import projection, train_inside
from backend.core.problems.build import build_problem
from backend.schemas.analysis import IntrinsicDimensionAnalysis
from backend.schemas.events import Dimension, Event, ResolvedPoint
from backend.schemas.problem import DataProblem, FunctionProblem
from backend.schemas.problem.data import DigitsData, PlantedData
from backend.schemas.problem.function import QuadraticFunction
from backend.schemas.problem.loss import MseLoss
from backend.schemas.problem.model import MlpModel
from tests.cases import CPU

PLANTED = DataProblem(data=PlantedData(), model=MlpModel(hidden=()), loss=MseLoss(factor=10.0))


def told(problem, spec, seed=0, moment=None):
    assert analysis_for(spec).unsupported(problem, spec) is None
    points = () if moment is None else (Point(ResolvedPoint(run="r", step=moment.step), moment),)
    events = list(analysis_for(spec).run(problem, spec, Context(seed, points)))
    return [event for event in events if isinstance(event, Event) and isinstance(event, Dimension)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ten_planted_constraints_are_found_as_ten(seed):
    """Below ten dimensions something of the loss is left; with ten it is gone to the last digit."""
    problem = build_problem(PLANTED, torch.float64, CPU)
    spec = IntrinsicDimensionAnalysis(
        dimensions=(2, 5, 7, 8, 9, 10, 11, 15), score="likelihood", subspaces=4, rule="lbfgs", steps=100
    )
    full, *rest = told(problem, spec, seed)
    assert full.d == problem.layout.size == 1001
    assert full.score == pytest.approx(1.0, abs=1e-12)
    assert [event.d for event in rest] == [d for d in spec.dimensions for _ in range(4)]
    assert rest[-1].reached == 10
    assert rest[-1].final
    for event in rest:
        assert event.threshold == pytest.approx(0.9, abs=1e-12)
        assert event.score == pytest.approx(math.exp(-event.loss), abs=0)
        assert (event.loss < 1e-20) == (event.d >= 10)
    assert {event.reached for event in rest if event.d < 10} == {None}


def test_every_network_step_stays_in_the_subspace():
    generator = torch.Generator().manual_seed(0)
    origin = torch.randn(40, dtype=torch.float64, generator=generator)
    directions = projection(40, 3, generator, origin)
    target = torch.randn(40, dtype=torch.float64, generator=generator)
    axes, _ = torch.linalg.qr(directions)
    for rule in ("adam", "lbfgs"):
        *_, last = train_inside(origin, directions, lambda p: (p - target).square().sum(), rule, 300, 0.1)
        moved = last - origin
        torch.testing.assert_close(axes @ (axes.T @ moved), moved, rtol=0, atol=1e-12)
        nearest = origin + axes @ (axes.T @ (target - origin))  # the best that the subspace has
        torch.testing.assert_close(last, nearest, rtol=0, atol=1e-6 if rule == "lbfgs" else 1e-3)


def test_digits_need_fewer_directions_than_parameters():
    problem = build_problem(
        DataProblem(data=DigitsData(examples=300), model=MlpModel(hidden=(16,), activation="relu")), torch.float32, CPU
    )
    events = told(problem, IntrinsicDimensionAnalysis(dimensions=(2, 150), subspaces=1, steps=150, lr=0.1))
    full, low, high = events
    assert full.split == "test"
    assert full.score > 0.85
    assert low.score < 0.6 < 0.7 < high.score
    assert full.threshold == pytest.approx(0.9 * full.score)
    spec = IntrinsicDimensionAnalysis(dimensions=(2,), subspaces=1, steps=4)
    here = Moment(0, *problem.params0(0))
    first, again = told(problem, spec, moment=here), told(problem, spec, moment=here)
    assert [event.score for event in again] == [event.score for event in first]


def test_what_cannot_be_asked_is_said():
    planted = build_problem(PLANTED, torch.float64, CPU)
    bowl = build_problem(FunctionProblem(function=QuadraticFunction(start=(1.0, 1.0))), torch.float64, CPU)
    digits = build_problem(DataProblem(model=MlpModel(hidden=(512, 512))), torch.float32, CPU)

    def refused(problem, **fields):
        return analysis_for(IntrinsicDimensionAnalysis()).unsupported(problem, IntrinsicDimensionAnalysis(**fields))

    assert "Accuracy needs classes" in refused(planted)
    assert "dimensions asks for 200, and this problem has 2 parameters" in refused(bowl, score="likelihood")
    assert "are the limit; ask for at most 664 dimensions" in refused(digits, dimensions=(1000,))
    assert refused(bowl, score="likelihood", dimensions=(1, 2)) is None
    _, one, two = told(
        bowl, IntrinsicDimensionAnalysis(dimensions=(1, 2), score="likelihood", subspaces=1, rule="lbfgs")
    )
    assert two.loss < 1e-20 < one.loss
