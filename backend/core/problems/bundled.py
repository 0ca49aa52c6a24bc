"""The small real data sets that scikit-learn carries along: nothing is downloaded."""

from functools import cache

import numpy as np

from backend.core.problems.splits import Examples, Splits, split
from backend.schemas.problem.data import BreastCancerData, DigitsData, LargeDigitsData, WineData


@cache
def read_bundled(kind: str) -> Examples:
    """Read a whole set, in scikit-learn's order, once per process.

    Args:
        kind: ``digits`` (1,797 × 64, pixels divided by 16 so that they lie in [0, 1]), ``wine`` (178 × 13) or
            ``breast_cancer`` (569 × 30).

    Returns:
        All its examples.
    """
    # Imported here: it takes most of a second, which problems without these data need not wait for.
    from sklearn.datasets import load_breast_cancer, load_digits, load_wine

    x, y = {"digits": load_digits, "wine": load_wine, "breast_cancer": load_breast_cancer}[kind](return_X_y=True)
    return Examples(np.asarray(x, np.float64) / (16.0 if kind == "digits" else 1.0), np.asarray(y, np.int64))


def bundled(spec: DigitsData | LargeDigitsData | WineData | BreastCancerData) -> Splits:
    """Return the splits that a spec asks for, not yet standardised."""
    if isinstance(spec, LargeDigitsData):
        small = read_bundled("digits")
        x_NHW = small.x_NF.reshape(-1, 8, 8).repeat(4, axis=1).repeat(4, axis=2)
        return split(Examples(x_NHW.reshape(len(small), -1), small.y), spec.examples, spec.seed)
    return split(read_bundled(spec.kind), spec.examples, spec.seed)
