"""The loss at many points, on one fixed set of examples.

Shapes: P parameters, B buffers, N examples.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import vmap

from backend.core.problems.problem import BatchNormPolicy, Data, Problem


class Measured(NamedTuple):
    """A loss, and its standard error as an estimate of the loss on all the data (None where it is not known)."""

    loss: float
    stderr: float | None


@dataclass(frozen=True, eq=False)
class Sample:
    """The examples that a surface and the paths on it are measured on, and BatchNorm's statistics.

    ``data`` is the front of the training split, which lies in one random order, so that it is a simple random sample;
    None is all of it (and a function, which has no examples).
    """

    problem: Problem
    data: Data | None
    fraction: float  # share of the training split
    batchnorm: BatchNormPolicy

    def measure(self, params_P: Tensor, buffers_B: Tensor) -> Measured:
        """Evaluate the loss, functionally and without gradients; a value that is not finite is returned as it is.

        On all the data the loss is the problem's own, and there is no error. On n of N examples, with ℓᵢ the loss of
        one example alone, it is the mean and

            stderr = √(1 − n/N) · std(ℓ, ddof=1) / √n,

        the standard error of a mean drawn without replacement (Cochran 1977, Sampling techniques, section 2.6),
        accumulated in float64. It is None for a single example, and where BatchNorm takes its statistics from the
        examples, so that no example has a loss of its own.

        Args:
            params_P: the parameters.
            buffers_B: the buffers, which frozen BatchNorm uses.

        Returns:
            The loss and its standard error.
        """
        with torch.no_grad():
            if self.data is None or len(self.data) < 2 or self._examples_mix:
                return Measured(self.problem.loss(params_P, buffers_B, self.data, self.batchnorm).item(), None)
            loss_N = self._each(params_P, buffers_B, self.data).to("cpu", torch.float64)
            return Measured(loss_N.mean().item(), self._unseen * loss_N.std().item() / math.sqrt(len(loss_N)))

    def loss(self, params_P: Tensor, buffers_B: Tensor) -> float:
        """Evaluate the loss alone; see :meth:`measure`."""
        return self.measure(params_P, buffers_B).loss

    @property
    def _examples_mix(self) -> bool:
        return self.batchnorm != "frozen" and self.problem.buffer_layout.size > 0

    @property
    def _unseen(self) -> float:
        """√(1 − n/N), the finite population correction."""
        return math.sqrt(1 - self.fraction)

    def _each(self, params_P: Tensor, buffers_B: Tensor, data: Data) -> Tensor:
        def alone(x: Tensor, y: Tensor) -> Tensor:
            return self.problem.loss(params_P, buffers_B, Data(x.unsqueeze(0), y.unsqueeze(0)), self.batchnorm)

        return vmap(alone)(data.x, data.y)


def sample(problem: Problem, data_fraction: float = 1.0, batchnorm: BatchNormPolicy = "frozen") -> Sample:
    """Take the front of the training split: ⌈fraction · N⌉ examples.

    Args:
        problem: whose training split.
        data_fraction: share of the split, above 0 and up to 1; a function has no split, and it makes no difference.
        batchnorm: which statistics BatchNorm uses.

    Returns:
        The sample.
    """
    whole = problem.train
    # A share like 0.1 of 30 must not become 4 by the rounding of 0.1.
    count = 0 if whole is None else min(len(whole), max(1, math.ceil(data_fraction * len(whole) - 1e-9)))
    if whole is None or count == len(whole):
        return Sample(problem, None, 1.0, batchnorm)
    return Sample(problem, Data(whole.x[:count], whole.y[:count]), count / len(whole), batchnorm)
