"""The gradient of each example by itself, layer by layer.

Shapes: N examples, P parameters in all, p of a layer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch
from torch import Tensor
from torch.func import grad, vmap

from backend.core.analyses.base import Moment
from backend.core.curvature.blocks import Layer, layers
from backend.core.gradients.taps import Tap, Taps
from backend.core.problems.problem import Data, Problem

BUDGET_MB: Final = 512  # of one layer's gradients, and of the pass of vmap over examples
AT_ONCE_MB: Final = 16  # of all layers' gradients: up to there they are taken on the way back, together
MB: Final = 2**20
PIXELS: Final = 262_144  # of the inputs that go through a network together, by measurement


class TooLarge(ValueError):
    """A layer's gradients of all these examples do not fit into the memory that they may take."""


@dataclass(frozen=True, eq=False)
class Part:
    """The gradients of one layer.

    Attributes:
        layer: which.
        given_Np: the gradients; None for a dense layer, where they follow from what stands below.
        slope_No: slope of each example's loss at the outputs of a dense layer, else None.
        input_Ni: that layer's inputs, else None.
        biased: whether that layer has a bias, behind its weight.
    """

    layer: Layer
    given_Np: Tensor | None
    slope_No: Tensor | None = None
    input_Ni: Tensor | None = None
    biased: bool = False

    @cached_property
    def grad_Np(self) -> Tensor:
        """The gradients, an example each; of a dense layer worked out when first asked for."""
        if self.given_Np is not None:
            return self.given_Np
        assert self.slope_No is not None
        assert self.input_Ni is not None
        weight_Np = torch.einsum("no,ni->noi", self.slope_No, self.input_Ni).flatten(1)
        return torch.cat([weight_Np, self.slope_No], 1) if self.biased else weight_Np


def per_sample(problem: Problem, moment: Moment, data: Data, *, budget_mb: float = BUDGET_MB) -> Iterator[Part]:
    """Yield gᵢ = ∇ℓ(f(xᵢ; θ), yᵢ) of each example, one layer at a time; their mean is the batch's gradient.

    BatchNorm is frozen, so that examples do not mix. Where every parameter belongs to a dense layer, a convolution or
    a norm that is used once, one pass forward and one backward give the slopes δ at all layers' outputs, and a layer's
    gradients follow by one product: δᵢ xᵢᵀ for a dense layer, the same summed over places for a convolution. Where all
    layers' gradients are few they are taken in that same pass. Any other model goes through ``vmap(grad)`` in chunks of
    examples. All cores share each operation: threads of our own would wait for torch's, which go on spinning for some
    milliseconds after whatever they did last.

    Cost: one gradient of the batch and the products; memory N·p for the largest layer at once (N·P through ``vmap``).
    A dense layer's N·p numbers are worked out only where ``grad_Np`` is asked for.

    Goodfellow 2015, Efficient per-example gradient computations; Rochette et al. 2019, Efficient per-example gradient
    computations in convolutional neural networks.

    Args:
        problem: a network on data.
        moment: where.
        data: N examples.
        budget_mb: memory that one layer's gradients may take.

    Yields:
        A part for each layer, in the layout's order.

    Raises:
        TooLarge: where N·p numbers do not fit the budget.
    """
    params_P = moment.params_P.detach().clone().requires_grad_()
    wanted, step = layers(problem.layout), _chunk(data.x)
    parts = [slice(start, start + step) for start in range(0, len(data), step)]
    needed = problem.layout.size * len(data) * params_P.element_size() / MB
    at_once = needed <= min(AT_ONCE_MB, budget_mb)
    room = [params_P.new_empty(len(data), layer.end - layer.start) for layer in wanted] if at_once else None
    each = (_pass(problem, params_P, moment, data, rows, wanted, room) for rows in parts)
    passes = [seen for seen in each if seen is not None]
    if not passes:
        _require_room(problem.layout.size, data, params_P, budget_mb, "all layers")
        grad_NP = through_vmap(problem, moment, data)
        yield from (Part(layer, grad_NP[:, layer.start : layer.end]) for layer in wanted)
        return
    for at, layer in enumerate(wanted):
        _require_room(layer.end - layer.start, data, params_P, budget_mb, f"the layer {layer.name}")
        here = [seen[at] for seen in passes]
        if here[0] and _dense(layer, here[0]):
            yield _joined(layer, here)
        elif room is not None:
            yield Part(layer, room[at])
        else:
            grad_Np = params_P.new_empty(len(data), layer.end - layer.start)
            for own, rows in zip(here, parts, strict=True):
                _write(layer, own, grad_Np[rows])
            yield Part(layer, grad_Np)


Pass = list[tuple[Tap, Tensor]]  # the operations of some examples, and the slopes of their losses at the outputs


def _pass(
    problem: Problem,
    params_P: Tensor,
    moment: Moment,
    data: Data,
    rows: slice,
    wanted: Sequence[Layer],
    room: Sequence[Tensor] | None,
) -> list[Pass] | None:
    """Go forward and back with some examples, and write their gradients where there is room for all layers'.

    Returns:
        What was seen, by layer, nothing of a layer whose gradients are written; None where not every parameter is used
        once by a known operation.
    """
    x, y = data.x[rows], data.y[rows]
    with Taps(params_P) as taps, torch.enable_grad():
        outputs = problem.outputs(params_P, moment.buffers_B, x)
        total = problem.criterion(outputs, y) * len(x)
    if not taps.complete:
        return None
    slopes = torch.autograd.grad(total, [tap.output for tap in taps.found])
    pairs = list(zip(taps.found, slopes, strict=True))
    found = [[pair for pair in pairs if _inside(pair[0], layer)] for layer in wanted]
    if room is not None:
        for layer, here, grad_Np in zip(wanted, found, room, strict=True):
            if not _dense(layer, here):
                _write(layer, here, grad_Np[rows])
                here.clear()
    return found


def _chunk(x: Tensor) -> int:
    """How many examples go together: on a CPU pictures of so many pixels."""
    if x.device.type != "cpu":
        return len(x)
    pixels = x[0, 0].numel() if x.dim() == 4 else 1
    return max(1, PIXELS // pixels)


def through_vmap(problem: Problem, moment: Moment, data: Data, chunk: int | None = None) -> Tensor:
    """Return the gradients [N, P] by ``vmap(grad)`` over examples: what any differentiable model allows.

    Args:
        problem: a network on data.
        moment: where.
        data: N examples.
        chunk: examples at once; by default 32, which was fastest on two cores.

    Returns:
        The gradients, an example each.
    """

    def alone(params_P: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return problem.loss(params_P, moment.buffers_B, Data(x.unsqueeze(0), y.unsqueeze(0)))

    each = vmap(grad(alone), (None, 0, 0), randomness="different", chunk_size=chunk or 32)
    found: Tensor = each(moment.params_P.detach(), data.x, data.y)
    return found


def refusal(problem: Problem, count: int, budget_mb: float) -> str | None:
    """Return None, or the sentence that says why the gradients of so many examples do not fit: before any is taken.

    Args:
        problem: a network on data.
        count: of examples.
        budget_mb: memory that they may take.
    """
    assert problem.train is not None
    start_P, buffers_B = problem.params0(0)
    params_P = start_P.clone().requires_grad_()
    with Taps(params_P) as taps, torch.enable_grad():
        problem.outputs(params_P, buffers_B, problem.train.x[:1])
    parts = [(layer.end - layer.start, f"the layer {layer.name}") for layer in layers(problem.layout)]
    size, what = max(parts) if taps.complete else (problem.layout.size, "all layers")
    return _sentence(size, count, params_P.element_size(), budget_mb, what)


def _inside(tap: Tap, layer: Layer) -> bool:
    return layer.start <= tap.weight.start < layer.end


def _dense(layer: Layer, here: Pass) -> bool:
    """Whether the layer is one operation, a dense one on flat examples."""
    tap = here[0][0]
    return len(here) == 1 and tap.dense_input is not None and _in_order(tap, layer)


def _joined(layer: Layer, here: Sequence[Pass]) -> Part:
    slope_No = torch.cat([slope for own in here for _, slope in own])
    input_Ni = torch.cat([tap.dense_input for own in here for tap, _ in own if tap.dense_input is not None])
    return Part(layer, None, slope_No, input_Ni, here[0][0][0].bias is not None)


def _write(layer: Layer, here: Pass, grad_np: Tensor) -> None:
    """Write the gradients of some examples."""
    for tap, slope in here:
        grad_np[:, tap.weight.start - layer.start : tap.weight.end - layer.start] = tap.of_weight(slope)
        if tap.bias is not None:
            grad_np[:, tap.bias.start - layer.start : tap.bias.end - layer.start] = tap.of_bias(slope)


def _in_order(tap: Tap, layer: Layer) -> bool:
    """Whether the layer is its weight and then its bias."""
    return tap.weight.start == layer.start and (tap.weight.end if tap.bias is None else tap.bias.end) == layer.end


def _require_room(size: int, data: Data, like: Tensor, budget_mb: float, what: str) -> None:
    sentence = _sentence(size, len(data), like.element_size(), budget_mb, what)
    if sentence is not None:
        raise TooLarge(sentence)


def _sentence(size: int, count: int, item: int, budget_mb: float, what: str) -> str | None:
    needed = size * count * item / MB
    if needed <= budget_mb:
        return None
    fits = int(budget_mb * MB / (size * item))
    advice = f"ask for at most {fits} examples" if fits > 1 else "allow more memory"
    return (
        f"The gradients of {count} examples for {what} ({size:,} parameters) take {needed:,.0f} MB, and "
        f"{budget_mb:,.0f} MB are allowed; {advice}."
    )
