"""The quick forms of layers against PyTorch's own."""

import pytest
import torch
from torch.nn import functional as F

from backend.core.problems.losses import build_criterion
from backend.core.problems.products import dense, halved, tanh
from backend.schemas.problem.loss import AnyLoss, CrossEntropyLoss, LogisticLoss, MseLoss


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("outputs", [1, 3, 40])
def test_dense(outputs: int) -> None:
    x, weight, bias = normal(7, 5), normal(outputs, 5, seed=1), normal(outputs, seed=2)
    wanted = x @ weight.T + bias
    torch.testing.assert_close(dense(x, weight, bias), wanted, rtol=1e-13, atol=1e-13)
    with torch.no_grad():
        torch.testing.assert_close(dense(x, weight, bias), wanted, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("size", [(2, 2), (4, 6), (5, 7), (3, 2)])
@pytest.mark.parametrize("form", [torch.contiguous_format, torch.channels_last])
def test_halved(size: tuple[int, int], form: torch.memory_format) -> None:
    x = normal(3, 2, *size).contiguous(memory_format=form)
    wanted = F.avg_pool2d(x, 2)
    assert torch.equal(halved(x), wanted)
    with torch.no_grad():
        torch.testing.assert_close(halved(x), wanted, rtol=1e-14, atol=1e-14)


def test_tanh_is_within_rounding_and_leaves_its_argument() -> None:
    x = torch.cat([torch.linspace(-30, 30, 4001), torch.tensor([0.0, torch.inf, -torch.inf])])
    before = x.clone()
    with torch.no_grad():
        assert (tanh(x).double() - x.double().tanh()).abs().max() <= 2.4e-7
        assert (tanh(x.double()) - x.double().tanh()).abs().max() <= 5e-16
        assert tanh(torch.tensor([torch.nan])).isnan().all()
    assert torch.equal(x, before)
    assert torch.equal(tanh(x), torch.tanh(x))


@pytest.mark.parametrize("loss", [CrossEntropyLoss(), MseLoss(factor=0.5), LogisticLoss()])
def test_losses_of_single_examples_have_the_loss_as_their_mean(loss: AnyLoss) -> None:
    criterion = build_criterion(loss, 2)
    out, y = normal(9, criterion.outputs), torch.arange(9) % 2
    each = criterion.each(out, y)
    alone = [criterion.loss(out[i : i + 1], y[i : i + 1]) for i in range(9)]
    torch.testing.assert_close(each, torch.stack(alone), rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(each.mean(), criterion.loss(out, y), rtol=1e-13, atol=1e-14)
