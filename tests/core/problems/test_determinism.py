"""The layer because of which a loss is not the same function twice is named."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from backend.core.analyses.base import Moment
from backend.core.curvature.ggn import gauss_newton
from backend.core.curvature.hvp import hessian
from backend.core.curvature.operator import ChangingLoss
from backend.core.problems.determinism import changing
from backend.core.problems.params import Layout
from tests.core.curvature.curvature_cases import ANALYTIC, EQUATED, FITTED, Attention, over, place

X = torch.randn(16, 4, generator=torch.Generator().manual_seed(1))


def asked(model: nn.Module, x: Tensor = X) -> str | None:
    """What is said of somebody's own module, called functionally over flat parameters."""
    layout = Layout(tuple((name, tuple(value.shape)) for name, value in model.named_parameters()))
    params_P = torch.cat([value.detach().reshape(-1) for value in model.parameters()])

    def evaluate() -> Tensor:
        out: Tensor = torch.func.functional_call(model, layout.unflatten(params_P), (x,))
        return out.square().mean()

    return changing(evaluate, params_P, layout)


class Wide(nn.Module):
    """Two branches, the second with a layer that draws."""

    def __init__(self, drawing: nn.Module) -> None:
        super().__init__()
        self.left = nn.Linear(4, 3)
        self.right = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), drawing)

    def forward(self, x: Tensor) -> Tensor:
        both: Tensor = self.left(x) + self.right(x)
        return both


@pytest.mark.parametrize(
    ("drawing", "named"),
    [
        (nn.Dropout(0.5), "layer “right.2” (Dropout)"),
        (nn.AlphaDropout(0.5), "layer “right.2” (AlphaDropout)"),
        (nn.RReLU(), "layer “right.2” (RReLU)"),
        (nn.TransformerEncoderLayer(3, 1, 8), "layer “right.2."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_a_module_that_draws_is_named_by_its_path(drawing: nn.Module, named: str) -> None:
    sentence = asked(Wide(drawing)) or ""
    assert sentence.startswith("Expected the same loss at the same parameters, got ")
    assert f"The first to give another result is {named}" in sentence
    assert sentence.endswith("Put the model into evaluation mode (model.eval()), or take that out of it.")
    assert asked(Wide(drawing).eval()) is None


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(3), nn.BatchNorm1d(3, track_running_stats=False)])
def test_batch_norm_in_training_mode_is_named(norm: nn.Module) -> None:
    sentence = asked(Wide(norm)) or ""
    assert "got training mode at layer “right.2” (BatchNorm1d)" in sentence
    assert "(model.eval())" in sentence


def test_batch_norm_in_evaluation_mode_is_not() -> None:
    assert asked(Wide(nn.BatchNorm1d(3)).eval()) is None


class Whimsical(nn.Module):
    """Leaves a layer out at random, as stochastic depth does, without a random number of torch's."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head, self.draw = nn.Linear(4, 4), nn.Linear(4, 1), random.Random(0)

    def forward(self, x: Tensor) -> Tensor:
        scale = self.draw.random()
        out: Tensor = self.head(self.body(x) * scale)
        return out


def test_a_draw_outside_of_torch_is_found_where_it_is_used() -> None:
    assert "result is layer Whimsical:" in (asked(Whimsical()) or "")


def formula(noise: Callable[[], Any]) -> str:
    """What is said of a plain function of two named tensors, the noise between them."""
    layout = Layout((("first.weight", (4, 4)), ("second.weight", (1, 4))))
    params_P = torch.ones(layout.size)

    def evaluate() -> Tensor:
        first, second = layout.parts(params_P)
        return ((X @ first.T + noise()) @ second.T).square().mean()

    return changing(evaluate, params_P, layout) or ""


def test_without_modules_it_is_placed_by_the_parameters_that_were_read() -> None:
    where = "The first to give another result is the function “{}” after layer “first”: it draws"
    assert where.format("rand") in formula(lambda: torch.rand(4))
    assert where.format("add") in formula(random.Random(3).random)
    assert where.format("normal_") in formula(lambda: torch.empty(4).normal_())
    assert formula(lambda: torch.ones(4)) == ""


def test_what_is_not_finite_is_no_change() -> None:
    assert formula(lambda: torch.tensor(float("nan"))) == ""


@over(FITTED + ANALYTIC + EQUATED)
def test_our_own_problems_are_the_same_twice(name: str) -> None:
    problem, moment = place(name)
    assert changing(lambda: problem.loss(moment.params_P, moment.buffers_B), moment.params_P, problem.layout) is None


@pytest.mark.parametrize("make", [hessian, gauss_newton])
def test_no_operator_is_made_of_a_loss_that_changes(make: Any) -> None:
    noisy = Attention()
    noisy.noise = 0.5
    with pytest.raises(ChangingLoss, match="function “rand” after layer “value”: it draws at random"):
        make(noisy, Moment(0, *noisy.params0(0)))
