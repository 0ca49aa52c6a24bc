"""Losses on a share of the data, against a loop over single examples."""

import math

import pytest
import torch

from backend.core.geometry.evaluate import measure, sample
from backend.core.problems.problem import Data
from tests.cases import FUNCTIONS, NETWORKS, PROBLEMS, build, over


@over(PROBLEMS)
def test_on_all_the_data_it_is_the_problem_s_own_loss(name: str) -> None:
    problem = build(name)
    params_P, buffers_B = problem.params0(0)
    where = sample(problem)
    loss, stderr = measure(where, params_P, buffers_B)
    assert loss == pytest.approx(problem.loss(params_P, buffers_B).item(), rel=1e-12)
    assert stderr is None
    assert where.fraction == 1.0


@over(NETWORKS)
@pytest.mark.parametrize("fraction", [0.3, 0.5])
def test_share_and_its_standard_error_equal_a_loop_over_examples(name: str, fraction: float) -> None:
    problem = build(name)
    assert problem.train is not None
    params_P, buffers_B = problem.params0(0)
    total = len(problem.train)
    count = math.ceil(fraction * total)
    alone = [
        problem.loss(params_P, buffers_B, Data(problem.train.x[i : i + 1], problem.train.y[i : i + 1])).item()
        for i in range(count)
    ]
    mean = sum(alone) / count
    variance = sum((one - mean) ** 2 for one in alone) / (count - 1)
    where = sample(problem, fraction)
    loss, stderr = measure(where, params_P, buffers_B)
    front = Data(problem.train.x[:count], problem.train.y[:count])
    assert where.fraction == count / total
    assert loss == pytest.approx(mean, rel=1e-12)
    assert loss == pytest.approx(problem.loss(params_P, buffers_B, front).item(), rel=1e-12)
    assert stderr == pytest.approx(math.sqrt((1 - count / total) * variance / count), rel=1e-10)


def test_standard_error_shrinks_to_what_was_not_seen() -> None:
    problem = build("digits-tanh")
    params_P, buffers_B = problem.params0(0)
    whole = problem.loss(params_P, buffers_B).item()
    scores = []
    for fraction in (0.2, 0.4, 0.6, 0.8, 59 / 60):
        loss, stderr = measure(sample(problem, fraction), params_P, buffers_B)
        assert stderr is not None
        scores.append(abs(loss - whole) / stderr)
    assert max(scores) < 3.5


@pytest.mark.parametrize("policy", ["batch", "reestimated"])
def test_no_standard_error_where_examples_share_statistics(policy: str) -> None:
    problem = build("cnn-batch")
    assert problem.train is not None
    params_P, buffers_B = problem.params0(0)
    front = Data(problem.train.x[:20], problem.train.y[:20])
    measured = measure(sample(problem, 0.5, policy), params_P, buffers_B)  # type: ignore[arg-type]
    wanted = problem.loss(params_P, buffers_B, front, policy).item()  # type: ignore[arg-type]
    assert measured == (pytest.approx(wanted, rel=1e-12), None)


def test_no_standard_error_from_one_example() -> None:
    problem = build("blobs-tanh")
    loss, stderr = measure(sample(problem, 0.01), *problem.params0(0))
    assert stderr is None
    assert math.isfinite(loss)


@pytest.mark.parametrize(("fraction", "count"), [(0.1, 3), (0.3, 9), (1 / 3, 10), (0.34, 11), (1e-9, 1), (1.0, 30)])
def test_share_is_rounded_up_but_not_by_rounding(fraction: float, count: int) -> None:
    where = sample(build("moons-relu-kaiming"), fraction)
    assert (len(where.data) if where.data is not None else 30) == count


@over(FUNCTIONS)
def test_a_function_has_no_shares(name: str) -> None:
    problem = build(name)
    start = problem.params0(0)
    assert measure(sample(problem, 0.25), *start) == measure(sample(problem), *start)
    assert sample(problem, 0.25).fraction == 1.0


@pytest.mark.parametrize("fraction", [0.5, 1.0])
def test_what_is_not_finite_stays_so_and_nothing_is_written_to(fraction: float) -> None:
    problem = build("cnn-batch")
    params_P, buffers_B = problem.params0(0)
    before = params_P.clone(), buffers_B.clone()
    where = sample(problem, fraction)
    measure(where, params_P, buffers_B)
    assert torch.equal(params_P, before[0])
    assert torch.equal(buffers_B, before[1])
    assert math.isnan(measure(where, params_P * math.nan, buffers_B).loss)


def test_no_gradient_is_recorded() -> None:
    problem = build("digits-tanh")
    params_P, buffers_B = problem.params0(0)
    params_P.requires_grad_()
    measure(sample(problem, 0.5), params_P, buffers_B)
    assert params_P.grad is None
    assert torch.is_grad_enabled()
