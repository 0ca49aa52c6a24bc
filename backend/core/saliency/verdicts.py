"""What an answer means: yes, partly, or no to the question as the page asks it.

Shapes: N examples.
"""

from typing import Final, Literal

from torch import Tensor

Verdict = Literal["yes", "partly", "no"]
# question → up to where it is yes, and up to where partly; of those that are better the larger, from where.
SMALLER: Final = {
    "weights": (0.3, 0.6),
    "class": (0.5, 0.8),
    "completeness": (0.01, 0.1),
    "infidelity": (0.3, 1.0),
    "sensitivity": (0.2, 0.6),
}
LARGER: Final = {"signal": (0.75, 0.55), "retraining": (0.02, -0.02)}
SIGN: Final = {"deletion": -1.0, "insertion": 1.0}  # which way is better than random maps
SURE: Final = 2.0  # standard errors


def verdict(question: str, value_N: Tensor, chance_N: Tensor | None) -> Verdict | None:
    """Judge an answer by fixed bounds, or by its paired difference from random maps.

    Removal and insertion are *yes* where better than random maps by two standard errors of the paired difference, *no*
    where worse by as much, and *partly* between.

    Args:
        question: its name.
        value_N: the answer by example; NaN where there is none.
        chance_N: that of random maps.

    Returns:
        The verdict; None where nothing is known.

    Example:
        >>> import torch
        >>> verdict("signal", torch.tensor([0.9, 0.8]), None)
        'yes'
        >>> verdict("class", torch.tensor([1.0, 1.0]), None)
        'no'
    """
    known_N = value_N[value_N.isfinite()]
    if not len(known_N):
        return None
    mean = float(known_N.mean())
    if question in SMALLER:
        yes, partly = SMALLER[question]
        return "yes" if mean <= yes else "partly" if mean <= partly else "no"
    if question in LARGER:
        yes, partly = LARGER[question]
        return "yes" if mean >= yes else "partly" if mean >= partly else "no"
    if question not in SIGN or chance_N is None or len(value_N) < 2:
        return None
    better_N = SIGN[question] * (value_N - chance_N.to(value_N.dtype))
    sure = SURE * float(better_N.std()) / len(better_N) ** 0.5
    return "yes" if float(better_N.mean()) > sure else "no" if float(better_N.mean()) < -sure else "partly"
