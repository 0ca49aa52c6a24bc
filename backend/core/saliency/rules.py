"""Other rules for the way back through a ReLU, in this thread alone: no hooks, so that nothing leaks.

Modules, functions, methods and in-place forms are all caught, and no other thread notices.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from backend.core.saliency.explained import Estimate, Estimates, Score, slope

RELUS: Final = frozenset({F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_})


class _Guided(torch.autograd.Function):
    """1[z > 0] · 1[R > 0] · R."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        """ReLU."""
        ctx.save_for_backward(z)
        positive: Tensor = z.clamp(min=0)
        return positive

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        """Let pass what is positive on both ways."""
        (z,) = ctx.saved_tensors
        passed: Tensor = slope.clamp(min=0) * (z > 0)
        return passed


class _Deconv(torch.autograd.Function):
    """1[R > 0] · R, whatever z was."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        """ReLU."""
        return z.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        """Let pass what is positive on the way back."""
        return slope.clamp(min=0)


class Instead(TorchFunctionMode):
    """Puts another function in the place of every ReLU.

    Args:
        rule: an autograd function of one tensor.
    """

    def __init__(self, rule: type[torch.autograd.Function]) -> None:
        super().__init__()
        self.rule, self.replaced = rule, 0

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Replace a ReLU, let everything else be."""
        if func in RELUS:
            self.replaced += 1
            return self.rule.apply(args[0] if args else (kwargs or {})["input"])
        return func(*args, **(kwargs or {}))


class NoRelu(ValueError):
    """The rule has nothing to change."""


def _by(rule: type[torch.autograd.Function], score: Score, x: Tensor) -> Estimates:
    with Instead(rule) as mode:
        found = slope(score, x)
    if not mode.replaced:
        raise NoRelu(
            "This rule changes the way back through ReLU, and the network has none; take a network with ReLU, or "
            "another method."
        )
    yield Estimate(found, 1, True)


def guided_backprop(score: Score, x: Tensor) -> Estimates:
    """Yield the slope with 1[z > 0]·1[R > 0]·R through every ReLU. It hardly depends on the class or on the top layers.

    Springenberg et al. 2015, Striving for simplicity: the all convolutional net.

    Raises:
        NoRelu: where the network has none.
    """
    yield from _by(_Guided, score, x)


def deconvnet(score: Score, x: Tensor) -> Estimates:
    """Yield the slope with 1[R > 0]·R through every ReLU.

    Zeiler & Fergus 2014, Visualizing and understanding convolutional networks.

    Raises:
        NoRelu: where the network has none.
    """
    yield from _by(_Deconv, score, x)
