"""What is fitted to an equation beside its solution: values, shapes, the exact solution as it stands in the books."""

import math

import numpy as np
import pytest
import torch

from backend.core.analyses.base import Context, Moment, Point
from backend.core.analyses.solution import SOLUTION
from backend.core.problems.build import build_problem
from backend.schemas.analysis import SolutionAnalysis
from backend.schemas.events import ResolvedPoint, Solution
from backend.schemas.problem import PdeProblem
from backend.schemas.problem.pde import AdvectionPde, AnyPde, HeatPde, PoissonPde, SinesAnsatz
from tests.cases import CPU, build

SPEC = SolutionAnalysis(resolution=9)
TWO = {
    "poisson": (PoissonPde(dim=2), lambda x, y: np.sin(math.pi * x) * np.sin(math.pi * y), ("x1", "x2")),
    "poisson10": (PoissonPde(dim=10), lambda x, y: np.sin(math.pi * x) * np.sin(math.pi * y), ("x1", "x2")),
    "heat": (HeatPde(), lambda x, t: np.exp(-HeatPde().diffusivity * math.pi**2 * t) * np.sin(math.pi * x), ("x", "t")),
    "advection": (AdvectionPde(speed=3.0), lambda x, t: np.sin(x - 3.0 * t), ("x", "t")),
    "lagrangian": (AdvectionPde(frame="lagrangian"), lambda x, t: np.sin(x) + 0 * t, ("ξ", "t")),
}


def told(spec: AnyPde, params: torch.Tensor | None = None, dtype: torch.dtype = torch.float64) -> Solution:
    problem = build_problem(PdeProblem(pde=spec), dtype, CPU)
    moment = Moment(0, *problem.params0(0))
    if params is not None:
        moment = Moment(7, params.to(dtype), moment.buffers_B)
    context = Context(seed=0, points=(Point(ResolvedPoint(step=moment.step), moment),))
    first, event = SOLUTION.run(problem, SPEC, context)
    assert first.kind == "started"
    assert isinstance(event, Solution)
    return event


@pytest.mark.parametrize("name", TWO)
def test_the_map_holds_the_known_solution_on_the_first_two_coordinates(name: str) -> None:
    spec, exact, labels = TWO[name]
    event = told(spec)
    assert (event.x_label, event.y_label) == labels
    assert event.x is not None
    np.testing.assert_allclose(event.exact_map, exact(event.x[:, None], event.y[None, :]), atol=1e-12)
    np.testing.assert_array_equal(event.error_map, event.u_map - event.exact_map)
    assert event.worst == max(abs(event.error).max(), abs(event.error_map).max()) > 0
    start = event.u_map[:, 0]  # keeps initial and boundary values exactly
    np.testing.assert_allclose(start, event.exact_map[:, 0], atol=1e-12)


def test_the_solution_itself_has_no_error() -> None:
    one = torch.zeros(3)
    one[0] = 1.0  # sin πx
    event = told(PoissonPde(ansatz=SinesAnsatz(modes=3)), one)
    np.testing.assert_allclose(event.u, np.sin(math.pi * event.s), atol=1e-14)
    assert event.relative_l2 < 1e-14
    assert event.worst < 1e-14
    assert (event.x, event.u_map, event.x_label, event.step) == (None, None, None, 7)


def test_a_known_error_is_told_as_it_is() -> None:
    event = told(PoissonPde(ansatz=SinesAnsatz(modes=3)), torch.tensor([1.0, 0.0, 0.5]))
    np.testing.assert_allclose(event.error, 0.5 * np.sin(3 * math.pi * event.s), atol=1e-13)
    assert event.relative_l2 == pytest.approx(0.5)
    assert event.worst == pytest.approx(0.5)


def test_numbers_keep_the_format_and_infinite_parameters_are_holes() -> None:
    event = told(PoissonPde(dim=2), dtype=torch.float32)
    assert {event.u.dtype, event.u_map.dtype} == {np.dtype("float32")}
    size = build_problem(PdeProblem(pde=PoissonPde(dim=2)), torch.float64, CPU).layout.size
    lost = told(PoissonPde(dim=2), torch.full((size,), math.nan))
    assert np.isnan(lost.u).all()
    assert math.isnan(lost.worst)
    assert math.isnan(lost.relative_l2)


def test_other_problems_have_none() -> None:
    assert "differential equation" in str(SOLUTION.unsupported(build("rosenbrock"), SPEC))
