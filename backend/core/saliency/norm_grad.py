"""The size of the gradient that each place of a layer would give to weights put there.

Shapes: N examples, K channels, h × w places; a the layer's pictures, g = ∂f_c/∂a.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from backend.core.saliency.explained import Estimate, Estimates, Score
from backend.core.saliency.features import Features, all_layers, enlarged, layer


def place_norms(found: Features) -> Tensor:
    """Return m_u = ‖g_u‖₂·‖a_u‖₂ [N, h, w]: the norm of a 1×1 convolution's gradient g_u a_uᵀ at each place u."""
    norm_Nhw: Tensor = found.slope_NKhw.norm(dim=1) * found.map_NKhw.norm(dim=1)
    return norm_Nhw


def norm_grad(score: Score, x: Tensor, indices: Sequence[int] | None) -> Estimates:
    """Yield the norms of one layer, or the product of several layers' (each from 0 to 1 over its map), enlarged.

    Rebuffi et al. 2020, There and back again: revisiting backpropagation saliency methods.

    Args:
        score: f_c.
        x: the inputs.
        indices: the layers; None is all of them.

    Yields:
        The map, once.
    """
    found = all_layers(score, x) if indices is None else [layer(score, x, index) for index in indices]
    maps = [enlarged(place_norms(each), x) for each in found]
    if len(maps) > 1:
        maps = [_from_0_to_1(each) for each in maps]
    yield Estimate(torch.stack(maps).prod(0), 1 if indices is None else len(maps), True)


def _from_0_to_1(map_NHW: Tensor) -> Tensor:
    low, high = map_NHW.amin((1, 2), keepdim=True), map_NHW.amax((1, 2), keepdim=True)
    span = high - low
    return (map_NHW - low) / span.where(span > 0, torch.ones_like(span))
