"""Each example's gradient by itself against one backward pass an example."""

import pytest
import torch
from core.curvature.curvature_cases import Attention
from torch import Tensor

from backend.core.analyses.base import Moment
from backend.core.gradients.gram import gram
from backend.core.gradients.per_sample import TooLarge, per_sample, through_vmap
from backend.core.gradients.taps import Taps
from backend.core.problems.problem import Data, Problem
from tests.cases import NETWORKS, build, over


def one_by_one(problem: Problem, moment: Moment, data: Data) -> Tensor:
    rows = []
    for i in range(len(data)):
        params_P = moment.params_P.clone().requires_grad_()
        problem.loss(params_P, moment.buffers_B, Data(data.x[i : i + 1], data.y[i : i + 1])).backward()
        assert params_P.grad is not None
        rows.append(params_P.grad)
    return torch.stack(rows)


def front(problem: Problem, count: int = 13) -> Data:
    assert problem.train is not None
    return Data(problem.train.x[:count], problem.train.y[:count])


def at_start(problem: Problem) -> Moment:
    return Moment(0, *problem.params0(0))


@over(NETWORKS)
def test_gradients_of_single_examples(name: str) -> None:
    problem = build(name)
    moment, data = at_start(problem), front(problem)
    before = moment.params_P.clone()
    parts = list(per_sample(problem, moment, data))
    slow_NP = one_by_one(problem, moment, data)
    torch.testing.assert_close(torch.cat([part.grad_Np for part in parts], 1), slow_NP, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(through_vmap(problem, moment, data, chunk=5), slow_NP, rtol=1e-10, atol=1e-12)
    assert torch.equal(moment.params_P, before)
    batch_P = before.clone().requires_grad_()
    problem.loss(batch_P, moment.buffers_B, data).backward()
    torch.testing.assert_close(slow_NP.mean(0), batch_P.grad, rtol=1e-10, atol=1e-12)


@over(NETWORKS)
def test_inner_products(name: str) -> None:
    problem = build(name)
    moment, data = at_start(problem), front(problem)
    slow_NP = one_by_one(problem, moment, data)
    fast_NN = torch.stack([gram(part) for part in per_sample(problem, moment, data)]).sum(0)
    torch.testing.assert_close(fast_NN, slow_NP @ slow_NP.T, rtol=1e-10, atol=1e-12)


@over(NETWORKS)
def test_every_network_here_takes_the_fast_way(name: str) -> None:
    problem = build(name)
    moment, data = at_start(problem), front(problem, 3)
    params_P = moment.params_P.clone().requires_grad_()
    with Taps(params_P) as taps:
        problem.outputs(params_P, moment.buffers_B, data.x)
    assert taps.complete


def test_a_model_of_other_operations_goes_through_vmap() -> None:
    problem = Attention()
    moment, data = at_start(problem), front(problem)
    parts = list(per_sample(problem, moment, data))
    expected = one_by_one(problem, moment, data)
    torch.testing.assert_close(torch.cat([part.grad_Np for part in parts], 1), expected, rtol=1e-10, atol=1e-12)


def test_what_does_not_fit_is_refused_with_what_would() -> None:
    problem = build("digits-tanh")
    with pytest.raises(
        TooLarge, match=r"13 examples .* take .* MB, and 0 MB are allowed; ask for at most \d+ examples"
    ):
        list(per_sample(problem, at_start(problem), front(problem), budget_mb=0.02))
