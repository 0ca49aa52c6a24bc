"""What flows into and out of each layer of a network in one pass, without hooks and without touching the model.

Shapes: N examples, P parameters in all, p of one tensor, o outputs and i inputs of a layer, L places of a picture.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.core.gradients.convolved import Convolution
from backend.core.problems.pooling import HalvedAboveZero, QuickPooling


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
    _rectified: tuple[Tensor, Tensor] | None = field(default=None, init=False)  # the last one: x and max(x, 0)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Compute, and keep what a later look at the layer needs."""
        if func is F.avg_pool2d and not kwargs and args[1:] == (2,) and self._just_rectified(args[0]):
            assert self._rectified is not None
            x, above = self._rectified
            return HalvedAboveZero.apply(x, above.detach())  # type: ignore[no-untyped-call]
        if func is torch.conv2d:
            own = Convolution(*args, **(kwargs or {}))
            output = own.output() if own.narrow else func(*args, **(kwargs or {}))
            tap = _convolution(self._place, output, own)
        else:
            output, reader = super().__torch_function__(func, types, args, kwargs), READERS.get(func)
            tap = None if reader is None else reader(self._place, output, *args, **(kwargs or {}))
        if tap is not None:
            self.found.append(tap)
        if func in (torch.relu, F.relu) and args and output is not args[0] and output.device.type == "cpu":
            self._rectified = args[0], output
        return output

    def _just_rectified(self, tensor: Tensor) -> bool:
        """Whether this is what ``relu`` returned last, and nobody has written to it."""
        return self._rectified is not None and tensor is self._rectified[1] and tensor._version == 0

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


def _convolution(place: Place, output: Tensor, own: Convolution) -> Tap | None:
    at, bias = place(own.weight), place(own.bias)
    if at is None or (own.bias is not None and bias is None) or not own.plain:
        return None
    return Tap(at, bias, output, own.of_weight, lambda slope: slope.flatten(2).sum(2), None)


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
    F.group_norm: _group_norm,
    F.batch_norm: _batch_norm,
}
