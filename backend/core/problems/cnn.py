"""Small convolutional nets for images.

Shapes: N examples, C outputs, P parameters and B buffer values in all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from backend.core.problems.activations import ACTIVATIONS
from backend.core.problems.batch_norm import EPSILON, BatchNorm
from backend.core.problems.initialisation import initial_layer
from backend.core.problems.params import Layout
from backend.core.problems.products import dense, halved
from backend.core.problems.units import Axis, Units
from backend.schemas.problem.model import CnnModel

KERNEL: Final = (3, 3)


@dataclass(frozen=True)
class _Layer:
    name: str  # its place in the nn.Sequential
    shape: tuple[int, ...]  # of its weight, outputs first


def largest_divisor(number: int, up_to: int) -> int:
    """Return the largest divisor of a number that is not above ``up_to``.

    Example:
        >>> largest_divisor(12, 5), largest_divisor(7, 4)
        (4, 1)
    """
    return next(candidate for candidate in range(min(number, up_to), 0, -1) if number % candidate == 0)


class Cnn:
    """Blocks of 3×3 convolution (padding 1), norm, nonlinearity and 2×2 mean pooling, then one dense layer.

    The parameters' names are those of ``nn.Sequential(Conv2d, norm, φ, AvgPool2d, …, Flatten, Linear)``, without the
    norm where there is none. Pooling drops the last row and column of a picture of odd size.
    """

    def __init__(self, spec: CnnModel, image: tuple[int, int, int], outputs: int) -> None:
        self.spec = spec
        self.input_shape: tuple[int, ...] = image
        depth, height, width = image
        normed = spec.norm != "none"
        per_block = 4 if normed else 3
        self._convolutions = tuple(
            _Layer(str(block * per_block), (wide, narrow, *KERNEL))
            for block, (narrow, wide) in enumerate(pairwise((depth, *spec.channels)))
        )
        blocks = len(spec.channels)
        features = spec.channels[-1] * (height >> blocks) * (width >> blocks)
        self._dense = _Layer(str(blocks * per_block + 1), (outputs, features))
        entries: list[tuple[str, tuple[int, ...]]] = []
        buffers: list[tuple[str, tuple[int, ...]]] = []
        for layer in (*self._convolutions, self._dense):
            units = layer.shape[:1]
            entries += [(f"{layer.name}.weight", layer.shape), (f"{layer.name}.bias", units)]
            if normed and layer is not self._dense:
                norm = int(layer.name) + 1
                entries += [(f"{norm}.weight", units), (f"{norm}.bias", units)]
                if spec.norm == "batch":
                    buffers += [(f"{norm}.running_mean", units), (f"{norm}.running_var", units)]
        self.layout = Layout(tuple(entries))
        self.buffer_layout = Layout(tuple(buffers))
        self.units = tuple(self._units((height >> blocks) * (width >> blocks)))
        self.activated = tuple(range(blocks))
        self.activation = ACTIVATIONS[spec.activation]
        self.first_tensors = 2

    def initial(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw parameters [P] and buffers [B], layer by layer, float64 on the CPU.

        Norms start at weight 1, bias 0, running mean 0 and running variance 1, whatever ``init_gain`` is.

        Returns:
            Parameters and buffers, in their layouts' order.
        """
        params: list[Tensor] = []
        buffers: list[Tensor] = [torch.empty(0, dtype=torch.float64)]
        for layer in (*self._convolutions, self._dense):
            params += initial_layer(layer.shape, self.spec.init, self.spec.init_gain, generator)
            if layer is not self._dense and self.spec.norm != "none":
                ones, zeros = (fill(layer.shape[0], dtype=torch.float64) for fill in (torch.ones, torch.zeros))
                params += [ones, zeros]
                buffers += [zeros, ones] if self.spec.norm == "batch" else []
        return torch.cat([tensor.flatten() for tensor in params]), torch.cat(buffers)

    def first(self, params: Sequence[Tensor], x: Tensor) -> Tensor:
        """Return what the first convolution makes of images [N, channels, height, width]."""
        return F.conv2d(x, params[0], params[1], padding=1)

    def rest(self, params: Sequence[Tensor], buffers: Sequence[Tensor], z: Tensor, batch_norm: BatchNorm) -> Tensor:
        """Return the outputs [N, C] from what the first convolution made."""
        tensors, running = iter(params), iter(buffers)
        for layer in self._convolutions:
            if layer is not self._convolutions[0]:
                z = F.conv2d(z, next(tensors), next(tensors), padding=1)
            if self.spec.norm == "group":
                z = F.group_norm(z, self._cells(layer.shape[0]), next(tensors), next(tensors), EPSILON)
            elif self.spec.norm == "batch":
                z = batch_norm(z, next(tensors), next(tensors), next(running), next(running))
            z = halved(self.activation(z))
        return dense(z.flatten(1), next(tensors), next(tensors))

    def _cells(self, channels: int) -> int:
        return largest_divisor(channels, self.spec.groups) if self.spec.norm == "group" else 1

    def _units(self, pixels: int) -> Iterator[Units]:
        """Name what each convolution's channels touch; the dense layer reads every pixel of each."""
        normed = self.spec.norm != "none"
        for layer, reader in pairwise((*self._convolutions, self._dense)):
            norm = int(layer.name) + 1
            axes = [Axis(f"{layer.name}.{part}", 0, "inner" if normed else "made") for part in ("weight", "bias")]
            axes += [Axis(f"{norm}.{part}", 0, "made") for part in ("weight", "bias")] * normed
            axes.append(Axis(f"{reader.name}.weight", 1, "read", pixels if reader is self._dense else 1))
            running = tuple(f"{norm}.{part}" for part in ("running_mean", "running_var")) * (self.spec.norm == "batch")
            yield Units(layer.shape[0], tuple(axes), running, self._cells(layer.shape[0]))
