"""BatchNorm's three kinds of statistics, and their re-estimation, without modules and without hidden state.

y = weight · (x − mean) / √(var + ε) + bias per channel; what ``mean`` and ``var`` are is the policy's matter.

Shapes: N examples, C channels, H × W pixels, B buffer values in all.
"""

from typing import Final, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON: Final = 1e-5  # ε and momentum are torch.nn.BatchNorm2d's defaults
MOMENTUM: Final = 0.1


class BatchNorm(Protocol):
    """One layer's normalisation, given its weight, its bias and its running statistics, all [C]."""

    def __call__(self, x_NCHW: Tensor, weight_C: Tensor, bias_C: Tensor, mean_C: Tensor, var_C: Tensor) -> Tensor:
        """Normalise a batch."""
        ...


def updating(x_NCHW: Tensor, weight_C: Tensor, bias_C: Tensor, mean_C: Tensor, var_C: Tensor) -> Tensor:
    """Training: the batch's statistics; the running ones move towards them by the momentum, in place.

    running ← (1 − 0.1)·running + 0.1·(the batch's mean and unbiased variance), as ``torch.nn.BatchNorm2d`` does.

    Returns:
        The normalised batch.
    """
    return F.batch_norm(x_NCHW, mean_C, var_C, weight_C, bias_C, True, MOMENTUM, EPSILON)


def frozen(x_NCHW: Tensor, weight_C: Tensor, bias_C: Tensor, mean_C: Tensor, var_C: Tensor) -> Tensor:
    """Evaluation: the running statistics."""
    return F.batch_norm(x_NCHW, mean_C, var_C, weight_C, bias_C, False, 0.0, EPSILON)


def of_batch(x_NCHW: Tensor, weight_C: Tensor, bias_C: Tensor, mean_C: Tensor, var_C: Tensor) -> Tensor:
    """The batch's own statistics; the running ones are neither read nor written."""
    return F.batch_norm(x_NCHW, None, None, weight_C, bias_C, True, 0.0, EPSILON)


class Observer:
    """Normalises by the batch and collects what the running statistics would move towards.

    New tensors instead of writes in place, so that it works under ``vmap`` and gradients pass through.
    """

    def __init__(self) -> None:
        self._seen: list[Tensor] = []

    def __call__(self, x_NCHW: Tensor, weight_C: Tensor, bias_C: Tensor, mean_C: Tensor, var_C: Tensor) -> Tensor:
        """Normalise a batch and keep its mean and unbiased variance."""
        var, mean = torch.var_mean(x_NCHW, dim=(0, 2, 3))
        self._seen += [mean, var]
        return of_batch(x_NCHW, weight_C, bias_C, mean_C, var_C)

    def buffers(self) -> Tensor:
        """Return the collected statistics of all layers [B], in the order in which the layers came."""
        return torch.cat(self._seen)
