"""The examples that a surface and the paths on it are measured on."""

import math
from dataclasses import dataclass

from backend.core.problems.problem import BatchNormPolicy, Data, Problem


@dataclass(frozen=True, eq=False)
class Sample:
    """Examples of a problem, and BatchNorm's statistics.

    ``data`` is the front of the training split, which lies in one random order, so that it is a simple random sample;
    None is all of it (and a function, which has no examples).
    """

    problem: Problem
    data: Data | None
    fraction: float  # share of the training split
    batchnorm: BatchNormPolicy

    @property
    def examples(self) -> Data | None:
        """The examples themselves; None for a function."""
        return self.problem.train if self.data is None else self.data

    @property
    def mixed(self) -> bool:
        """Whether BatchNorm takes its statistics from the examples, so that none has a loss of its own."""
        return self.batchnorm != "frozen" and self.problem.buffer_layout.size > 0


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
