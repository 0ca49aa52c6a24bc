"""Filters of the gradient, on any rule: clipping, Grokfast, gradient regularisation.

Shapes: P parameters, W gradients of a window.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from backend.core.problems.problem import LossAndGrad
from backend.schemas.optimizer.filters import AnyFilter, ClipFilter, GradientRegularizationFilter, GrokfastFilter


class Filter(Protocol):
    """A change of every gradient that the rule asks for."""

    def apply(self, loss_and_grad: LossAndGrad) -> tuple[Tensor, Tensor]:
        """Ask for loss and gradient, and return them with the gradient changed."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Return what is remembered between gradients."""
        ...

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Remember that."""
        ...


class Filters:
    """A lane's filters, in their order: the first one sees the loss's own gradient.

    Args:
        specs: which filters.
        params_P: the leaf that the gradient is taken of.
    """

    def __init__(self, specs: Sequence[AnyFilter], params_P: Tensor) -> None:
        self._filters = tuple(build_filter(spec, params_P) for spec in specs)
        self._own_P: Tensor | None = None

    def begin(self, loss_and_grad: LossAndGrad) -> LossAndGrad:
        """Start a step; what the rule gets to ask instead."""
        self._own_P = None

        def own() -> tuple[Tensor, Tensor]:
            loss, grad_P = loss_and_grad()
            if self._own_P is None:
                self._own_P = grad_P
            return loss, grad_P

        asked: LossAndGrad = own
        for each in self._filters:
            asked = _after(each, asked)
        return asked

    def own_gradient(self, grad_P: Tensor) -> Tensor:
        """Return the loss's own gradient at this step, before any filter; the rule's where it asked for none."""
        return grad_P if self._own_P is None else self._own_P

    def state_dict(self) -> dict[str, Tensor]:
        """Return what all of them remember."""
        return {f"{i}.{name}": value for i, f in enumerate(self._filters) for name, value in f.state_dict().items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Give each its own back."""
        for i, each in enumerate(self._filters):
            start = f"{i}."
            each.load_state_dict({k.removeprefix(start): v for k, v in state.items() if k.startswith(start)})


def build_filter(spec: AnyFilter, params_P: Tensor) -> Filter:
    """Make the filter that a spec describes."""
    match spec:
        case ClipFilter():
            return Clip(spec)
        case GrokfastFilter():
            return Grokfast(spec)
        case GradientRegularizationFilter():
            return GradientRegularization(spec, params_P)


class Clip:
    """g ← g·min(1, c/‖g‖), or each gᵢ into [−c, c]. A gradient that is not finite stays what it is.

    Pascanu, Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks.
    """

    def __init__(self, spec: ClipFilter) -> None:
        self._limit, self._by_value = spec.limit, spec.by == "value"

    def apply(self, loss_and_grad: LossAndGrad) -> tuple[Tensor, Tensor]:
        """Shorten the gradient."""
        loss, grad_P = loss_and_grad()
        if self._by_value:
            return loss, grad_P.clamp(-self._limit, self._limit)
        norm = torch.linalg.vector_norm(grad_P).item()
        return loss, grad_P * (self._limit / norm) if norm > self._limit else grad_P

    def state_dict(self) -> dict[str, Tensor]:
        """Return nothing."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Nothing is remembered."""


class Grokfast:
    """h ← αh + (1 − α)g, from the first gradient; g ← g + λh. Or h is the mean of the last w ones, once there are w.

    Lee, Kang, Kim & Lee 2024, Grokfast: accelerated grokking by amplifying slow gradients.
    """

    def __init__(self, spec: GrokfastFilter) -> None:
        self._spec = spec
        self._mean_P: Tensor | None = None
        self._window: list[Tensor] = []

    def apply(self, loss_and_grad: LossAndGrad) -> tuple[Tensor, Tensor]:
        """Add the slow gradient."""
        loss, grad_P = loss_and_grad()
        if self._spec.average == "window":
            self._window = [*self._window, grad_P.clone()][-self._spec.window :]
            full = len(self._window) == self._spec.window
            return loss, grad_P + self._spec.weight * torch.stack(self._window).mean(0) if full else grad_P
        mean_P = grad_P if self._mean_P is None else self._mean_P
        self._mean_P = self._spec.alpha * mean_P + (1.0 - self._spec.alpha) * grad_P
        return loss, grad_P + self._spec.weight * self._mean_P

    def state_dict(self) -> dict[str, Tensor]:
        """Return the slow gradient, or the window [W, P]."""
        if self._mean_P is not None:
            return {"mean": self._mean_P}
        return {"window": torch.stack(self._window)} if self._window else {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Remember it."""
        self._mean_P = state["mean"].clone() if "mean" in state else None
        self._window = list(state["window"].clone()) if "window" in state else []


class GradientRegularization:
    """g ← g + γ·(∇L(θ + εg) − g)/ε: the gradient of L + ½γ‖∇L‖², exactly γHg more where L is quadratic.

    Karakida et al. 2023, Understanding gradient regularization in deep learning.
    """

    def __init__(self, spec: GradientRegularizationFilter, params_P: Tensor) -> None:
        self._params_P, self._strength = params_P, spec.strength
        self._step = spec.ascent if spec.difference == "forward" else -spec.ascent

    def apply(self, loss_and_grad: LossAndGrad) -> tuple[Tensor, Tensor]:
        """Look a little further along the gradient, come back, and add the difference."""
        loss, grad_P = loss_and_grad()
        with torch.no_grad():
            here_P = self._params_P.clone()
            self._params_P.add_(grad_P, alpha=self._step)
        _, there_P = loss_and_grad()
        with torch.no_grad():
            self._params_P.copy_(here_P)
        return loss, grad_P + (self._strength / self._step) * (there_P - grad_P)

    def state_dict(self) -> dict[str, Tensor]:
        """Return nothing."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Nothing is remembered."""


def _after(each: Filter, inner: LossAndGrad) -> LossAndGrad:
    return lambda: each.apply(inner)
