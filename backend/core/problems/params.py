"""Ordered names and shapes of parameters, and the flat vector they live in."""

import math
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """Where each named tensor lies in a flat vector.

    Example:
        >>> layout = Layout((("0.weight", (2, 3)), ("0.bias", (2,))))
        >>> layout.size
        8
        >>> import torch
        >>> {name: tuple(t.shape) for name, t in layout.unflatten(torch.zeros(8)).items()}
        {'0.weight': (2, 3), '0.bias': (2,)}
    """

    entries: tuple[tuple[str, tuple[int, ...]], ...]

    @cached_property
    def size(self) -> int:
        """Length P of the flat vector."""
        return sum(math.prod(shape) for _, shape in self.entries)

    @cached_property
    def slices(self) -> tuple[tuple[str, tuple[int, ...], int, int], ...]:
        """Name, shape, first and past-the-last index of each tensor."""
        start, found = 0, []
        for name, shape in self.entries:
            end = start + math.prod(shape)
            found.append((name, shape, start, end))
            start = end
        return tuple(found)

    @cached_property
    def sizes(self) -> list[int]:
        """Number of values of each tensor."""
        return [end - start for _, _, start, end in self.slices]

    def parts(self, flat_P: Tensor) -> list[Tensor]:
        """Return views of a flat vector [..., P] in order; a batch dimension in front is kept.

        One ``split``, so that the backward pass is one concatenation and not one padded copy per tensor.
        """
        if not self.entries:
            return []
        front = flat_P.shape[:-1]
        flat = flat_P.split_with_sizes(self.sizes, -1)
        return [
            part if len(shape) == 1 else part.view((*front, *shape))
            for part, (_, shape) in zip(flat, self.entries, strict=True)
        ]

    def unflatten(self, flat_P: Tensor) -> dict[str, Tensor]:
        """Return the views of :meth:`parts` by name."""
        return {name: part for (name, _), part in zip(self.entries, self.parts(flat_P), strict=True)}
