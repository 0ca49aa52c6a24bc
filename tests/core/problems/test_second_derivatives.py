"""Losses' second derivatives by the outputs in closed form, against autograd's."""

import pytest
import torch

from backend.core.problems.losses import build_criterion
from backend.schemas.problem.loss import AnyLoss, CrossEntropyLoss, LogisticLoss, MseLoss

CASES: list[tuple[AnyLoss, int | None]] = [
    (CrossEntropyLoss(), 4), (LogisticLoss(), 2), (MseLoss(factor=0.5), 4), (MseLoss(), None)
]  # fmt: skip


@pytest.mark.parametrize(("loss", "classes"), CASES, ids=["cross-entropy", "logistic", "half-squared", "squared"])
def test_second_derivatives(loss: AnyLoss, classes: int | None) -> None:
    random = torch.Generator().manual_seed(0)
    criterion = build_criterion(loss, classes)
    shape = (7, criterion.outputs)
    out_NC = (3 * torch.randn(shape, generator=random, dtype=torch.float64)).requires_grad_()
    y = torch.randn(shape, generator=random, dtype=torch.float64)
    if classes is not None:
        y = torch.randint(0, classes, shape[:1], generator=random)
    v_KNC = torch.randn(3, *shape, generator=random, dtype=torch.float64)
    (slope_NC,) = torch.autograd.grad(criterion.loss(out_NC, y), out_NC, create_graph=True)
    found_KNC = criterion.second(out_NC.detach())(v_KNC)
    for v_NC, found_NC in zip(v_KNC, found_KNC, strict=True):
        (expected_NC,) = torch.autograd.grad(slope_NC, out_NC, v_NC, retain_graph=True)
        torch.testing.assert_close(found_NC, expected_NC, rtol=1e-12, atol=1e-14)
