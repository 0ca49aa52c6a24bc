"""A part's share of a run that several workers have in common."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")


def share(pieces: Sequence[T], part: int, parts: int, cost: Callable[[T], float] = lambda piece: 1.0) -> tuple[T, ...]:
    """Return a part's pieces: neighbours, so that all parts' in order are all pieces; of about the same cost.

    A piece belongs to the part in whose stretch of the whole cost its middle lies, as far as every part gets one.

    Args:
        pieces: of the whole run, in their order; as many as there are parts, or more.
        part: which one.
        parts: of how many.
        cost: of a piece; positive.

    Returns:
        The part's own, one at least.

    Example:
        >>> [share("abcdef", part, 3) for part in range(3)]
        [('a', 'b'), ('c', 'd'), ('e', 'f')]
        >>> [share((9, 1, 1, 1), part, 2, float) for part in range(2)]
        [(9,), (1, 1, 1)]
    """
    ends = list(accumulate(cost(piece) for piece in pieces))
    found, own = [], 0
    for i, (piece, end) in enumerate(zip(pieces, ends, strict=True)):
        middle = int((end - cost(piece) / 2) / ends[-1] * parts)
        own = min(max(middle, own, parts - (len(pieces) - i)), own + 1 if i else 0)
        if own == part:
            found.append(piece)
    return tuple(found)
