"""A network as a pure function of its tensors, in two parts: the first layer, and the rest.

Shapes: N examples, C outputs, P parameters and B buffer values in all.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Generator, Tensor

from backend.core.problems.batch_norm import BatchNorm
from backend.core.problems.params import Layout
from backend.core.problems.units import Units


class Model(Protocol):
    """A network, whose tensors come in its layouts' order.

    The first ``first_tensors`` of the parameters (0 for a network without such a layer) belong to a first layer that
    is linear in them: with W the layer and D a direction, first(W + c·D, x) = first(W, x) + c·first(D, x). Dense,
    convolution and embedding layers are, with their biases. So a whole plane of parameters needs three products with
    the data, not one at every point. Of somebody's own module ``custom/first_layer.py`` finds it.
    """

    input_shape: tuple[int, ...]  # of one example
    layout: Layout
    buffer_layout: Layout
    first_tensors: int
    units: tuple[Units, ...]  # the groups of hidden units that may change places
    activation: Callable[[Tensor], Tensor]  # the nonlinearity
    activated: tuple[int, ...]  # the group of units that each of its calls gives

    def initial(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw the parameters [P] and the buffers [B], float64 on the CPU."""
        ...

    def first(self, params: Sequence[Tensor], x: Tensor) -> Tensor:
        """Return what the first layer makes of inputs [N, ...], given its tensors; ``x`` where there are none."""
        ...

    def rest(self, params: Sequence[Tensor], buffers: Sequence[Tensor], z: Tensor, batch_norm: BatchNorm) -> Tensor:
        """Return the outputs [N, C] from what the first layer made, given the other tensors."""
        ...


def forward(
    model: Model, params: Sequence[Tensor], buffers: Sequence[Tensor], x: Tensor, batch_norm: BatchNorm
) -> Tensor:
    """Return a network's outputs [N, C] at inputs [N, ...].

    Args:
        model: the network.
        params: all its tensors.
        buffers: BatchNorm's running statistics.
        x: the inputs.
        batch_norm: what normalises, by which statistics.

    Returns:
        The outputs.
    """
    z = model.first(params[: model.first_tensors], x)
    return model.rest(params[model.first_tensors :], buffers, z, batch_norm)
