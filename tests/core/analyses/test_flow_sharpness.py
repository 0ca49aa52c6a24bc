"""The sharpness where gradient flow would end: the formula, along a race, and what is told where it does not end."""

import functools
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from backend.core.analyses.base import Context, Moment, Point, Tick
from backend.core.analyses.flow_end import end_of_flow
from backend.core.analyses.registry import analysis_for
from backend.core.curvature.gradient_flow import gradient_flow
from backend.core.problems.build import build_problem
from backend.core.runtime.seeding import generator
from backend.schemas.analysis import SharpnessAnalysis
from backend.schemas.events import ResolvedPoint, Sharpness
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import ChebyshevData, DigitsData
from backend.schemas.problem.loss import MseLoss
from backend.schemas.problem.model import MlpModel
from tests.core.analyses.races import Kept, column, of, race, told
from tests.core.curvature.curvature_cases import CPU, dense_hessian

SCALAR = {"function": {"kind": "scalar_network", "start": [2.6, 0.35]}}
FLOW: dict[str, Any] = {"every": 1, "late": "wait", "analysis": {"kind": "sharpness", "flow": True}}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_along_a_race_it_is_the_formula_s_and_falls_while_the_loss_goes_up_and_down(dtype: str) -> None:
    """On ½(ab − 1)² flow keeps a² − b², and its end is of sharpness √((a² − b²)² + 4)."""
    kept = Kept()
    lane = {"name": "GD", "optimizer": {"kind": "sgd", "lr": 0.31}}
    request = race(lane, problem=SCALAR, dtype=dtype, steps=25, probes=[FLOW], tune=False)
    events = told(request, Context(seed=0, keeper=kept))
    found = of(Sharpness, events)
    assert [event.step for event in found] == list(range(26))
    for event in found:
        a, b = kept.snapshots["GD", 0][event.step].params_P.tolist()
        assert event.flow == pytest.approx(math.hypot(a**2 - b**2, 2), rel=1e-4)
        assert event.flow_gradients is not None
        assert event.flow_gradients > 0
    assert (np.diff(column(events, "GD")) > 0).any()
    flows = [event.flow for event in found if event.flow is not None]
    assert flows[0] > 2 / 0.31 > flows[-1]
    assert all(later <= earlier + 1e-4 for earlier, later in pairwise(flows))


def test_of_a_network_it_is_the_dense_one_of_the_place_where_it_ends() -> None:
    spec = DataProblem(data=ChebyshevData(points=6, degree=2), model=MlpModel(hidden=()), loss=MseLoss())
    problem = build_problem(spec, torch.float64, CPU)
    (event,) = alone(spec, SharpnessAnalysis(flow=True))
    exact = torch.linalg.eigvalsh(dense_hessian(problem, Moment(0, *problem.params0(0)))).max()
    assert event.flow == pytest.approx(float(exact), rel=1e-3)  # a quadratic's curvature is the same everywhere


def test_a_flow_that_does_not_end_is_told_as_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = DataProblem(data=DigitsData(examples=40), model=MlpModel(hidden=(4,)))
    problem = build_problem(spec, torch.float64, CPU)
    short = functools.partial(gradient_flow, budget=60)
    monkeypatch.setattr("backend.core.analyses.flow_end.gradient_flow", short)
    work = end_of_flow(problem, Moment(0, *problem.params0(0)), None, generator(0, "flow"))
    ticks = 0
    while True:
        try:
            assert isinstance(next(work), Tick)
            ticks += 1
        except StopIteration as ended:
            end = ended.value
            break
    assert math.isnan(end.sharpness)
    assert 60 <= end.gradients < 70
    assert ticks >= end.gradients // 6


def test_it_is_for_small_problems_and_only_where_it_is_asked_for() -> None:
    large = DataProblem(data=DigitsData(examples=40), model=MlpModel(hidden=(64,)))
    problem = build_problem(large, torch.float32, CPU)
    sentence = analysis_for(SharpnessAnalysis()).unsupported(problem, SharpnessAnalysis(flow=True))
    assert sentence is not None
    assert "at most 2,000 parameters, and this one has 4,810; make the network smaller, or switch flow off" in sentence
    assert analysis_for(SharpnessAnalysis()).unsupported(problem, SharpnessAnalysis()) is None
    (event,) = alone(large, SharpnessAnalysis())
    assert (event.flow, event.flow_gradients) == (None, None)


def alone(spec: DataProblem, analysis: SharpnessAnalysis) -> list[Sharpness]:
    problem = build_problem(spec, torch.float64, CPU)
    point = Point(ResolvedPoint(step=0), Moment(0, *problem.params0(0)))
    return of(
        Sharpness,
        [e for e in analysis_for(analysis).run(problem, analysis, Context(0, (point,))) if not isinstance(e, Tick)],
    )
