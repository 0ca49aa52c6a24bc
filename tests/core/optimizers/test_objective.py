"""What a rule may ask of its loss, each against the obvious slow computation, and what it is charged for it."""

import pytest
import torch
from torch import Tensor

from backend.core.optimizers.objective import Objective
from backend.core.problems.problem import Data, Problem
from tests.cases import build

CASES = ("digits-tanh", "digits-mse", "cancer-logistic-gelu", "chebyshev-half-mse", "cnn", "cnn-batch", "rosenbrock")
WITH_DATA = CASES[:-1]
over_cases = pytest.mark.parametrize("name", CASES)
over_data = pytest.mark.parametrize("name", WITH_DATA)


def _begun(name: str, examples: int = 12) -> tuple[Problem, Objective]:
    problem = build(name)
    params_P, buffers_B = problem.params0(1)
    objective = Objective(problem, params_P.requires_grad_(), buffers_B)
    objective.begin(None if problem.train is None else (problem.train.x[:examples], problem.train.y[:examples]))
    return problem, objective


def _slow(problem: Problem, objective: Objective, params_P: Tensor) -> Tensor:
    data = None if objective.batch is None else Data(*objective.batch)
    return problem.loss(params_P, objective.buffers_B, data, "batch")


@over_cases
def test_loss_and_gradient_are_those_of_the_batch(name: str) -> None:
    problem, objective = _begun(name)
    at_P = objective.params_P.detach().clone().requires_grad_()
    expected = _slow(problem, objective, at_P)
    before_B = objective.buffers_B.clone()
    loss, grad_P = objective.loss_and_grad()
    assert torch.allclose(loss, expected)
    assert torch.allclose(grad_P, torch.autograd.grad(expected, at_P)[0])
    assert torch.equal(before_B, objective.buffers_B) == (problem.buffer_layout.size == 0)
    after_B = objective.buffers_B.clone()
    again, _ = objective.loss_and_grad()
    assert torch.allclose(again, objective.loss())
    assert torch.equal(after_B, objective.buffers_B)  # running statistics move once a step
    assert objective.evaluations == pytest.approx(2 + 1 / 3)
    objective.begin(objective.batch)
    objective.loss_and_grad()
    assert torch.equal(after_B, objective.buffers_B) == (problem.buffer_layout.size == 0)


@over_cases
def test_losses_of_many_points_are_those_of_each(name: str) -> None:
    problem, objective = _begun(name)
    noise = torch.Generator().manual_seed(0)
    points_NP = objective.params_P.detach() + torch.randn(70, problem.layout.size, generator=noise, dtype=torch.float64)
    expected = torch.stack([_slow(problem, objective, point_P) for point_P in points_NP]).detach()
    assert torch.allclose(objective.losses(points_NP), expected, rtol=1e-12, atol=0)
    assert objective.evaluations == pytest.approx(70 / 3)


@over_cases
def test_a_slope_is_the_gradient_along_a_direction(name: str) -> None:
    problem, objective = _begun(name)
    v_P = torch.randn(problem.layout.size, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    loss, slope = objective.slope(v_P)
    at_P = objective.params_P.detach().clone().requires_grad_()
    expected = _slow(problem, objective, at_P)
    assert torch.allclose(loss, expected)
    assert torch.allclose(slope, torch.autograd.grad(expected, at_P)[0] @ v_P)
    assert objective.evaluations == 1.0


@pytest.mark.parametrize("name", ["chebyshev-half-mse", "cancer-logistic-gelu", "rosenbrock"])
def test_curvature_is_that_of_plain_autograd(name: str) -> None:
    problem, objective = _begun(name)
    size = problem.layout.size
    expected_PP = torch.autograd.functional.hessian(
        lambda at_P: _slow(problem, objective, at_P), objective.params_P.detach()
    )
    assert torch.allclose(objective.dense_hessian(), expected_PP, rtol=0, atol=1e-10)
    assert objective.evaluations == 1 + 2 * size
    v_P = torch.linspace(-1, 1, size, dtype=torch.float64)
    assert torch.allclose(objective.hessian()(v_P), expected_PP @ v_P, rtol=0, atol=1e-10)
    assert torch.allclose(objective.hessian()(v_P[None]), (expected_PP @ v_P)[None], rtol=0, atol=1e-10)


@over_data
@pytest.mark.parametrize("groups", [None, 4, 5])
def test_gradients_of_groups_are_those_of_their_examples(name: str, groups: int | None) -> None:
    problem, objective = _begun(name)
    x, y = objective.examples()
    expected = []
    for part_x, part_y in zip(x.tensor_split(groups or 12), y.tensor_split(groups or 12), strict=True):
        at_P = objective.params_P.detach().clone().requires_grad_()
        loss = problem.loss(at_P, objective.buffers_B, Data(part_x, part_y))
        expected.append(torch.autograd.grad(loss, at_P)[0])
    assert torch.allclose(objective.group_gradients(groups), torch.stack(expected), rtol=0, atol=1e-11)
    assert objective.evaluations == 1


@over_data
def test_jacobian_and_fisher_are_those_of_plain_autograd(name: str) -> None:
    problem, objective = _begun(name, examples=3)
    x, y = objective.examples()
    out_MC, jacobian_MCP = objective.jacobian()
    at_P = objective.params_P.detach()

    def outputs(at_P: Tensor) -> Tensor:
        return problem.outputs(at_P, objective.buffers_B, x)

    assert torch.allclose(out_MC, outputs(at_P))
    assert torch.allclose(jacobian_MCP, torch.autograd.functional.jacobian(outputs, at_P), rtol=0, atol=1e-12)
    assert objective.evaluations == pytest.approx(out_MC.shape[1] + 1 / 3)
    whole = torch.autograd.functional.hessian(lambda out: problem.criterion(out, y), out_MC)
    for i, own_CC in enumerate(objective.output_hessian(out_MC)):
        assert torch.allclose(own_CC / len(x), whole[i, :, i, :], rtol=0, atol=1e-12)


def test_a_function_has_no_examples() -> None:
    _, objective = _begun("rosenbrock")
    with pytest.raises(ValueError, match="got a function, which has no examples"):
        objective.group_gradients()
