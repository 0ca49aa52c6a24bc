"""Analytic functions: closed forms against automatic differentiation, and what is known of their minima."""

import pytest
import torch

from backend.core.problems.analytic import analytic, curvatures
from backend.core.problems.build import build_problem
from backend.schemas.problem import FunctionProblem
from backend.schemas.problem.function import FUNCTION_KINDS, QuadraticFunction
from tests.cases import CPU, FUNCTIONS, build, over
from tests.oracles import hessian_of

WITH_MINIMA = {name: spec for name, spec in FUNCTIONS.items() if name != "monkey_saddle"}


def written_out(name: str, x: list[float]) -> float:
    """The formulas once more, in plain Python, from the literature."""
    import math

    if name.startswith("quadratic"):
        kappa, d = FUNCTIONS[name].function.condition, len(x)
        return sum(0.5 * kappa ** (i / (d - 1)) * v * v for i, v in enumerate(x))
    a, b = x
    two_pi = 2 * math.pi
    return {
        "rosenbrock": lambda: (1 - a) ** 2 + 100 * (b - a * a) ** 2,
        "beale": lambda: sum((c - a + a * b**i) ** 2 for i, c in ((1, 1.5), (2, 2.25), (3, 2.625))),
        "himmelblau": lambda: (a * a + b - 11) ** 2 + (a + b * b - 7) ** 2,
        "rastrigin": lambda: 20 + a * a + b * b - 10 * (math.cos(two_pi * a) + math.cos(two_pi * b)),
        "ackley": lambda: (
            20
            + math.e
            - 20 * math.exp(-0.2 * math.sqrt(0.5 * (a * a + b * b)))
            - math.exp(0.5 * (math.cos(two_pi * a) + math.cos(two_pi * b)))
        ),
        "saddle": lambda: 0.5 * a * a - 0.5 * b * b + 0.25 * b**4,
        "monkey_saddle": lambda: a**3 - 3 * a * b * b,
        "scalar_network": lambda: 0.5 * (a * b - 1) ** 2,
    }[name]()


def points(name: str) -> torch.Tensor:
    problem = build(name)
    size = (12, problem.layout.size)
    return 4 * torch.rand(size, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) - 2


def test_every_kind_is_among_the_cases():
    assert {kind.model_fields["kind"].default for kind in FUNCTION_KINDS} <= set(FUNCTIONS)


@over(FUNCTIONS)
def test_values_alone_and_together(name):
    problem, x = build(name), points(name)
    buffers = problem.params0(0)[1]
    together = problem.loss(x, buffers)
    assert together.shape == (12,)
    for value, point in zip(together, x, strict=True):
        assert float(value) == pytest.approx(written_out(name, point.tolist()), rel=1e-12, abs=1e-12)
        assert problem.loss(point, buffers) == problem.batch_loss(point, buffers, x, x)
        torch.testing.assert_close(problem.loss(point, buffers), value, rtol=1e-14, atol=1e-14)


@over(FUNCTIONS)
def test_closed_form_hessian(name):
    known = analytic(FUNCTIONS[name].function)
    for point in points(name):
        expected = hessian_of(known.value, point)
        torch.testing.assert_close(known.hessian(point), expected, rtol=1e-10, atol=1e-10)


@over(WITH_MINIMA)
def test_minima_have_the_stated_value_no_gradient_and_nothing_lower_beside_them(name):
    known = analytic(FUNCTIONS[name].function)
    assert known.minima
    for minimum in known.minima:
        at = torch.tensor(minimum, dtype=torch.float64, requires_grad=True)
        value = known.value(at)
        assert float(value.detach()) == pytest.approx(known.minimum, abs=1e-12)
        (gradient,) = torch.autograd.grad(value, at)
        assert gradient.abs().max() < 1e-10
        steps = torch.randn(200, len(at), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        assert (known.value(at.detach() + 0.05 * steps) >= known.minimum).all()


def test_the_monkey_saddle_has_no_minimum():
    known = analytic(FUNCTIONS["monkey_saddle"].function)
    assert (known.minima, known.minimum) == ((), None)
    assert float(known.value(torch.tensor([-1e3, 0.0]))) == -1e9


def test_ackley_has_no_hessian_at_its_cusp():
    assert analytic(FUNCTIONS["ackley"].function).hessian(torch.zeros(2, dtype=torch.float64)).isnan().any()


def test_quadratic_spectrum_runs_from_one_to_the_condition_number():
    assert curvatures(1, 50.0) == (1.0,)
    assert curvatures(2, 50.0) == (1.0, 50.0)
    assert curvatures(5, 1e4) == pytest.approx((1.0, 10.0, 100.0, 1e3, 1e4))
    hessian = build("quadratic-5d").known.hessian(torch.zeros(5, dtype=torch.float64))
    eigenvalues = torch.linalg.eigvalsh(hessian)
    assert float(eigenvalues[-1] / eigenvalues[0]) == pytest.approx(300.0)


@over(FUNCTIONS)
def test_every_seed_starts_at_the_spec_s_start(name):
    for dtype in (torch.float32, torch.float64):
        problem = build(name, dtype)
        params, buffers = problem.params0(7)
        assert torch.equal(params, torch.tensor(FUNCTIONS[name].function.start, dtype=dtype))
        assert buffers.numel() == 0
        assert buffers.dtype == problem.loss(params, buffers).dtype == dtype


@over(FUNCTIONS)
def test_a_function_has_no_data_and_says_so(name):
    problem = build(name)
    params, buffers = problem.params0(0)
    assert (problem.train, problem.test, problem.classes) == (None, None, None)
    with pytest.raises(ValueError, match="use its loss"):
        problem.outputs(params, buffers, params)
    assert problem.check_deterministic() is None


@over(FUNCTIONS)
def test_the_view_holds_the_start_and_has_a_label_per_variable(name):
    problem = build(name)
    view = problem.view
    params = problem.params0(0)[0].tolist()
    assert len(view.labels) == len(set(view.labels)) == len(view.low) == len(view.high) == problem.layout.size
    assert all(low <= value <= high for low, value, high in zip(view.low, params, view.high, strict=True))


def test_labels_beyond_two_variables_are_numbered():
    spec = FunctionProblem(function=QuadraticFunction(start=(1.0, 1.0, 1.0)))
    assert build_problem(spec, torch.float64, CPU).view.labels == ("x1", "x2", "x3")
    spec = FunctionProblem(function=QuadraticFunction(start=(1.0,)))
    assert build_problem(spec, torch.float64, CPU).view.labels == ("x",)
