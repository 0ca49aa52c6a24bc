"""Each example's gradient by itself against one backward pass an example."""

from typing import Any

import pytest
import torch
from core.curvature.curvature_cases import Attention
from torch import Tensor
from torch.nn import functional as F

from backend.core.analyses.base import Moment
from backend.core.gradients import gram as in_stripes
from backend.core.gradients import per_sample as in_passes
from backend.core.gradients.convolved import Convolution, laid_out, windows
from backend.core.gradients.gram import gram
from backend.core.gradients.moments import moments
from backend.core.gradients.per_sample import TooLarge, per_sample, through_vmap
from backend.core.gradients.taps import Taps
from backend.core.problems.pooling import Halved, HalvedAboveZero
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


@over(NETWORKS)
def test_mean_and_variance(name: str) -> None:
    problem = build(name)
    moment, data = at_start(problem), front(problem)
    slow_NP = one_by_one(problem, moment, data)
    found = [moments(part) for part in per_sample(problem, moment, data)]
    torch.testing.assert_close(torch.cat([each.mean_p for each in found]), slow_NP.mean(0), rtol=1e-10, atol=1e-12)
    variance_P = torch.cat([each.variance_p for each in found])
    torch.testing.assert_close(variance_P, slow_NP.var(0, correction=0), rtol=1e-9, atol=1e-14)


def test_examples_that_agree_have_no_variance() -> None:
    problem = build("wine-linear")
    data = front(problem, 1)
    same = Data(data.x.repeat(9, 1), data.y.repeat(9))
    (part,) = per_sample(problem, at_start(problem), same)
    found = moments(part)
    assert bool((found.variance_p == 0).all())
    assert bool((found.mean_p != 0).any())


@pytest.mark.parametrize("at_once", [True, False])
def test_examples_in_several_passes(monkeypatch: pytest.MonkeyPatch, at_once: bool) -> None:
    problem = build("resnet-group")
    monkeypatch.setattr(in_passes, "AT_ONCE_MB", 16.0 if at_once else 0.0)
    moment, data = at_start(problem), front(problem)
    monkeypatch.setattr(in_passes, "PIXELS", 5 * data.x[0, 0].numel())  # 13 examples are 5, 5 and 3
    found_NP = torch.cat([part.grad_Np for part in per_sample(problem, moment, data)], 1)
    torch.testing.assert_close(found_NP, one_by_one(problem, moment, data), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["resnet-group", "digits-tanh"])
def test_inner_products_by_stripes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_stripes, "SMALL", 8)  # of unequal height
    problem = build(name)
    moment, data = at_start(problem), front(problem, 23)
    slow_NP = one_by_one(problem, moment, data)
    found_NN = torch.stack([gram(part) for part in per_sample(problem, moment, data)]).sum(0)
    torch.testing.assert_close(found_NN, slow_NP @ slow_NP.T, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"), [(3, 1, 1, 1), (3, 2, 0, 1), ((2, 3), (1, 2), (0, 2), (2, 1))]
)
def test_patches_are_those_of_unfold(kernel: Any, stride: Any, padding: Any, dilation: Any) -> None:
    x = torch.randn(4, 3, 9, 8, generator=torch.Generator().manual_seed(0))
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    out = F.conv2d(x, torch.ones(2, 3, *sides), None, stride, padding, dilation)
    expected = F.unfold(x, sides, dilation, padding, stride)
    assert torch.equal(laid_out(windows(x, (*sides, *out.shape[2:]), stride, padding, dilation)), expected)


@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 1, 1), ((1, 2), (0, 2), (2, 1))])
@pytest.mark.parametrize(
    ("channels", "first", "biased"),
    [
        ((1, 5), True, True),
        ((3, 4), True, False),
        ((8, 16), False, True),
        ((5, 8), False, True),
        ((3, 2), False, False),
    ],
)
def test_convolutions_of_every_way(
    channels: tuple[int, int], first: bool, biased: bool, stride: Any, padding: Any, dilation: Any
) -> None:
    draw = torch.Generator().manual_seed(0)
    x, weight, bias = (
        torch.randn(shape, generator=draw, dtype=torch.float64)
        for shape in ((19, channels[0], 7, 8), (channels[1], channels[0], 3, 2), (channels[1],))
    )
    x.requires_grad_(not first)
    own = Convolution(x, weight.requires_grad_(), bias if biased else None, stride, padding, dilation)
    assert own.narrow == first
    expected = F.conv2d(x, weight, bias if biased else None, stride, padding, dilation)
    if first:
        torch.testing.assert_close(own.output(), expected, rtol=1e-12, atol=1e-12)
    slope = torch.randn(expected.shape, generator=draw, dtype=torch.float64)
    slow = [torch.autograd.grad((slope[i] * expected[i]).sum(), weight, retain_graph=True)[0] for i in range(len(x))]
    torch.testing.assert_close(own.of_weight(slope), torch.stack(slow).flatten(1), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("shape", [(2, 3, 6, 4), (1, 2, 5, 7), (1, 2, 5, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_halves_are_those_of_average_pooling(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype).requires_grad_()
    above = torch.relu(x)
    for fast, slow in (
        (Halved.apply(x), F.avg_pool2d(x, 2)),
        (HalvedAboveZero.apply(x, above.detach()), F.avg_pool2d(above, 2)),
    ):
        torch.testing.assert_close(fast, slow)
        weights = torch.arange(fast.numel(), dtype=dtype).view_as(fast)
        slopes = [torch.autograd.grad(out, x, weights, retain_graph=True)[0] for out in (fast, slow)]
        torch.testing.assert_close(*slopes, rtol=0, atol=0)


def test_what_was_written_to_after_the_rectifier_is_pooled_as_it_is() -> None:
    x = torch.linspace(-1, 1, 16).view(1, 1, 4, 4).requires_grad_()
    with Taps(torch.empty(0)):
        above = torch.relu(x * 1.0)
        kept = F.avg_pool2d(above, 2)
        written = F.avg_pool2d(above.add_(1.0), 2)
        other = F.avg_pool2d(x, 2)
    torch.testing.assert_close(kept, F.avg_pool2d(torch.relu(x), 2))
    torch.testing.assert_close(written, F.avg_pool2d(torch.relu(x) + 1.0, 2))
    torch.testing.assert_close(other, F.avg_pool2d(x, 2))


def test_what_does_not_fit_is_refused_with_what_would() -> None:
    problem = build("digits-tanh")
    with pytest.raises(
        TooLarge, match=r"13 examples .* take .* MB, and 0 MB are allowed; ask for at most \d+ examples"
    ):
        list(per_sample(problem, at_start(problem), front(problem), budget_mb=0.02))
