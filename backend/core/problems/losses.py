"""Losses: means over examples, and what each asks of the network.

Shapes: N examples, C outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.schemas.problem.loss import AnyLoss, CrossEntropyLoss, LogisticLoss, MseLoss

Second = Callable[[Tensor], Tensor]  # of K vectors at once, [K, N, C]


@dataclass(frozen=True)
class Criterion:
    """A loss of outputs [N, C] and targets, and the classes that the outputs stand for."""

    outputs: int  # C, the width of the network's last layer
    loss: Callable[[Tensor, Tensor], Tensor]  # the mean over the examples
    each: Callable[[Tensor, Tensor], Tensor]  # of every example alone, [N]
    second: Callable[[Tensor], Second]  # at outputs [N, C]: v ↦ S·v, S the mean loss's second derivatives by them
    predicted: Callable[[Tensor], Tensor] | None  # outputs [N, C] → classes [N]; None for a regression
    slope: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None  # each, and its derivative by the outputs

    def accuracy(self, out_NC: Tensor, y: Tensor) -> float | None:
        """Share of the examples whose class is predicted rightly; None for a regression."""
        if self.predicted is None:
            return None
        return int((self.predicted(out_NC) == y).sum()) / len(y)


def build_criterion(spec: AnyLoss, classes: int | None) -> Criterion:
    """Build a loss.

    - cross-entropy: L = −(1/N) Σᵢ log softmax(f(xᵢ))[yᵢ];
    - squared error: L = factor · (1/N) Σᵢ ‖f(xᵢ) − yᵢ‖², classes as one-hot vectors;
    - logistic: L = (1/N) Σᵢ log(1 + exp(−sᵢ·f(xᵢ))), sᵢ = 2yᵢ − 1, one output; class 1 where f > 0.

    Args:
        spec: which loss.
        classes: number of classes of the data; None for a regression with one real target.

    Returns:
        The criterion; the spec has made sure that it fits the data.
    """
    outputs = 1 if classes is None else classes

    def largest(out_NC: Tensor) -> Tensor:
        return out_NC.argmax(1)

    match spec:
        case CrossEntropyLoss():
            return Criterion(
                outputs, _cross_entropy, _cross_entropy_each, _cross_entropy_second, largest, _cross_entropy_slope
            )
        case LogisticLoss():
            return Criterion(1, _logistic, _logistic_each, _logistic_second, lambda out_N1: (out_N1[:, 0] > 0).long())
        case MseLoss(factor=factor):

            def squared_error(out_NC: Tensor, y: Tensor) -> Tensor:
                return F.mse_loss(out_NC, target(out_NC, y), reduction="sum") * (factor / len(y))

            def each(out_NC: Tensor, y: Tensor) -> Tensor:
                return F.mse_loss(out_NC, target(out_NC, y), reduction="none").sum(1) * factor

            def target(out_NC: Tensor, y: Tensor) -> Tensor:
                return y if classes is None else _one_hot(y, classes).to(out_NC.dtype)

            def second(out_NC: Tensor) -> Second:
                return lambda v_KNC: v_KNC * (2.0 * factor / len(out_NC))

            return Criterion(outputs, squared_error, each, second, None if classes is None else largest)


def _one_hot(y_N: Tensor, classes: int) -> Tensor:
    # F.one_hot looks at the values, which a vectorised pass over examples cannot.
    return y_N.unsqueeze(-1) == torch.arange(classes, device=y_N.device)


def _cross_entropy(out_NC: Tensor, y_N: Tensor) -> Tensor:
    # F.cross_entropy with the softmax along the first axis: on a CPU that runs over the examples in vector registers,
    # five times as fast for a few classes, and the same to a rounding error.
    return F.nll_loss(F.log_softmax(out_NC.t(), 0).t(), y_N)


def _cross_entropy_each(out_NC: Tensor, y_N: Tensor) -> Tensor:
    # Not F.nll_loss: under vmap its first call loads half a second of PyTorch.
    return F.log_softmax(out_NC.t(), 0).gather(0, y_N.unsqueeze(0)).squeeze(0).neg()


def _cross_entropy_slope(out_NC: Tensor, y_N: Tensor) -> tuple[Tensor, Tensor]:
    """Return the losses [N], and softmax f(x) − onehot(y) [N, C]."""
    logs_CN, y_1N = F.log_softmax(out_NC.t(), 0), y_N.unsqueeze(0)
    each_1N = logs_CN.gather(0, y_1N)
    slope_CN = logs_CN.exp_().scatter_add_(0, y_1N, torch.full_like(each_1N, -1.0))
    return each_1N.squeeze(0).neg(), slope_CN.t()


def _logistic(out_N1: Tensor, y_N: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(torch.squeeze(out_N1, 1), y_N.to(out_N1.dtype))


def _logistic_each(out_N1: Tensor, y_N: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(torch.squeeze(out_N1, 1), y_N.to(out_N1.dtype), reduction="none")


def _cross_entropy_second(out_NC: Tensor) -> Second:
    """S = (diag p − p·pᵀ)/N for each example, p = softmax f(x)."""
    p_NC = out_NC.softmax(1)
    each_NC = p_NC / len(out_NC)

    def apply(v_KNC: Tensor) -> Tensor:
        return each_NC * (v_KNC - (p_NC * v_KNC).sum(-1, keepdim=True))

    return apply


def _logistic_second(out_N1: Tensor) -> Second:
    """S = σ(f)·(1 − σ(f))/N for each example."""
    share_N1 = out_N1.sigmoid()
    bend_N1 = share_N1 * (1.0 - share_N1) / len(out_N1)
    return lambda v_KN1: bend_N1 * v_KN1
