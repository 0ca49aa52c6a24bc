"""Nonlinearities by name: the plain functions, each elementwise."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.core.problems.products import tanh
from backend.schemas.problem.model import Activation

ACTIVATIONS: Final[dict[Activation, Callable[[Tensor], Tensor]]] = {
    "tanh": tanh,
    "relu": torch.relu,
    "gelu": F.gelu,  # z·Φ(z), with the exact normal distribution function
    "silu": F.silu,  # z·sigmoid(z)
    "sigmoid": torch.sigmoid,
}


def _tanh_derivatives(value: Tensor) -> tuple[Tensor, Tensor]:
    slope = torch.addcmul(torch.ones_like(value[:1, :1]), value, value, value=-1.0)
    return slope, (value * slope).mul_(-2.0)


def _sigmoid_derivatives(value: Tensor) -> tuple[Tensor, Tensor]:
    slope = torch.addcmul(value, value, value, value=-1.0)
    return slope, torch.addcmul(slope, value, slope, value=-2.0)


# φ' and φ'' where they are short formulas of φ itself [N, I]: a few passes fewer than through autograd.
DERIVATIVES: Final[dict[Activation, Callable[[Tensor], tuple[Tensor, Tensor]]]] = {
    "tanh": _tanh_derivatives,  # 1 − φ² and −2φ·φ'
    "sigmoid": _sigmoid_derivatives,  # φ − φ² and φ' − 2φ·φ'
}
