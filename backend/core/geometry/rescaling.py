"""Scaling hidden units where they are made and unscaling them where they are read: ReLU nets keep their function.

Shapes: P parameters, n units of a group, U units of all groups.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from backend.core.geometry.directions import exact
from backend.core.problems.network import NetworkProblem
from backend.core.problems.params import Layout
from backend.core.problems.units import Units

Gradient = Callable[[Tensor], Tensor]  # parameters [P] → the loss's gradient [P], differentiable again
STEPS: Final = 10
LARGEST: Final = 0.5  # of a log-factor in one step
HALVINGS: Final = 20


def unsupported_rescaling(problem: object) -> str | None:
    """Return None, or the sentence that says why units cannot be rescaled without changing the function."""
    if not isinstance(problem, NetworkProblem) or not problem.units:
        return "Rescaling needs a network with hidden units, and this problem has none."
    if problem.activation is not torch.relu:
        return "Rescaling keeps the function of ReLU alone: φ(az) = a·φ(z); take the activation relu."
    return None


def rescaled(params_P: Tensor, layout: Layout, units: Sequence[Units], log_factors: Sequence[Tensor]) -> Tensor:
    """Multiply what makes unit i by exp(sᵢ), and divide what reads it by the same; differentiable in s.

    With a norm after the layer, its weight and bias make the unit; what lies before the norm stays. With GroupNorm and
    BatchNorm this is exact too, because the scaling comes after them.

    Args:
        params_P: the parameters; left as they are.
        layout: where each tensor lies.
        units: the groups.
        log_factors: s [n] of each group.

    Returns:
        The rescaled parameters [P].

    Example:
        >>> from backend.core.problems.units import Axis
        >>> layout = Layout((("0.weight", (1, 1)), ("2.weight", (1, 1))))
        >>> group = Units(1, (Axis("0.weight", 0, "made"), Axis("2.weight", 1, "read")))
        >>> rescaled(torch.tensor([2.0, 8.0]), layout, [group], [torch.log(torch.tensor([4.0]))]).tolist()
        [8.0, 2.0]
    """
    tensors = layout.unflatten(params_P)
    for group, log_n in zip(units, log_factors, strict=True):
        for role, factor_n in (("made", torch.exp(log_n)), ("read", torch.exp(-log_n))):
            for axis in group.axes:
                if axis.role == role:
                    shape = [1] * tensors[axis.tensor].dim()
                    shape[axis.axis] = -1
                    tensors[axis.tensor] = tensors[axis.tensor] * factor_n.repeat_interleave(axis.repeat).view(shape)
    return torch.cat([tensor.flatten() for tensor in tensors.values()])


@dataclass(frozen=True)
class Place:
    """Where a climb has come: parameters of the same function, and the logarithm of the norm of the gradient there."""

    params_P: Tensor
    height: float
    log_U: Tensor  # the logarithms of all factors so far


def climb(
    params_P: Tensor, layout: Layout, units: Sequence[Units], gradient: Gradient, steps: int = STEPS
) -> Iterator[Place | None]:
    """Ascend ‖∇L(g·θ)‖ over rescalings g, to where the loss is the same and its gradient is larger.

    Each step moves the log-factors along the gradient of log ‖∇L‖, at most by 0.5 in any of them, and halves the
    move until the norm has grown. It ends early where no move makes it grow.

    Zhao, Dehmamy, Walters & Yu 2022, Symmetry teleportation for accelerated optimization, section 4.

    Args:
        params_P: where to start; left as they are.
        layout: where each tensor lies.
        units: the groups; their activation must be ReLU.
        gradient: of the loss.
        steps: of ascent.

    Yields:
        The place after each step, the start first; None after each gradient on the way.
    """
    sizes = [group.size for group in units]
    log_U = torch.zeros(sum(sizes), dtype=params_P.dtype, device=params_P.device)

    def at(log_U: Tensor) -> Tensor:
        return rescaled(params_P, layout, units, log_U.split(sizes))

    def height(log_U: Tensor) -> Tensor:
        return torch.log(torch.linalg.vector_norm(gradient(at(log_U))))

    for step in range(steps + 1):
        leaf_U = log_U.detach().clone().requires_grad_()
        now = height(leaf_U)
        yield Place(at(log_U).detach(), now.item(), log_U)
        if step == steps:
            return
        (slope_U,) = torch.autograd.grad(now, leaf_U)
        yield None
        steepest = float(slope_U.abs().max())
        if not 0 < steepest < math.inf:
            return
        move = LARGEST / steepest
        for _ in range(HALVINGS):
            higher = float(height(log_U + move * slope_U).detach()) > now.item()
            yield None
            if higher:
                break
            move /= 2
        else:
            return
        log_U = log_U + move * slope_U


def teleport(
    params_P: Tensor, layout: Layout, units: Sequence[Units], gradient: Gradient, steps: int = STEPS
) -> Tensor:
    """Return the parameters [P] at the end of a :func:`climb`."""
    last = params_P
    for place in climb(params_P, layout, units, gradient, steps):
        last = last if place is None else place.params_P
    return last


def gradient_of(problem: NetworkProblem, buffers_B: Tensor) -> Gradient:
    """Return the gradient of a network's loss over the whole training split, BatchNorm frozen."""

    def gradient(params_P: Tensor) -> Tensor:
        moving_P = params_P if params_P.requires_grad else params_P.clone().requires_grad_()
        (found_P,) = torch.autograd.grad(problem.loss(moving_P, buffers_B), moving_P, create_graph=True)
        return found_P

    return gradient


def norm_of(gradient: Gradient, params_P: Tensor) -> float:
    """‖∇L‖ at a place, in float64."""
    return float(exact(gradient(params_P).detach()).norm())
