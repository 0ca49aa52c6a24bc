"""A training split and a test split, in their fixed order.

Shapes: N examples, F features, C classes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Targets = NDArray[np.float64] | NDArray[np.int64]  # [N] classes, or [N, 1] real


@dataclass(frozen=True)
class Examples:
    """Inputs ``x`` [N, F] in float64, and targets ``y``: classes [N] (int64) or real values [N, 1].

    ``inside`` tells which features carry the signal, where that is known.
    """

    x_NF: Floats
    y: Targets
    inside_NF: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.x_NF)


@dataclass(frozen=True)
class Splits:
    """What is trained on and what is only looked at; no test split where all examples are training data."""

    train: Examples
    test: Examples | None


def split(examples: Examples, size: int, seed: int) -> Splits:
    """Permute the examples once and cut the training split from the front; the rest is the test split.

    The permutation is ``numpy.random.default_rng(seed).permutation(N)``.

    Args:
        examples: all N examples, in any order (bundled sets come sorted by class).
        size: size of the training split.
        seed: the data seed.

    Returns:
        Two splits that share no example and miss none.
    """
    order = np.random.default_rng(seed).permutation(len(examples))
    front, rest = order[:size], order[size:]
    return Splits(_of(examples, front), _of(examples, rest) if len(rest) else None)


def _of(examples: Examples, rows: NDArray[np.int64]) -> Examples:
    inside = None if examples.inside_NF is None else examples.inside_NF[rows]
    return Examples(examples.x_NF[rows], examples.y[rows], inside)


def standardized(splits: Splits) -> Splits:
    """Shift and scale each feature to mean 0 and standard deviation 1 over the training split.

    x' = (x − mean) / std with the training split's mean and standard deviation (divisor N), for both splits.
    A feature that is constant over the training split is only shifted: it becomes 0 there.

    Args:
        splits: the splits as they were made or read.

    Returns:
        New splits; the targets are the same.

    Example:
        >>> import numpy as np
        >>> raw = Splits(Examples(np.array([[0.0, 5.0], [2.0, 5.0]]), np.array([0, 1])), None)
        >>> standardized(raw).train.x_NF.tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
    """
    x_NF = splits.train.x_NF
    # Told by its values and not by a standard deviation of 0, which rounding can turn into 1e-17.
    constant_F = x_NF.min(axis=0) == x_NF.max(axis=0)
    shift_F = np.where(constant_F, x_NF[0], x_NF.mean(axis=0))
    scale_F = np.where(constant_F, 1.0, x_NF.std(axis=0))

    def apply(examples: Examples) -> Examples:
        return Examples((examples.x_NF - shift_F) / scale_F, examples.y, examples.inside_NF)

    return Splits(apply(splits.train), apply(splits.test) if splits.test is not None else None)
