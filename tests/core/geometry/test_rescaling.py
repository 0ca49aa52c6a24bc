"""Scale symmetry of ReLU nets, and teleportation along it."""

import pytest
import torch

from backend.core.geometry.rescaling import gradient_of, norm_of, rescaled, teleport, unsupported_rescaling
from backend.core.problems.build import build_problem
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import CnnModel, MlpModel, ResNetModel
from tests.cases import CPU, build

NETS = {
    "mlp": MlpModel(hidden=(9, 7), activation="relu"),
    "cnn": CnnModel(channels=(4, 6)),
    "cnn-batch": CnnModel(channels=(4, 6), norm="batch"),
    "cnn-group": CnnModel(channels=(4, 6), norm="group", groups=2),
    "resnet-group": ResNetModel(channels=(4, 6), blocks=2, groups=2),
    "resnet-none": ResNetModel(channels=(4, 6), norm="none"),
    "plain": ResNetModel(channels=(4, 6), shortcut=False),
}


def point(name):
    problem = build_problem(DataProblem(data=DigitsData(examples=20), model=NETS[name]), torch.float64, CPU)
    params, buffers = problem.params0(0)
    noise = torch.randn(params.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return problem, params + 0.1 * noise, buffers


@pytest.mark.parametrize("name", NETS)
def test_rescaling_changes_the_gradient_and_not_the_function(name):
    problem, params, buffers = point(name)
    generator = torch.Generator().manual_seed(1)
    logs = [torch.randn(group.size, dtype=torch.float64, generator=generator) for group in problem.units]
    moved = rescaled(params, problem.layout, problem.units, logs)
    assert (moved - params).abs().max() > 0.1
    out = problem.outputs(params, buffers, problem.train.x)
    torch.testing.assert_close(problem.outputs(moved, buffers, problem.train.x), out, rtol=1e-12, atol=1e-12)
    gradient = gradient_of(problem, buffers)
    assert abs(norm_of(gradient, moved) / norm_of(gradient, params) - 1) > 0.01
    back = rescaled(moved, problem.layout, problem.units, [-log for log in logs])
    torch.testing.assert_close(back, params, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", NETS)
def test_teleportation_keeps_the_loss_and_raises_the_gradient(name):
    problem, params, buffers = point(name)
    gradient, before = gradient_of(problem, buffers), params.clone()
    there = teleport(params, problem.layout, problem.units, gradient, steps=10 if name == "mlp" else 2)
    assert torch.equal(params, before)
    assert abs(float(problem.loss(there, buffers)) - float(problem.loss(params, buffers))) < 1e-12
    assert norm_of(gradient, there) > (20 if name == "mlp" else 1.1) * norm_of(gradient, params)


def test_a_step_of_descent_falls_farther_after_teleportation():
    problem, params, buffers = point("mlp")
    gradient = gradient_of(problem, buffers)
    there = teleport(params, problem.layout, problem.units, gradient, steps=1)
    falls = []
    for start in (params, there):
        step = 1e-4 * gradient(start).detach()
        falls.append(float(problem.loss(start, buffers) - problem.loss(start - step, buffers)))
    assert falls[1] > falls[0] > 0


def test_what_cannot_be_rescaled_is_said():
    assert "hidden units" in unsupported_rescaling(build("rosenbrock"))
    assert "hidden units" in unsupported_rescaling(build("wine-linear"))
    assert "activation relu" in unsupported_rescaling(build("digits-tanh"))
    assert unsupported_rescaling(build("cnn")) is None
