"""Curvature layer by layer: the diagonal blocks of the matrix.

Shapes: P parameters in all, p of a layer, K vectors at once.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from backend.core.curvature.operator import SymmetricOperator
from backend.core.problems.params import Layout


class Layer(NamedTuple):
    """The tensors of one module, which lie side by side in the flat vector."""

    name: str
    start: int
    end: int


def layers(layout: Layout) -> tuple[Layer, ...]:
    """Return the layers of a layout: neighbouring tensors whose names differ after the last dot only.

    Example:
        >>> layers(Layout((("0.weight", (2, 3)), ("0.bias", (2,)), ("2.weight", (1, 2)))))
        (Layer(name='0', start=0, end=8), Layer(name='2', start=8, end=10))
    """
    found: list[Layer] = []
    for name, _, start, end in layout.slices:
        module = name.rpartition(".")[0] or name
        if found and found[-1].name == module:
            found[-1] = found[-1]._replace(end=end)
        else:
            found.append(Layer(module, start, end))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Block:
    """The block A[start:end, start:end]: how the loss curves while all other layers stay. One product of A each."""

    operator: SymmetricOperator
    layer: Layer

    @property
    def size(self) -> int:
        """p, the layer's parameters."""
        return self.layer.end - self.layer.start

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the vectors."""
        return self.operator.dtype

    @property
    def device(self) -> torch.device:
        """Where the vectors live."""
        return self.operator.device

    def apply(self, V_KP: Tensor) -> Tensor:
        """Return the block times each row [K, p]."""
        whole_KP = V_KP.new_zeros(len(V_KP), self.operator.size)
        whole_KP[:, self.layer.start : self.layer.end] = V_KP
        return self.operator.apply(whole_KP)[:, self.layer.start : self.layer.end]
