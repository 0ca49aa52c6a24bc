"""Dense layers, mean pooling and tanh, each in the form that is quickest where no gradient is asked for.

On a CPU an evaluation without gradients has other bottlenecks than training: a product with few outputs, pooling and
tanh take most of a small network's time. The forms here give the same values to a rounding error; with gradients, and
on other devices, PyTorch's own are used.

Shapes: N examples, F features, C outputs.
"""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

NARROW: Final = 16  # fewer outputs than this leave most of a vector register idle


def dense(x_NF: Tensor, weight_CF: Tensor, bias_C: Tensor) -> Tensor:
    """Return x·Wᵀ + b [N, C]; for few outputs as (W·xᵀ + b)ᵀ, which takes half the time."""
    if _exact(x_NF) or weight_CF.shape[0] >= NARROW:
        return F.linear(x_NF, weight_CF, bias_C)
    return torch.addmm(bias_C[:, None], weight_CF, x_NF.t()).t()


def dense_into(x_NF: Tensor, weight_CF: Tensor, bias_C: Tensor, memory: Tensor) -> Tensor:
    """Return :func:`dense` without gradients, written to memory [N·C] that none of the arguments lies in."""
    if weight_CF.shape[0] >= NARROW:
        return torch.addmm(bias_C, x_NF, weight_CF.t(), out=memory.view(len(x_NF), -1))
    return torch.addmm(bias_C[:, None], weight_CF, x_NF.t(), out=memory.view(-1, len(x_NF))).t()


def halved(x_NCHW: Tensor) -> Tensor:
    """Return the means of 2×2 pixels; the last row and column of an odd size are dropped.

    As two sums, of rows and then of columns, which take a quarter of the time that ``avg_pool2d`` takes.
    """
    if _exact(x_NCHW):
        return F.avg_pool2d(x_NCHW, 2)
    height, width = (2 * (side // 2) for side in x_NCHW.shape[-2:])
    rows = x_NCHW[..., 0:height:2, :] + x_NCHW[..., 1:height:2, :]
    return (rows[..., 0:width:2] + rows[..., 1:width:2]) * 0.25


def tanh(x: Tensor) -> Tensor:
    """Return tanh x; by 2σ(2x) − 1, with the logistic function σ, in a third of the time."""
    if _exact(x):
        return torch.tanh(x)
    return torch.sigmoid_(x + x).mul_(2).sub_(1)


def tanh_(x: Tensor) -> Tensor:
    """Write :func:`tanh` of x over x, and return it."""
    return x.mul_(2).sigmoid_().mul_(2).sub_(1)


def _exact(x: Tensor) -> bool:
    return torch.is_grad_enabled() or x.device.type != "cpu"
