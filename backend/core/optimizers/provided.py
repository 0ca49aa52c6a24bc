"""Rules that a library provides, behind our contract: torch.optim's and pytorch_optimizer's."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import torch
from torch import Tensor

from backend.core.optimizers.packed_state import pack, unpack
from backend.core.problems.problem import LossAndGrad

# What pytorch_optimizer remembers beside the hyper-parameters of a group, and not beside a parameter:
OF_THE_GROUP: Final = ("step", "update_counter")


class Provided:
    """A ``torch.optim.Optimizer`` behind our contract; its state's names are ``index.name``, as in ``0.exp_avg``.

    Args:
        params: what it moves, in the leaf's order: the leaf itself, or views of it for a rule that looks at shapes.
        inner: the library's optimizer of just these.
        names: the library's names of our fields, where they differ.
        around_step: entered around every step, for rules that draw from global random streams.
    """

    def __init__(
        self,
        params: Sequence[Tensor],
        inner: torch.optim.Optimizer,
        names: Mapping[str, str] | None = None,
        around_step: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._params = tuple(params)
        self._inner = inner
        self._names = dict(names or {})
        self._around_step = around_step
        # The rule itself, without torch's wrappers for profilers and compilers: those cost as much as the arithmetic.
        self._move: Callable[[torch.optim.Optimizer], object] = inspect.unwrap(type(inner).step)

    def step(self, loss_and_grad: LossAndGrad) -> tuple[Tensor, Tensor]:
        """Evaluate once, then let the library move."""
        loss, grad_P = loss_and_grad()
        self.move(grad_P)
        return loss, grad_P

    def move(self, grad_P: Tensor) -> None:
        """Let the library move by a gradient [P]."""
        start = 0
        for param in self._params:
            param.grad = grad_P[start : start + param.numel()].view_as(param)
            start += param.numel()
        with torch.no_grad(), self._around_step():
            self._move(self._inner)

    def set(self, field: str, value: float) -> None:
        """Change a hyper-parameter by the library's name."""
        for group in self._inner.param_groups:
            group[self._names.get(field, field)] = value
        if field == "momentum" and isinstance(self._inner, torch.optim.RMSprop):
            # torch makes this buffer at the first step only, and only where momentum was above 0 then
            for state in self._inner.state.values():
                state.setdefault("momentum_buffer", torch.zeros_like(state["square_avg"]))

    def state_dict(self) -> dict[str, Tensor]:
        """Return what the library remembers, of every parameter and of the groups."""
        packed: dict[str, Tensor] = {}
        for i, param in enumerate(self._params):
            remembered = {name: value for name, value in self._inner.state.get(param, {}).items() if value is not None}
            packed.update(pack(str(i), remembered))
        for i, group in enumerate(self._inner.param_groups):
            packed.update(pack(f"group.{i}", {name: group[name] for name in OF_THE_GROUP if name in group}))
        return packed

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Give the library its state back, on the parameters' device."""
        found = unpack(state)
        for i, group in enumerate(self._inner.param_groups):
            for name in OF_THE_GROUP:
                group.pop(name, None)
            group.update(found.get("group", {}).get(str(i), {}))
        self._inner.state.clear()
        for i, param in enumerate(self._params):
            if str(i) in found:
                self._inner.state[param] = _placed(found[str(i)], param)


def _placed(value: Any, param: Tensor) -> Any:
    """Move the tensors of a remembered value to a parameter's device; counters of steps stay on the CPU."""
    match value:
        case Tensor():
            return value.to(param.device)
        case dict():
            return {name: each if name == "step" else _placed(each, param) for name, each in value.items()}
        case list() | tuple():
            return type(value)(_placed(each, param) for each in value)
        case _:
            return value
