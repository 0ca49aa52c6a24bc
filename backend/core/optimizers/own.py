"""Rules written here rather than taken from a library: a function that moves once, and the tensors that it remembers.

Shapes: P parameters.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from backend.core.optimizers.surroundings import Surroundings
from backend.core.problems.problem import LossAndGrad
from backend.schemas.optimizer import OptimizerSpec

SpecT = TypeVar("SpecT", bound=OptimizerSpec)


class Memory:
    """What a rule remembers between its steps: tensors by name."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}

    def keep(self, name: str, value: Tensor) -> Tensor:
        """Remember a copy of a tensor, in place of the one of this name."""
        self.tensors[name] = value.detach().clone()
        return self.tensors[name]

    def zeros(self, name: str, like: Tensor) -> Tensor:
        """Return what is remembered, zeros at first; writing to it changes the memory."""
        if name not in self.tensors:
            self.tensors[name] = torch.zeros_like(like)
        return self.tensors[name]

    def mean(self, name: str, value: Tensor, decay: float) -> Tensor:
        """Take a value into a running mean, m ← d·m + (1 − d)·value from m = 0, and return it."""
        return self.zeros(name, value).mul_(decay).add_(value, alpha=1.0 - decay)

    def number(self, name: str, first: float) -> float:
        """Return a remembered number, the given one at first."""
        return float(self.tensors[name]) if name in self.tensors else first

    def note(self, name: str, value: float) -> float:
        """Remember a number, in float64."""
        self.tensors[name] = torch.tensor(value, dtype=torch.float64)
        return value

    def count(self) -> int:
        """Count a step; return how many there have been, with this one."""
        steps = self.zeros("steps", torch.zeros((), dtype=torch.int64)).add_(1)
        return int(steps)


def corrected(mean: Tensor, decay: float, steps: int) -> Tensor:
    """Return m/(1 − dᵗ): a running mean that began at 0, without the pull of that beginning."""
    return mean / (1.0 - decay**steps)


@dataclass(frozen=True, eq=False)
class Turn(Generic[SpecT]):
    """What a rule is given to move once."""

    spec: SpecT  # its hyper-parameters as they are now
    around: Surroundings
    memory: Memory
    evaluate: LossAndGrad  # the loss and its gradient where the parameters stand, through the lane's filters

    @property
    def point_P(self) -> Tensor:
        """Where the parameters stand; writing to it moves them."""
        return self.around.params_P.detach()

    def move(self, by_P: Tensor) -> None:
        """Add to the parameters."""
        self.point_P.add_(by_P)

    @contextmanager
    def looking_from(self, other_P: Tensor) -> Iterator[None]:
        """Put the parameters elsewhere for a while, then back to the same bits."""
        here_P = self.point_P.clone()
        self.point_P.copy_(other_P)
        try:
            yield
        finally:
            self.point_P.copy_(here_P)


Move = Callable[[Turn[Any]], tuple[Tensor, Tensor]]  # move once; return loss and gradient before it
Begin = Callable[[Any, Memory], None]  # what is remembered before the first step


class OwnRule:
    """A function that moves once, behind the contract of every rule."""

    def __init__(self, spec: OptimizerSpec, around: Surroundings, move: Move, memory: Memory) -> None:
        self._spec, self._around, self._move, self._memory = spec, around, move, memory

    def step(self, loss_and_grad: LossAndGrad) -> tuple[Tensor, Tensor]:
        """Move once."""
        return self._move(Turn(self._spec, self._around, self._memory, loss_and_grad))

    def set(self, field: str, value: float) -> None:
        """Change a hyper-parameter; a scheduled learning rate may lie outside its field's bounds."""
        self._spec = self._spec.model_copy(update={field: value})

    def state_dict(self) -> dict[str, Tensor]:
        """Return the memory."""
        return dict(self._memory.tensors)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over a memory, on the parameters' device where it is a vector."""
        device = self._around.params_P.device
        self._memory.tensors = {
            name: value.detach().clone().to(device if value.dim() else "cpu") for name, value in state.items()
        }


def own(move: Move, begin: Begin | None = None) -> Callable[[Any, Surroundings], OwnRule]:
    """Make the builder of the rule that a function stands for."""

    def build(spec: OptimizerSpec, around: Surroundings) -> OwnRule:
        memory = Memory()
        if begin is not None:
            begin(spec, memory)
        return OwnRule(spec, around, move, memory)

    return build
