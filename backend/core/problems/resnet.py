"""Small residual nets for images.

Shapes: N examples, C outputs, P parameters and B buffer values in all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from backend.core.problems.activations import ACTIVATIONS
from backend.core.problems.batch_norm import EPSILON, BatchNorm
from backend.core.problems.cnn import largest_divisor
from backend.core.problems.initialisation import initial_layer
from backend.core.problems.params import Layout
from backend.core.problems.products import dense
from backend.core.problems.units import Axis, Units
from backend.schemas.problem.model import ResNetModel


@dataclass(frozen=True)
class _Convolution:
    """A convolution and the norm after it: which group of units it makes, and which it reads (None: the picture)."""

    name: str
    shape: tuple[int, ...]  # of its weight, outputs first
    stride: int
    makes: int
    reads: int | None


@dataclass(frozen=True)
class _Block:
    first: _Convolution
    second: _Convolution
    projection: _Convolution | None  # brings the shortcut to the block's new shape


class ResNet:
    """φ(x + norm(conv(φ(norm(conv(x)))))) block by block, after one convolution and before pooling and a dense layer.

    Each stage after the first halves the picture in its first block, whose shortcut is then a 1×1 convolution with a
    norm. Without a norm the convolutions have biases; without shortcuts it is the plain net of the same layers. The
    last pictures are averaged over their pixels.

    He et al. 2016, Deep residual learning for image recognition, figure 2 and section 4.2 (their option B).
    """

    def __init__(self, spec: ResNetModel, image: tuple[int, int, int], outputs: int) -> None:
        self.spec = spec
        self.input_shape: tuple[int, ...] = image
        self._sizes: list[int] = []  # of the groups of units
        self._stem = _Convolution("stem", (spec.channels[0], image[0], 3, 3), 1, self._group(spec.channels[0]), None)
        self._blocks = tuple(self._plan())
        self._convolutions = (self._stem, *(conv for block in self._blocks for conv in _parts(block)))
        self._dense = (outputs, spec.channels[-1])
        entries: list[tuple[str, tuple[int, ...]]] = []
        buffers: list[tuple[str, tuple[int, ...]]] = []
        for conv in self._convolutions:
            units, norm = conv.shape[:1], f"{conv.name}.norm"
            entries.append((f"{conv.name}.weight", conv.shape))
            entries += [(f"{norm}.weight", units), (f"{norm}.bias", units)] if self._normed else []
            entries += [] if self._normed else [(f"{conv.name}.bias", units)]
            buffers += [(f"{norm}.running_mean", units), (f"{norm}.running_var", units)] * (spec.norm == "batch")
        entries += [("dense.weight", self._dense), ("dense.bias", (outputs,))]
        self.layout = Layout(tuple(entries))
        self.buffer_layout = Layout(tuple(buffers))
        self.units = self._units()
        self.activated = (
            self._stem.makes,
            *(conv.makes for block in self._blocks for conv in (block.first, block.second)),
        )
        self.activation = ACTIVATIONS[spec.activation]
        self.first_tensors = 1 if self._normed else 2

    def initial(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw parameters [P] and buffers [B], layer by layer, float64 on the CPU.

        Norms start at weight 1, bias 0, running mean 0 and running variance 1, whatever ``init_gain`` is.

        Returns:
            Parameters and buffers, in their layouts' order.
        """
        params: list[Tensor] = []
        buffers: list[Tensor] = [torch.empty(0, dtype=torch.float64)]
        for conv in self._convolutions:
            weight, bias = initial_layer(conv.shape, self.spec.init, self.spec.init_gain, generator)
            ones, zeros = torch.ones_like(bias), torch.zeros_like(bias)
            params += [weight, ones, zeros] if self._normed else [weight, bias]
            buffers += [zeros, ones] if self.spec.norm == "batch" else []
        params += initial_layer(self._dense, self.spec.init, self.spec.init_gain, generator)
        return torch.cat([tensor.flatten() for tensor in params]), torch.cat(buffers)

    def first(self, params: Sequence[Tensor], x: Tensor) -> Tensor:
        """Return what the first convolution makes of images [N, channels, height, width]."""
        return F.conv2d(x, params[0], None if self._normed else params[1], padding=1)

    def rest(self, params: Sequence[Tensor], buffers: Sequence[Tensor], z: Tensor, batch_norm: BatchNorm) -> Tensor:
        """Return the outputs [N, C] from what the first convolution made."""
        tensors, running = iter(params), iter(buffers)

        def convolved(conv: _Convolution, x: Tensor) -> Tensor:
            weight, bias = next(tensors), None if self._normed else next(tensors)
            return normed(conv, F.conv2d(x, weight, bias, conv.stride, conv.shape[-1] // 2))

        def normed(conv: _Convolution, x: Tensor) -> Tensor:
            if self.spec.norm == "batch":
                return batch_norm(x, next(tensors), next(tensors), next(running), next(running))
            if self.spec.norm == "group":
                return F.group_norm(x, self._cells(conv.shape[0]), next(tensors), next(tensors), EPSILON)
            return x

        x = self.activation(normed(self._stem, z))
        for block in self._blocks:
            change = convolved(block.second, self.activation(convolved(block.first, x)))
            if self.spec.shortcut:
                change = change + (x if block.projection is None else convolved(block.projection, x))
            x = self.activation(change)
        return dense(x.mean((2, 3)), next(tensors), next(tensors))

    @property
    def _normed(self) -> bool:
        return self.spec.norm != "none"

    def _cells(self, size: int) -> int:
        return largest_divisor(size, self.spec.groups) if self.spec.norm == "group" else 1

    def _group(self, size: int) -> int:
        self._sizes.append(size)
        return len(self._sizes) - 1

    def _plan(self) -> Iterator[_Block]:
        """Lay out the blocks; with shortcuts all blocks of a stage write into one stream of units."""
        narrow, stream = self.spec.channels[0], self._stem.makes
        for stage, wide in enumerate(self.spec.channels):
            for number in range(self.spec.blocks):
                name, stride = f"stages.{stage}.{number}", 2 if stage and not number else 1
                inner = self._group(wide)
                reshaped = stride != 1 or narrow != wide
                onto = self._group(wide) if reshaped or not self.spec.shortcut else stream
                projection = None
                if reshaped and self.spec.shortcut:
                    projection = _Convolution(f"{name}.shortcut", (wide, narrow, 1, 1), stride, onto, stream)
                first = _Convolution(f"{name}.first", (wide, narrow, 3, 3), stride, inner, stream)
                second = _Convolution(f"{name}.second", (wide, wide, 3, 3), 1, onto, inner)
                yield _Block(first, second, projection)
                narrow, stream = wide, onto

    def _units(self) -> tuple[Units, ...]:
        axes: list[list[Axis]] = [[] for _ in self._sizes]
        buffers: list[list[str]] = [[] for _ in self._sizes]
        for conv in self._convolutions:
            norm = f"{conv.name}.norm"
            made = axes[conv.makes]
            made.append(Axis(f"{conv.name}.weight", 0, "inner" if self._normed else "made"))
            if conv.reads is not None:
                axes[conv.reads].append(Axis(f"{conv.name}.weight", 1, "read"))
            made += [Axis(f"{norm if self._normed else conv.name}.bias", 0, "made")]
            made += [Axis(f"{norm}.weight", 0, "made")] if self._normed else []
            buffers[conv.makes] += [f"{norm}.running_mean", f"{norm}.running_var"] * (self.spec.norm == "batch")
        axes[self._convolutions[-1].makes].append(Axis("dense.weight", 1, "read"))
        return tuple(
            Units(size, tuple(touched), tuple(along), self._cells(size))
            for size, touched, along in zip(self._sizes, axes, buffers, strict=True)
        )


def _parts(block: _Block) -> Iterator[_Convolution]:
    """Yield a block's convolutions in the order in which they are computed."""
    yield block.first
    yield block.second
    if block.projection is not None:
        yield block.projection
