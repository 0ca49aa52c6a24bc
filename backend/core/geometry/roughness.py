"""How rough a loss is: the spread of its normalised total variation over directions.

Shapes: M directions, n = m + 1 points of a profile.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES: Final = 1000
LEVEL: Final = 0.95


class Index(NamedTuple):
    """The roughness index of some directions with its bootstrap interval; NaN where fewer than two have a variation."""

    value: float
    low: float
    high: float
    variation: float  # the mean of T
    undefined: int  # directions without a T, left out


def variations(profiles_Mn: Floats, length: float) -> Floats:
    """Return the normalised total variation of each profile, T = Σₖ |fₖ₊₁ − fₖ| / [2l·(max f − min f)].

    T is 1/(2l) for a profile that only rises or only falls, 1/l for one valley, and more for every ripple. It is NaN
    where a profile is constant or has a value that is not finite.

    Args:
        profiles_Mn: the profiles, at evenly spaced t from −l to l.
        length: l.

    Returns:
        T [M], in inverse units of t.

    Example:
        >>> variations(np.array([[4.0, 1.0, 0.0, 1.0, 4.0], [0.0, 1.0, 2.0, 3.0, 9.0]]), 0.5).tolist()
        [2.0, 1.0]
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        total_M = np.abs(np.diff(profiles_Mn, axis=1)).sum(axis=1)
        span_M = profiles_Mn.max(axis=1) - profiles_Mn.min(axis=1)
        T_M: Floats = total_M / (2 * length * span_M)
    T_M[~np.isfinite(T_M)] = math.nan
    return T_M


def roughness(T_M: Floats, seed: int) -> Index:
    """Return RI = std(T, ddof=1)/mean(T) with a 95 % percentile bootstrap interval over directions.

    The interval says how far another draw of as many directions might lie; it knows nothing of other starts. RI = 0
    means that all directions vary alike, not that the loss is flat: look at T as well.

    Wu et al. 2021, Roughness index for loss landscapes of neural network models of partial differential equations
    (arXiv 2103.11069); Efron 1979, Bootstrap methods.

    Args:
        T_M: normalised total variations; NaN are left out, and counted.
        seed: of the resampling.

    Returns:
        The index.

    Example:
        >>> roughness(np.array([2.0, 2.0, 2.0]), 0)[:3]
        (0.0, 0.0, 0.0)
    """
    known_M = T_M[np.isfinite(T_M)]
    undefined, count = len(T_M) - len(known_M), len(known_M)
    if count < 2:
        return Index(math.nan, math.nan, math.nan, float(known_M.mean()) if count else math.nan, undefined)
    drawn_BM = known_M[np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))]
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(_ratio(drawn_BM), [tail, 100 - tail])
    return Index(float(_ratio(known_M)), float(low), float(high), float(known_M.mean()), undefined)


def _ratio(T: Floats) -> Floats:
    ratio: Floats = T.std(axis=-1, ddof=1) / T.mean(axis=-1)
    return ratio
