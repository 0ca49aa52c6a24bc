"""What the builder of a rule is given."""

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.core.optimizers.objective import Objective
from backend.core.problems.params import Layout
from backend.core.problems.problem import Problem
from backend.core.runtime.seeding import generator


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The closed set of things that a rule may use; nothing else is reachable from it.

    Everything random in a rule is drawn from ``generator``, which lies on the CPU, belongs to this lane and repeat
    alone, and is part of the lane's checkpoint: a rule need not remember it.
    """

    objective: Objective
    generator: torch.Generator

    @property
    def params_P(self) -> Tensor:
        """The leaf that the rule moves, in place and under ``torch.no_grad()``."""
        return self.objective.params_P

    @property
    def layout(self) -> Layout:
        """Names and shapes of the tensors in the leaf; ``layout.parts(params_P.detach())`` are views that write."""
        return self.objective.problem.layout


def surround(problem: Problem, params_P: Tensor, buffers_B: Tensor, *stream: int | str) -> Surroundings:
    """Make the surroundings of one rule.

    Args:
        problem: what it trains.
        params_P: the leaf that it moves.
        buffers_B: its own buffers.
        stream: seed and names of the lane's random stream.

    Returns:
        Surroundings whose objective has not begun a step.
    """
    seed, *names = stream or (0,)
    return Surroundings(Objective(problem, params_P, buffers_B), generator(int(seed), "optimizer", *names))
