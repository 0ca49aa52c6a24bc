"""Points of parameter space by their coefficients: θ = origin + Σ_d c_d · direction_d.

Shapes: P parameters, B buffers, D directions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Span:
    """An origin with its buffers, and D directions (none for a single point, two for a plane); never written to."""

    origin_P: Tensor
    buffers_B: Tensor
    directions: tuple[Tensor, ...] = ()

    def embed(self, coefficients: Sequence[float]) -> Tensor:
        """Return the parameters at some coefficients [D]; the origin itself, bit for bit, where all are 0.

        Example:
            >>> span = Span(torch.ones(2), torch.zeros(0), (torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])))
            >>> span.embed((2.0, -1.0)).tolist()
            [3.0, 0.0]
        """
        return combined(self.origin_P, self.directions, coefficients)

    def to(self, dtype: torch.dtype) -> "Span":
        """Return the same span in another number format."""
        return Span(self.origin_P.to(dtype), self.buffers_B.to(dtype), tuple(d.to(dtype) for d in self.directions))

    def after(self, first: int) -> "Span":
        """Return the span of the parameters from ``first`` on."""
        return Span(self.origin_P[first:], self.buffers_B, tuple(d_P[first:] for d_P in self.directions))


def combined(
    origin: Tensor, directions: Sequence[Tensor], coefficients: Sequence[float], out: Tensor | None = None
) -> Tensor:
    """Return origin + Σ c·direction, added up in this order; in ``out``, if given, where there is a summand."""
    for direction, coefficient in zip(directions, coefficients, strict=True):
        origin = torch.add(origin, direction, alpha=coefficient, out=out)
    return origin
