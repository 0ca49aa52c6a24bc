"""What flows into and out of each layer of a network in one pass, without hooks and without touching the model.

Shapes: N examples, P parameters in all, p of one tensor, o outputs and i inputs of a layer, L places of a picture.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.core.problems.pooling import QuickPooling

TOGETHER: Final = 16  # pictures whose patches are laid out at once: those of more fall out of the cache


class Used(NamedTuple):
    """A tensor of parameters where an operation used it: its place in the flat vector, from start to end."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Tap:
    """One operation with parameters: what each example's gradient of each tensor is, given the slope at its output.

    Attributes:
        weight: where its weight lies.
        bias: where its bias lies; None without.
        output: of the operation, [N, ...]; part of the graph.
        of_weight: slopes [N, ...] of the output → gradients [N, p] of the weight, an example each.
        of_bias: likewise of the bias.
        dense_input: [N, i] of a dense layer on flat examples, else None.
    """

    weight: Used
    bias: Used | None
    output: Tensor
    of_weight: Callable[[Tensor], Tensor]
    of_bias: Callable[[Tensor], Tensor]
    dense_input: Tensor | None


@dataclass(eq=False)
class Taps(QuickPooling):
    """Listens to dense layers, convolutions and norms while a model computes, in this thread alone.

    It pools quickly too: of two modes, each would see what the other asks of a tensor.

    Which parameters an operation uses is read from where its tensors lie in the flat vector's memory.

    Args:
        params_P: the flat vector whose views the model computes with.
    """

    params_P: Tensor
    found: list[Tap] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Compute, and keep what a later look at the layer needs."""
        output = super().__torch_function__(func, types, args, kwargs)
        reader = READERS.get(func)
        if reader is not None:
            tap = reader(self._place, output, *args, **(kwargs or {}))
            if tap is not None:
                self.found.append(tap)
        return output

    def _place(self, tensor: Any) -> Used | None:
        """Where a tensor lies in the flat vector; None where it is not a whole view of it."""
        flat = self.params_P
        if not isinstance(tensor, Tensor) or not tensor.is_contiguous():
            return None
        if tensor.untyped_storage().data_ptr() != flat.untyped_storage().data_ptr():
            return None
        start = int(tensor.storage_offset()) - int(flat.storage_offset())
        return Used(start, start + tensor.numel()) if start >= 0 and start + tensor.numel() <= flat.numel() else None

    @property
    def complete(self) -> bool:
        """Whether every parameter was used once, by an operation that is listened to."""
        used = [place for tap in self.found for place in (tap.weight, tap.bias) if place is not None]
        end = 0
        for place in sorted(used):
            if place.start != end:
                return False
            end = place.end
        return end == self.params_P.numel()


Place = Callable[[Any], Used | None]


def _linear(place: Place, output: Tensor, x: Tensor, weight_oi: Tensor, bias_o: Tensor | None = None) -> Tap | None:
    at = place(weight_oi)
    if at is None or (bias_o is not None and place(bias_o) is None):
        return None
    x = x.detach()
    return Tap(
        at,
        place(bias_o),
        output,
        lambda slope: torch.einsum("n...o,n...i->noi", slope, x).flatten(1),
        lambda slope: slope.flatten(1, -2).sum(1) if slope.dim() > 2 else slope,
        x if x.dim() == 2 else None,
    )


def _conv2d(
    place: Place,
    output: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tap | None:
    at = place(weight)
    if at is None or (bias is not None and place(bias) is None) or groups != 1 or isinstance(padding, str):
        return None
    x, shape = x.detach(), (*weight.shape[2:], *output.shape[2:])

    def of_weight(slope: Tensor) -> Tensor:
        seen = windows(x, shape, stride, padding, dilation)
        slope_NoL, found = slope.flatten(2), slope.new_empty(len(slope), *weight.flatten(1).shape)
        for start in range(0, len(slope), TOGETHER):
            rows = slice(start, start + TOGETHER)
            torch.bmm(slope_NoL[rows], laid_out(seen[rows]).transpose(1, 2), out=found[rows])
        return found.flatten(1)

    return Tap(at, place(bias), output, of_weight, lambda slope: slope.flatten(2).sum(2), None)


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


def _scaled(place: Place, output: Tensor, normed: Tensor, weight: Any, bias: Any) -> Tap | None:
    """A norm's last act: weight · normed + bias, a channel each."""
    at, shift = place(weight), place(bias)
    if at is None or shift is None:
        return None
    normed = normed.detach()
    return Tap(
        at,
        shift,
        output,
        lambda slope: (slope * normed).flatten(2).sum(2),
        lambda slope: slope.flatten(2).sum(2),
        None,
    )


def _group_norm(
    place: Place, output: Tensor, x: Tensor, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tap | None:
    return _scaled(place, output, F.group_norm(x.detach(), num_groups, eps=eps), weight, bias)


def _batch_norm(
    place: Place, output: Tensor, x: Tensor, mean: Any, var: Any, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tap | None:  # fmt: skip
    if training:  # examples mix: none has a gradient of its own
        return None
    return _scaled(place, output, F.batch_norm(x.detach(), mean, var, eps=eps), weight, bias)


READERS: dict[Any, Callable[..., Tap | None]] = {
    F.linear: _linear,
    torch.conv2d: _conv2d,
    F.group_norm: _group_norm,
    F.batch_norm: _batch_norm,
}
