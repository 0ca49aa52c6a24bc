"""The pictures inside a network: what its nonlinearities give, and how the logit hangs on them.

Shapes: N examples, K channels, h × w places.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from backend.core.problems.activations import ACTIVATIONS
from backend.core.problems.pooling import QuickPooling
from backend.core.saliency.explained import Score
from backend.core.saliency.rules import RELUS

NONLINEAR = RELUS | frozenset(ACTIVATIONS.values())


class NoPictures(ValueError):
    """There is no layer of pictures here."""


class Features(NamedTuple):
    """A layer's pictures and the logit's slope by them."""

    map_NKhw: Tensor
    slope_NKhw: Tensor


class _Listen(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Tensor] = []

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if func in NONLINEAR and isinstance(output, Tensor) and output.dim() == 4:
            self.found.append(output)
        return output


def layer(score: Score, x: Tensor, index: int) -> Features:
    """Return one layer's pictures: what one of the nonlinearities that give pictures gives.

    Args:
        score: f_c.
        x: the inputs.
        index: counted from 0 at the input; −1 is the last.

    Returns:
        The layer.

    Raises:
        NoPictures: where there is no such layer, or none of pictures at all.
    """
    total, found = _listened(score, x)
    if not -len(found) <= index < len(found):
        raise NoPictures(
            f"The network has {len(found)} layers of pictures, 0 to {len(found) - 1}, and layer {index} was asked for."
        )
    (way,) = torch.autograd.grad(total, found[index])
    return Features(found[index].detach(), way)


def all_layers(score: Score, x: Tensor) -> tuple[Features, ...]:
    """Return every layer's pictures, from the input on, from one pass.

    Raises:
        NoPictures: where there are none.
    """
    total, found = _listened(score, x)
    ways = torch.autograd.grad(total, found)
    return tuple(Features(pictures.detach(), way) for pictures, way in zip(found, ways, strict=True))


def _listened(score: Score, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return Σ f_c, and the pictures on the way there."""
    with QuickPooling(), _Listen() as listen, torch.enable_grad():
        total = score(x.detach().requires_grad_()).sum()
    found = listen.found
    if not found:
        raise NoPictures(
            "This method needs a layer of pictures, and no layer of this network keeps places apart; take a "
            "convolutional network, or a method that works on any (gradient, SmoothGrad, integrated gradients)."
        )
    return total, found


def enlarged(map_Nhw: Tensor, x: Tensor) -> Tensor:
    """Bring a map to the inputs' height and width, bilinearly."""
    size = x.shape[-2:]
    return torch.nn.functional.interpolate(map_Nhw[:, None], size, mode="bilinear", align_corners=False)[:, 0]
