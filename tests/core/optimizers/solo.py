"""One rule alone: on a formula or on a case of the shared table, stepped without a race."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from backend.core.optimizers.registry import build_optimizer
from backend.core.optimizers.surroundings import surround
from backend.core.problems.params import Layout
from backend.core.problems.problem import Data, Problem
from backend.schemas.optimizer import AnyOptimizer


class Formula:
    """L(θ) = value(θ), with as many parameters as the layout has; what the tests of one rule need of a problem."""

    train = test = classes = view = None
    dtype, device = torch.float64, torch.device("cpu")

    def __init__(self, value: Callable[[Tensor], Tensor], layout: Layout) -> None:
        self.value, self.layout, self.buffer_layout = value, layout, Layout(())

    def batch_loss(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return self.value(params_P)

    def loss(self, params_P: Tensor, buffers_B: Tensor, data: Data | None = None, batchnorm: str = "frozen") -> Tensor:
        return self.value(params_P)


class Solo:
    """A flat leaf with the rule that moves it."""

    def __init__(
        self,
        spec: AnyOptimizer,
        problem: Problem | Formula,
        start_P: Tensor | Sequence[float] | None = None,
        batch: Callable[[int], tuple[Tensor, Tensor] | None] | None = None,
        seed: int = 0,
    ) -> None:
        if start_P is None:
            start_P, buffers_B = problem.params0(seed)  # type: ignore[union-attr]
        else:
            buffers_B = torch.zeros(problem.buffer_layout.size, dtype=problem.dtype)
        self.params_P = torch.as_tensor(start_P, dtype=problem.dtype).detach().clone().requires_grad_()
        self.around = surround(problem, self.params_P, buffers_B, seed, "solo")  # type: ignore[arg-type]
        self.optimizer = build_optimizer(spec, self.around)
        whole = None if problem.train is None else (problem.train.x, problem.train.y)
        self._batch = batch or (lambda step: whole)
        self.steps = 0

    @property
    def at(self) -> Tensor:
        """Where it is, a copy."""
        return self.params_P.detach().clone()

    @property
    def evaluations(self) -> float:
        """What it has spent."""
        return self.around.objective.evaluations

    def step(self) -> tuple[Tensor, Tensor]:
        """Move once."""
        self.steps += 1
        self.around.objective.begin(self._batch(self.steps))
        return self.optimizer.step(self.around.objective.loss_and_grad)

    def walk(self, steps: int) -> Tensor:
        """Move often; where each step led, [steps + 1, P]."""
        path = [self.at]
        for _ in range(steps):
            self.step()
            path.append(self.at)
        return torch.stack(path)

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        kept = {name: value.detach().clone() for name, value in self.optimizer.state_dict().items()}
        return {"params": self.at, "rule": kept, "generator": self.around.generator.get_state(), "steps": self.steps}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        with torch.no_grad():
            self.params_P.copy_(state["params"])
        self.optimizer.load_state_dict(state["rule"])
        self.around.generator.set_state(state["generator"])
        self.steps = state["steps"]
