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
