"""A plain dense network at one point after another, in memory that is used again.

Shapes: N examples, C outputs, P parameters after the first layer.
"""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.core.problems.mlp import Mlp
from backend.core.problems.params import Layout
from backend.core.problems.products import dense_into, tanh_
from backend.schemas.problem.model import Activation

OVERWRITING: Final[dict[Activation, Callable[[Tensor], Tensor]]] = {
    "tanh": tanh_,
    "relu": torch.relu_,
    "gelu": F.gelu,  # has no such form
    "silu": lambda z: F.silu(z, inplace=True),
    "sigmoid": torch.sigmoid_,
}


class Chain:
    """The layers after the first: x_l = W_l·φ(x_{l−1}) + b_l, with x₁ given, each written over the last but one.

    Where a point takes a millisecond, fresh memory for each layer costs as much as the nonlinearities, and the layers
    leave the cache. The same as ``Mlp.rest`` to a rounding error. No gradients, on a CPU, for one thread alone.

    Args:
        model: the network.
        like: what its first layer makes of N examples, for the number and the number format.

    Attributes:
        z: the first layer's values [N, F], to be written to before each point; overwritten by :meth:`outputs`.
        params_P: the other parameters, to be written to before each point.
        spare: memory like that of ``z`` for whoever makes these, which is never touched here.
    """

    def __init__(self, model: Mlp, like: Tensor) -> None:
        shapes, examples = model.shapes[1:], len(like)
        self.params_P = like.new_empty(model.layout.size - Layout(model.layout.entries[: model.first_tensors]).size)
        self._activate = OVERWRITING[model.spec.activation]
        widest = max((max(shape) for shape in shapes), default=like.shape[1])
        memory = [like.new_empty(examples * widest) for _ in range(2 if shapes else 1)]
        self.spare = torch.empty_like(like)
        self.z = memory[0].as_strided(like.shape, like.stride())
        parts = Layout(model.layout.entries[model.first_tensors :]).parts(self.params_P)
        self._layers = [
            (weight, bias, memory[(place + 1) % 2][: examples * len(bias)])
            for place, (weight, bias) in enumerate(zip(parts[::2], parts[1::2], strict=True))
        ]

    def outputs(self) -> Tensor:
        """Return the outputs [N, C] from ``z`` and ``params_P``; they hold until either is written to."""
        x = self.z
        for weight, bias, memory in self._layers:
            x = dense_into(self._activate(x), weight, bias, memory)
        return x
