"""Crops of the two photographs that scikit-learn carries along.

Shapes: H × W × 3 pixels of a photograph, N crops.
"""

from functools import cache
from typing import Final

import numpy as np

from backend.core.problems.splits import Examples, Floats, Splits
from backend.schemas.problem.data import PhotographsData

SMALLER: Final = 4  # each pixel is the mean of so many squared
TRAINING: Final = 2 / 3  # of the width, from the left


@cache
def photographs() -> tuple[Floats, ...]:
    """Read both photographs, each pixel the mean of 4×4, in [0, 1]: 106 × 160 × 3."""
    # Imported here: it takes most of a second, which problems without these data need not wait for.
    from sklearn.datasets import load_sample_image

    found = []
    for name in ("china.jpg", "flower.jpg"):
        whole = np.asarray(load_sample_image(name), np.float64) / 255.0
        height, width = (size // SMALLER for size in whole.shape[:2])
        cut = whole[: height * SMALLER, : width * SMALLER]
        found.append(cut.reshape(height, SMALLER, width, SMALLER, 3).mean((1, 3)))
    return tuple(found)


def crops(spec: PhotographsData) -> Splits:
    """Cut squares at random places: for training from the left two thirds, for testing from the right third.

    Args:
        spec: how many, and the seed.

    Returns:
        Splits that share no pixel, channels first; the class is the photograph.
    """
    rng = np.random.default_rng(spec.seed)
    return Splits(_cut(spec.examples, rng, train=True), _cut(spec.test_examples, rng, train=False))


def _cut(count: int, rng: np.random.Generator, *, train: bool) -> Examples:
    y_N = rng.permutation(count).astype(np.int64) % 2
    _, side, _ = PhotographsData.image
    rows = []
    for label in y_N:
        whole = photographs()[label]
        border = round(TRAINING * whole.shape[1])
        part = whole[:, :border] if train else whole[:, border:]
        top, left = (int(rng.integers(0, size - side + 1)) for size in part.shape[:2])
        rows.append(part[top : top + side, left : left + side].transpose(2, 0, 1).ravel())
    return Examples(np.stack(rows), y_N)
