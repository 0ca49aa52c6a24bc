"""Digits beside a block that says nothing: where the signal is, is known pixel by pixel.

Shapes: N examples; pictures of 16×8, a digit of 8×8 above or below the null block.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.core.problems.bundled import read_bundled
from backend.core.problems.splits import Examples, Floats, Splits, split
from backend.schemas.problem.data import BlockDigitsData

SIDE: Final = 8
EDGE: Final = (1, 7)  # rows and columns between which the null block's frame lies


def null_block() -> Floats:
    """Draw the block that is the same for both classes: a frame of ones."""
    block_88 = np.zeros((SIDE, SIDE))
    first, last = EDGE
    block_88[first:last, first:last] = 1.0
    block_88[first + 1 : last - 1, first + 1 : last - 1] = 0.0
    return block_88


def block_digits(spec: BlockDigitsData) -> Splits:
    """Make the splits that a spec asks for: zeros and ones of the bundled digits, in their permuted order.

    Shah, Jain & Netrapalli 2021, Do input gradients highlight discriminative features? (their BlockMNIST).

    Args:
        spec: sizes, place and seed.

    Returns:
        Splits that know where the digit is (``inside``).
    """
    digits = read_bundled("digits")
    chosen = digits.y < 2
    digit_N88 = digits.x_NF[chosen].reshape(-1, SIDE, SIDE)
    above_N = np.ones(len(digit_N88), bool)
    if spec.place == "random":
        above_N = np.random.default_rng([spec.seed, 1]).random(len(digit_N88)) < 0.5
    null_N88 = np.broadcast_to(null_block(), digit_N88.shape)
    x = _stacked(digit_N88, null_N88, above_N)
    inside = _stacked(np.ones_like(digit_N88), np.zeros_like(digit_N88), above_N) > 0
    return split(Examples(x, digits.y[chosen], inside), spec.examples, spec.seed)


def _stacked(first_N88: Floats, second_N88: Floats, above_N: NDArray[np.bool_]) -> Floats:
    pairs = np.where(above_N[:, None, None, None], np.stack([first_N88, second_N88], 1),
                     np.stack([second_N88, first_N88], 1))  # fmt: skip
    return pairs.reshape(len(pairs), -1)
