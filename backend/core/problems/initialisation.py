"""How weights start.

Everything is drawn in float64 from an explicit generator and rounded afterwards, so that float32 and float64 runs of
one seed start at the same point.
"""

import math

import torch
from torch import Generator, Tensor, nn

from backend.schemas.problem.model import Initialisation


def initial_layer(
    shape: tuple[int, ...], scheme: Initialisation, gain: float, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Draw the weight and the bias of a dense or convolutional layer, in that order.

    With n_in and n_out the inputs and outputs of one unit (times the kernel's size for a convolution):

    - ``default``: PyTorch's own, weight and bias uniform on ±1/√n_in (``kaiming_uniform`` with a = √5);
    - ``xavier``: weight uniform on ±√(6/(n_in + n_out)), bias 0 (Glorot & Bengio 2010);
    - ``kaiming``: weight uniform on ±√(6/n_in), bias 0 (He et al. 2015, gain √2 of ReLU);
    - ``orthogonal``: orthonormal rows or columns, whichever are fewer, bias 0 (Saxe et al. 2013);

    and then both are multiplied by ``gain``.

    Args:
        shape: of the weight, outputs first.
        scheme: one of the four.
        gain: factor on weight and bias.
        generator: the stream that is drawn from.

    Returns:
        Weight of that shape and bias [outputs], float64 on the CPU.
    """
    weight = torch.empty(shape, dtype=torch.float64)
    bias = torch.zeros(shape[0], dtype=torch.float64)
    match scheme:
        case "default":
            bound = 1 / math.sqrt(math.prod(shape[1:]))
            nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
            nn.init.uniform_(bias, -bound, bound, generator=generator)
        case "xavier":
            nn.init.xavier_uniform_(weight, generator=generator)
        case "kaiming":
            nn.init.kaiming_uniform_(weight, generator=generator)
        case "orthogonal":
            nn.init.orthogonal_(weight, generator=generator)
    return weight * gain, bias * gain
