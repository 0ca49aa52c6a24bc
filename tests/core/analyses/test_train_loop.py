"""A race against the plain loop that everybody writes: nn.Module, torch.optim, zero_grad, backward, step."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from backend.core.analyses.train.batches import permutation
from backend.core.problems.problem import Data
from backend.schemas.problem import DataProblem
from backend.schemas.run import TrainRequest
from tests.core.analyses.races import BATCH_NORM, column, problem_of, race, told
from tests.oracles import module_of

RULES: dict[str, tuple[dict[str, Any], Any]] = {
    "sgd": ({"kind": "sgd", "lr": 0.1}, lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": ({"kind": "sgd", "lr": 0.1, "momentum": 0.9}, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "nesterov": (
        {"kind": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    ),
    "rmsprop": ({"kind": "rmsprop", "lr": 1e-3}, lambda p: torch.optim.RMSprop(p, lr=1e-3)),
    "adagrad": ({"kind": "adagrad", "lr": 0.01}, lambda p: torch.optim.Adagrad(p, lr=0.01)),
    "adam": ({"kind": "adam", "lr": 1e-3}, lambda p: torch.optim.Adam(p, lr=1e-3)),
    "amsgrad": ({"kind": "adam", "lr": 1e-3, "amsgrad": True}, lambda p: torch.optim.Adam(p, lr=1e-3, amsgrad=True)),
    "adamw": ({"kind": "adamw", "lr": 1e-3}, lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.01)),
}
DIGITS_32 = {
    "data": {"kind": "digits"},
    "model": {"kind": "mlp", "hidden": [32, 32]},
    "loss": {"kind": "cross_entropy"},
}


def plain_loop(request: TrainRequest, make: Any, batches: Any) -> tuple[list[float], nn.Sequential]:
    """Losses of the plain loop from the race's own initial weights."""
    problem = problem_of(request)
    assert isinstance(request.problem, DataProblem)
    module = module_of(request.problem, problem, *problem.params0(request.seed))
    optimizer, criterion, losses = make(module.parameters()), nn.CrossEntropyLoss(), []
    for step in range(request.steps):
        x, y = batches(problem.train, step)
        optimizer.zero_grad()
        loss = criterion(module(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, module


def everything(data: Data, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    return data.x, data.y


def minibatches(size: int, seed: int) -> Any:
    """Each epoch in its own order, the last batch as small as it comes."""

    def batch(data: Data, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows: list[tuple[int, int]] = []
        epoch = 0
        while len(rows) <= step:
            rows += [(epoch, start) for start in range(0, len(data), size)]
            epoch += 1
        epoch, start = rows[step]
        chosen = permutation(len(data), seed, epoch)[start : start + size]
        return data.x[chosen], data.y[chosen]

    return batch


@pytest.mark.parametrize("name", list(RULES))
def test_100_full_batch_losses_on_digits(name: str) -> None:
    spec, make = RULES[name]
    request = race(
        {"name": name, "optimizer": spec}, problem=DIGITS_32, steps=100, dtype="float64", seed=4, eval_every=100
    )
    losses, _ = plain_loop(request, make, everything)
    found = column(told(request), name)
    assert found.dtype == np.float64
    assert np.abs(found - losses).max() < 1e-10
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize("name", list(RULES))
def test_losses_of_minibatches_over_several_epochs(name: str) -> None:
    spec, make = RULES[name]
    request = race({"name": name, "optimizer": spec}, steps=40, dtype="float64", batch_size=13, seed=9)
    losses, _ = plain_loop(request, make, minibatches(13, 9))
    assert np.abs(column(told(request), name) - losses).max() < 1e-10


def test_batch_norm_s_running_statistics_move_as_the_module_s_do() -> None:
    request = race(problem=BATCH_NORM, steps=12, dtype="float64", batch_size=20, eval_every=12)
    losses, module = plain_loop(request, lambda p: torch.optim.SGD(p, lr=0.1), minibatches(20, 0))
    events = told(request)
    assert np.abs(column(events, "SGD") - losses).max() < 1e-10
    problem = problem_of(request)
    assert problem.test is not None
    module.eval()
    with torch.no_grad():
        expected = nn.functional.cross_entropy(module(problem.test.x), problem.test.y).item()
    last = [event for event in events if event.kind == "eval"][-1]
    assert (last.step, last.split) == (12, "test")
    assert last.loss == pytest.approx(expected, abs=1e-10)


def test_a_column_s_row_belongs_to_the_point_before_its_step() -> None:
    request = race(steps=3, dtype="float64")
    problem = problem_of(request)
    params_P, buffers_B = problem.params0(0)
    events = told(request)
    first = problem.loss(params_P.requires_grad_(), buffers_B)
    (grad_P,) = torch.autograd.grad(first, params_P)
    second = problem.loss(params_P - 0.1 * grad_P, buffers_B)
    assert column(events, "SGD", "step").tolist() == [1, 2, 3]
    assert column(events, "SGD")[:2] == pytest.approx([first.item(), second.item()], abs=1e-12)
    assert column(events, "SGD", "grad_norm")[0] == pytest.approx(grad_P.norm().item(), abs=1e-12)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"kind": "constant"}, [0.1] * 5),
        ({"kind": "linear", "warmup": 2, "cooldown": 2, "final": 0.0}, [0.05, 0.1, 0.1, 0.1, 0.05]),
        ({"kind": "cosine", "final": 0.5}, [0.1, 0.0952254, 0.0827254, 0.0672746, 0.0547746]),
    ],
)
def test_the_rate_follows_the_schedule(schedule: dict[str, Any], expected: list[float]) -> None:
    lane = {"name": "SGD", "optimizer": {"kind": "sgd", "lr": 0.1}, "schedule": schedule}
    events = told(race(lane, steps=5, dtype="float64"))
    assert column(events, "SGD", "lr") == pytest.approx(expected, abs=1e-7)


def test_the_schedule_is_what_moves_the_parameters() -> None:
    lane = {
        "name": "SGD",
        "optimizer": {"kind": "sgd", "lr": 0.1},
        "schedule": {"kind": "linear", "cooldown": 10, "final": 0.0},
    }
    request = race(lane, steps=10, dtype="float64")

    def make(params: Any) -> Any:
        optimizer = torch.optim.SGD(params, lr=0.1)
        plan = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: (10 - t) / 10)
        optimizer.register_step_post_hook(lambda *_: plan.step())
        return optimizer

    losses, _ = plain_loop(request, make, everything)
    assert np.abs(column(told(request), "SGD") - losses).max() < 1e-10
