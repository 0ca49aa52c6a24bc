"""Directions in parameter space, scaled to the weights that they are added to.

Shapes: P parameters in all; F filters (slices along axis 0) of a tensor, K values in each.
"""

from typing import Final, Literal

import torch
from torch import Generator, Tensor

from backend.core.problems.params import Layout

Normalization = Literal["filter", "layer", "none"]
Bias = Literal["zero", "copy"]

EPSILON: Final = 1e-10  # keeps a filter of zeros at zero; the value of Li et al.'s own code


def exact(values: Tensor) -> Tensor:
    """Return the values in float64, on the host where the device has no float64 (mps)."""
    return values.to("cpu" if values.device.type == "mps" else values.device, torch.float64)


def gaussian(size: int, generator: Generator) -> Tensor:
    """Draw d ~ N(0, I), [size] in float64 on the CPU, so that every number format and device sees one direction."""
    return torch.randn(size, generator=generator, dtype=torch.float64)


def normalized(
    direction_P: Tensor, weights_P: Tensor, layout: Layout, normalization: Normalization, bias: Bias
) -> Tensor:
    """Scale a direction to the weights it will be added to.

    Tensors with more than one axis, with w the weights and d the direction:

    - ``filter``: each slice k along axis 0 (a conv filter, a row of a dense layer), d_k ← d_k·‖w_k‖/(‖d_k‖ + 1e-10);
    - ``layer``: the whole tensor, d ← d·‖w‖/(‖d‖ + 1e-10);
    - ``none``: as it is.

    Tensors with one axis (biases, norm scales): d ← 0 with ``bias`` zero, d ← w with copy.

    Li et al. 2018, Visualizing the loss landscape of neural nets, section 4, and its code ``net_plotter.py``.

    Args:
        direction_P: the direction [P].
        weights_P: the weights [P].
        layout: where each tensor lies in both.
        normalization: what is scaled as one.
        bias: what becomes of tensors with one axis (or none).

    Returns:
        The scaled direction [P] in float64; both arguments are left as they are.

    Example:
        >>> layout = Layout((("weight", (2, 2)), ("bias", (2,))))
        >>> weights_P = torch.tensor([3.0, 4.0, 0.0, 2.0, 7.0, 7.0])
        >>> d_P = normalized(torch.ones(6), weights_P, layout, "filter", "zero")
        >>> [round(float(n), 6) for n in d_P[:4].view(2, 2).norm(dim=1)], d_P[4:].tolist()
        ([5.0, 2.0], [0.0, 0.0])
    """
    weights_P = exact(weights_P)
    direction_P = direction_P.to(weights_P)
    parts = []
    for _, shape, start, end in layout.slices:
        d, w = direction_P[start:end], weights_P[start:end]
        if len(shape) <= 1:
            parts.append(torch.zeros_like(d) if bias == "zero" else w)
        elif normalization == "none":
            parts.append(d)
        else:
            rows = shape[0] if normalization == "filter" else 1
            d_FK, w_FK = d.view(rows, -1), w.view(rows, -1)
            scale_F1 = w_FK.norm(dim=1, keepdim=True) / (d_FK.norm(dim=1, keepdim=True) + EPSILON)
            parts.append((d_FK * scale_F1).flatten())
    return torch.cat(parts)
