"""Multilayer perceptrons.

Shapes: N examples, F features, C outputs, P parameters in all.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor

from backend.core.problems.activations import ACTIVATIONS
from backend.core.problems.batch_norm import BatchNorm
from backend.core.problems.initialisation import initial_layer
from backend.core.problems.params import Layout
from backend.core.problems.products import dense
from backend.core.problems.units import Axis, Units
from backend.schemas.problem.model import MlpModel


class Mlp:
    """f(x) = W_L φ(… φ(W₁ x + b₁) …) + b_L with the nonlinearity φ after each layer but the last.

    The parameters' names are those of ``nn.Sequential(Linear, φ, Linear, φ, …, Linear)``.
    """

    def __init__(self, spec: MlpModel, features: int, outputs: int) -> None:
        self.spec = spec
        self.input_shape: tuple[int, ...] = (features,)
        self.shapes = tuple((wide, narrow) for narrow, wide in pairwise((features, *spec.hidden, outputs)))
        self.layout = Layout(
            tuple(
                entry
                for layer, shape in enumerate(self.shapes)
                for entry in ((f"{2 * layer}.weight", shape), (f"{2 * layer}.bias", shape[:1]))
            )
        )
        self.buffer_layout = Layout(())
        self.units = tuple(
            Units(
                width,
                (
                    Axis(f"{2 * layer}.weight", 0, "made"),
                    Axis(f"{2 * layer}.bias", 0, "made"),
                    Axis(f"{2 * layer + 2}.weight", 1, "read"),
                ),
            )
            for layer, width in enumerate(spec.hidden)
        )
        self.activated = tuple(range(len(spec.hidden)))
        self.activation = ACTIVATIONS[spec.activation]
        self.first_tensors = 2

    def initial(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw the parameters [P], layer by layer, float64 on the CPU; there are no buffers."""
        drawn = [initial_layer(shape, self.spec.init, self.spec.init_gain, generator) for shape in self.shapes]
        flat = [tensor.flatten() for layer in drawn for tensor in layer]
        return torch.cat(flat), torch.empty(0, dtype=torch.float64)

    def first(self, params: Sequence[Tensor], x: Tensor) -> Tensor:
        """Return W₁x + b₁ at inputs [N, F]."""
        return dense(x, params[0], params[1])

    def rest(self, params: Sequence[Tensor], buffers: Sequence[Tensor], z: Tensor, batch_norm: BatchNorm) -> Tensor:
        """Return the outputs [N, C] from the first layer's; buffers and BatchNorm are another model's matter."""
        for weight, bias in zip(params[::2], params[1::2], strict=True):
            z = dense(self.activation(z), weight, bias)
        return z
