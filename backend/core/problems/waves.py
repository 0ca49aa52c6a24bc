"""Signals whose class is a frequency.

Shapes: N signals, T samples.
"""

import numpy as np

from backend.core.problems.splits import Examples, Splits
from backend.schemas.problem.data import WavesData


def waves(spec: WavesData) -> Splits:
    """Make x_t = sin(2π·f·t/T + φ) + noise, f the class' own periods, φ uniform; as many again for testing."""
    rng = np.random.default_rng(spec.seed)
    return Splits(_drawn(spec, rng), _drawn(spec, rng))


def _drawn(spec: WavesData, rng: np.random.Generator) -> Examples:
    y_N = rng.permutation(spec.examples).astype(np.int64) % 2
    periods_N = np.where(y_N == 0, spec.frequency, spec.other)
    phase_N = rng.uniform(0, 2 * np.pi, spec.examples)
    time_T = np.arange(spec.length) / spec.length
    clean_NT = np.sin(2 * np.pi * periods_N[:, None] * time_T + phase_N[:, None])
    return Examples(clean_NT + spec.noise * rng.standard_normal(clean_NT.shape), y_N)
