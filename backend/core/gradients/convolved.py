"""A convolution, and its gradients of the kernel, an example each.

Shapes: N examples, L places of a picture, i = channels · kernel values that a place sees, o outputs, p of a kernel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

NARROW: Final = 4  # channels; of so few, a product of kernel and patches is quicker than a convolution
EVEN: Final = 8  # channels in and out are multiples of it where one convolution of N groups is quicker than patches
TOGETHER: Final = 16  # pictures whose patches are laid out at once: those of more fall out of the cache


@dataclass(frozen=True, eq=False)
class Convolution:
    """One use of ``torch.conv2d``, with its arguments."""

    x: Tensor
    weight: Tensor
    bias: Tensor | None = None
    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    groups: int = 1

    @property
    def plain(self) -> bool:
        """Whether its gradients are known here: one group, and a padding in numbers."""
        return self.groups == 1 and not isinstance(self.padding, str)

    @property
    def narrow(self) -> bool:
        """Whether it is the first layer of pictures of few channels: patches are then quicker, forward and back."""
        x = self.x
        return self.plain and x.dim() == 4 and not x.requires_grad and x.shape[1] <= NARROW and x.device.type == "cpu"

    def output(self) -> Tensor:
        """Return what the layer makes, cut off from its parameters, where it is narrow."""
        with torch.no_grad():
            weight_Noi = self.weight.flatten(1).expand(len(self.x), -1, -1)
            if self.bias is None:
                found = torch.bmm(weight_Noi, self._patches_NiL)
            else:
                found = torch.baddbmm(self.bias[:, None], weight_Noi, self._patches_NiL)
        return found.view(*found.shape[:2], *self._places).requires_grad_(torch.is_grad_enabled())

    def of_weight(self, slope: Tensor) -> Tensor:
        """Return the kernel's gradients Σ_l δₙ[o, l] · patchₙ[i, l], as [N, p].

        Args:
            slope: of each example's loss at the outputs [N, o, height, width].
        """
        if self.narrow:
            return torch.bmm(slope.flatten(2), self._patches_NiL.transpose(1, 2)).flatten(1)
        if all(channels % EVEN == 0 for channels in self.weight.shape[:2]) and slope.device.type == "cpu":
            return self._by_groups(slope)
        seen = windows(self.x.detach(), (*self.weight.shape[2:], *slope.shape[2:]), *self._steps)
        slope_NoL, found = slope.flatten(2), slope.new_empty(len(slope), *self.weight.flatten(1).shape)
        for start in range(0, len(slope), TOGETHER):
            rows = slice(start, start + TOGETHER)
            torch.bmm(slope_NoL[rows], laid_out(seen[rows]).transpose(1, 2), out=found[rows])
        return found.flatten(1)

    def _by_groups(self, slope: Tensor) -> Tensor:
        """As the gradient of one convolution of all examples' channels side by side, a group of kernels for each."""
        count, (made, *seen) = len(slope), self.weight.shape
        x, steep = (each.reshape(1, -1, *each.shape[2:]) for each in (self.x.detach(), slope))
        found: Tensor = conv2d_weight(x, (count * made, *seen), steep, *self._steps, count)
        return found.view(count, -1)

    @property
    def _steps(self) -> tuple[Any, Any, Any]:
        return self.stride, self.padding, self.dilation

    @cached_property
    def _places(self) -> tuple[int, int]:
        """Height and width of the output."""
        height, width = (
            (side + 2 * more - apart * (length - 1) - 1) // step + 1
            for side, length, step, more, apart in zip(
                self.x.shape[2:], self.weight.shape[2:], *map(_pair, self._steps), strict=True
            )
        )
        return height, width

    @cached_property
    def _patches_NiL(self) -> Tensor:
        return laid_out(windows(self.x, (*self.weight.shape[2:], *self._places), *self._steps))


def windows(x: Tensor, shape: Sequence[int], stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> Tensor:
    """Return what each value of a convolution's kernel sees at each place: a view of the padded pictures.

    Args:
        x: pictures [N, channels, height, width].
        shape: height and width of the kernel, then of the output.
        stride: of the convolution, one number or one for each axis, as all that follow.
        padding: zeros on each side.
        dilation: of its kernel.

    Returns:
        Pixels [N, channels, *shape].
    """
    (up, left), (down, right), (tall, wide) = (_pair(each) for each in (padding, stride, dilation))
    padded = F.pad(x, (left, left, up, up))
    example, channel, row, column = padded.stride()
    strides = (example, channel, tall * row, wide * column, down * row, right * column)
    return padded.as_strided((*x.shape[:2], *shape), strides)


def laid_out(seen: Tensor) -> Tensor:
    """Copy windows to patches [N, i, L], i = channels · kernel values, as ``unfold`` does, in a fifth of its time."""
    return seen.flatten(4).flatten(1, 3)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value) if len(value) == 2 else (value[0], value[0])
