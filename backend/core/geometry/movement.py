"""How long a step is, and how far from the start: for each layer and for all together.

Shapes: P parameters in all, L layers and then all of them.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from backend.core.curvature.blocks import layers
from backend.core.problems.params import Layout

ALL: Final = "all"  # the name of all layers together


@dataclass(frozen=True)
class Moved:
    """Four numbers for each of ``names``; NaN where one is not known or a quotient of zeros."""

    names: tuple[str, ...]
    effective_step_L: Tensor
    update_ratio_L: Tensor
    distance_L: Tensor
    rotation_L: Tensor


def movement(
    layout: Layout,
    now_P: Tensor,
    start_P: Tensor,
    update_P: Tensor | None = None,
    grad_P: Tensor | None = None,
    *,
    by_layer: bool = True,
) -> Moved:
    """Return ‖Δθ‖/‖g‖, ‖Δθ‖/‖θ‖, ‖θ − θ₀‖ and 1 − cos(w, w₀), in float64.

    The effective step is the learning rate that gradient descent would need for a step of this length: gradient
    descent's own is its rate in every layer. Rotation is of the kernels (tensors of two axes or more), since biases
    begin near 0 and turn at once; where a layer has none, of all its numbers. Scaling does not turn; 2 is reversed.

    Cost: some ten products of length P.

    Carbonnelle & De Vleeschouwer 2018, Layer rotation: a surprisingly powerful indicator of generalization in deep
    networks?

    Args:
        layout: names and shapes.
        now_P: the parameters θ.
        start_P: those at the beginning, θ₀.
        update_P: the newest step Δθ, where it is known.
        grad_P: the gradient g that it answered, where it is known.
        by_layer: whether layers are told by themselves, where there is more than one.

    Returns:
        The numbers of each layer, and of all together as the last.

    Example:
        >>> layout = Layout((("x", (2,)),))
        >>> now_P, start_P = torch.tensor([0.0, 2.0]), torch.tensor([1.0, 2.0])
        >>> movement(layout, now_P, start_P, now_P - start_P, torch.tensor([10.0, 0.0])).effective_step_L
        tensor([0.1000], dtype=torch.float64)
    """
    found = [layer for layer in layers(layout) if by_layer]
    parts = [slice(layer.start, layer.end) for layer in found if len(found) > 1] + [slice(None)]
    names = (*(layer.name for layer in found if len(found) > 1), ALL)
    kernels_P = torch.zeros(layout.size, dtype=torch.bool, device=now_P.device)
    for _, shape, start, end in layout.slices:
        kernels_P[start:end] = len(shape) > 1
    size_L, step_L = _norms(now_P, parts), _norms(update_P, parts)
    return Moved(
        names=names,
        effective_step_L=step_L / _norms(grad_P, parts),
        update_ratio_L=step_L / size_L,
        distance_L=_norms(now_P.double() - start_P.double(), parts),
        rotation_L=torch.stack([_rotation(now_P[part], start_P[part], kernels_P[part]) for part in parts]),
    )


def _norms(vector_P: Tensor | None, parts: list[slice]) -> Tensor:
    if vector_P is None:
        return torch.full((len(parts),), torch.nan, dtype=torch.float64)
    return torch.stack([torch.linalg.vector_norm(vector_P[part].double()) for part in parts]).cpu()


def _rotation(now_p: Tensor, start_p: Tensor, kernel_p: Tensor) -> Tensor:
    if bool(kernel_p.any()):
        now_p, start_p = now_p[kernel_p], start_p[kernel_p]
    now_p, start_p = now_p.double(), start_p.double()
    sizes = torch.linalg.vector_norm(now_p) * torch.linalg.vector_norm(start_p)
    turned: Tensor = 1 - now_p @ start_p / sizes
    return turned.clamp(0, 2).cpu()  # a rounding error may lead past either end
