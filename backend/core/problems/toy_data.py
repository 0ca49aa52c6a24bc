"""Small data sets that are made from a seed.

All draws come from one ``numpy.random.default_rng(seed)``: the training split first, then as many examples again for
the test split. Classes are balanced within each split and come in random order; places along a curve are uniform.

Shapes: N examples of one split, C classes.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.core.problems.splits import Examples, Floats, Splits
from backend.schemas.problem.data import (
    BlobsData,
    ChebyshevData,
    CirclesData,
    MoonsData,
    PlantedData,
    SineData,
    SpiralsData,
)

Rng = np.random.Generator
ToyData = MoonsData | CirclesData | SpiralsData | BlobsData | ChebyshevData | SineData | PlantedData
BLOB_BOX: Final = 10.0  # the clouds' centres are uniform on ±this


def toy_data(spec: ToyData) -> Splits:
    """Make the splits that a spec asks for, not yet standardised.

    Args:
        spec: which set, its sizes, noise and seed.

    Returns:
        A training split and a test split of the same size; no test split for the Chebyshev polynomial and for
        planted constraints.
    """
    rng = np.random.default_rng(spec.seed)
    match spec:
        case MoonsData():
            return _twice(spec.examples, lambda count: moons(count, spec.noise, rng))
        case CirclesData():
            return _twice(spec.examples, lambda count: circles(count, spec.factor, spec.noise, rng))
        case SpiralsData():
            return _twice(spec.examples, lambda count: spirals(count, spec.turns, spec.noise, rng))
        case BlobsData():
            centres_C2 = rng.uniform(-BLOB_BOX, BLOB_BOX, (spec.classes, 2))
            return _twice(spec.examples, lambda count: blobs(count, centres_C2, spec.spread, rng))
        case SineData():
            return _twice(spec.examples, lambda count: sine(count, spec.frequency, spec.noise, rng))
        case ChebyshevData():
            return Splits(chebyshev(spec.points, spec.degree, rng), None)
        case PlantedData():
            return Splits(planted(spec.examples, spec.block, rng), None)


def _twice(count: int, make: Callable[[int], Examples]) -> Splits:
    train = make(count)
    return Splits(train, make(count))


def _classes(count: int, classes: int, rng: Rng) -> NDArray[np.int64]:
    return rng.permutation(count).astype(np.int64) % classes


def _scattered(points_N2: Floats, deviation: float, y_N: NDArray[np.int64], rng: Rng) -> Examples:
    return Examples(points_N2 + deviation * rng.standard_normal(points_N2.shape), y_N)


def _on_circle(angle_N: Floats) -> Floats:
    return np.stack([np.cos(angle_N), np.sin(angle_N)], axis=1)


def moons(count: int, noise: float, rng: Rng) -> Examples:
    """Make two interleaved half circles: (cos t, sin t) and (1 − cos t, ½ − sin t), t on [0, π], plus noise."""
    y_N = _classes(count, 2, rng)
    upper_N2 = _on_circle(rng.uniform(0, np.pi, count))
    return _scattered(np.where(y_N[:, None] == 0, upper_N2, np.array([1.0, 0.5]) - upper_N2), noise, y_N, rng)


def circles(count: int, factor: float, noise: float, rng: Rng) -> Examples:
    """Make circles about the origin, of radius 1 (class 0) and ``factor`` (class 1), plus noise."""
    y_N = _classes(count, 2, rng)
    radius_N = np.where(y_N == 0, 1.0, factor)
    return _scattered(radius_N[:, None] * _on_circle(rng.uniform(0, 2 * np.pi, count)), noise, y_N, rng)


def spirals(count: int, turns: float, noise: float, rng: Rng) -> Examples:
    """Make two arms of Archimedes' spiral, r·(cos φ, sin φ) with φ = 2π·turns·r + π·class and r on [0, 1], plus noise.

    r is the root of a uniform number, which spreads the points about evenly along the arms.

    Returns:
        The examples; their class is the arm.
    """
    y_N = _classes(count, 2, rng)
    radius_N = np.sqrt(rng.uniform(0, 1, count))
    angle_N = 2 * np.pi * turns * radius_N + np.pi * y_N
    return _scattered(radius_N[:, None] * _on_circle(angle_N), noise, y_N, rng)


def blobs(count: int, centres_C2: Floats, spread: float, rng: Rng) -> Examples:
    """Make round Gaussian clouds about centres, of standard deviation ``spread``."""
    y_N = _classes(count, len(centres_C2), rng)
    return _scattered(centres_C2[y_N], spread, y_N, rng)


def sine(count: int, frequency: float, noise: float, rng: Rng) -> Examples:
    """Make y = sin(2π·frequency·x) plus noise, x uniform on [−1, 1]."""
    x_N1 = rng.uniform(-1, 1, (count, 1))
    return Examples(x_N1, np.sin(2 * np.pi * frequency * x_N1) + noise * rng.standard_normal((count, 1)))


def chebyshev(count: int, degree: int, rng: Rng) -> Examples:
    """Make T_n(x) = cos(n·arccos x) at x evenly spaced on [−1, 1], both ends included, in random order."""
    x_N1 = rng.permutation(np.linspace(-1, 1, count))[:, None]
    return Examples(x_N1, np.cos(degree * np.arccos(x_N1)))


def planted(count: int, block: int, rng: Rng) -> Examples:
    """Make sums over blocks: x_k is 1 on features (k − 1)·block … k·block − 1, else 0, and y_k = k; in random order."""
    order = rng.permutation(count)
    return Examples(np.repeat(np.eye(count), block, axis=1)[order], (order + 1).astype(np.float64)[:, None])
