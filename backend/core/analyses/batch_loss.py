"""The loss of fresh batches, for analyses that train something of their own.

Shapes: P parameters, B buffer values.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from backend.core.problems.problem import Problem


def fresh_batches(
    problem: Problem, buffers_B: Tensor, size: int | None, random: torch.Generator
) -> Callable[[Tensor], Tensor]:
    """Return the loss of a batch, a new one at each call, BatchNorm in training mode.

    Args:
        problem: whose loss; a function has no batches.
        buffers_B: BatchNorm's running statistics, which move along with every call.
        size: examples of a batch, drawn without replacement; None: the whole training split.
        random: of the batches.

    Returns:
        Parameters [P] → loss.
    """
    data = problem.train

    def loss_at(params_P: Tensor) -> Tensor:
        if data is None:
            return problem.loss(params_P, buffers_B)
        if size is None or size >= len(data):
            return problem.batch_loss(params_P, buffers_B, data.x, data.y)
        chosen = torch.randperm(len(data), generator=random)[:size].to(data.x.device)
        return problem.batch_loss(params_P, buffers_B, data.x[chosen], data.y[chosen])

    return loss_at
