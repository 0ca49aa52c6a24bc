"""A trial function that keeps what is known of a solution, fitted by its free part.

Shapes: N points, D coordinates, P parameters.
"""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from backend.core.problems.pde.ansatz import Ansatz, ResidualNetwork, Series
from backend.core.problems.pde.equation import Equation
from backend.core.problems.pde.jets import Jet, add, multiply
from backend.schemas.problem.pde import PdeSpec, SinesAnsatz

SIZES: Final = {1: (4, 1), 2: (10, 2), 10: (20, 3)}  # coordinates → width and blocks where none are asked for


class Known(NamedTuple):
    """All of a trial function at some points that does not depend on parameters."""

    features: Jet
    envelope: Jet | None  # None for a series
    lift: Jet | None

    def values_alone(self) -> "Known":
        """Drop the derivatives."""
        envelope, lift = (None if part is None else part.values_alone() for part in (self.envelope, self.lift))
        return Known(self.features.values_alone(), envelope, lift)


class Trial:
    """u = lift + envelope · network, or u = lift + Σₖ cₖ ψₖ.

    Args:
        spec: which of the two, and its size.
        equation: whose known values it keeps.
        dtype: number format of the derivatives' weights.
        device: where they live.
    """

    def __init__(self, spec: PdeSpec, equation: Equation, dtype: torch.dtype, device: torch.device) -> None:
        self.equation, self.coordinates = equation, spec.coordinates
        self._modes = spec.ansatz.modes if isinstance(spec.ansatz, SinesAnsatz) else None
        self._curved_D = torch.tensor(equation.curved, dtype=dtype, device=device)
        self._bends = bool(equation.curved)
        middle = self.place(torch.full((1, spec.coordinates), 0.5, dtype=dtype, device=device))
        self.ansatz: Ansatz = _ansatz(spec, self.known(middle).features.value.shape[1])

    def place(self, unit_ND: Tensor) -> Tensor:
        """Bring points of the unit cube to the equation's box."""
        low_D, high_D = (unit_ND.new_tensor(side) for side in zip(*self.equation.box, strict=True))
        return low_D + (high_D - low_D) * unit_ND

    def known(self, x_ND: Tensor) -> Known:
        """Work out what does not depend on the parameters."""
        if self._modes is not None:
            features, envelope = self.equation.waves(x_ND, self._modes), None
        else:
            features, envelope = self.equation.features(x_ND), self.equation.envelope(x_ND)
        lift = self.equation.lift(x_ND)
        if self._bends:
            return Known(features, envelope, lift)
        envelope, lift = (None if part is None else part._replace(bend=None) for part in (envelope, lift))
        return Known(features._replace(bend=None), envelope, lift)

    def at(self, params_P: Tensor, known: Known) -> Jet:
        """Return u [N, 1] with its derivatives, where the known parts have them."""
        free = self.ansatz.forward(self.ansatz.layout.parts(params_P), known.features, self._curved_D)
        if known.envelope is not None:
            free = multiply(known.envelope, free, self._curved_D)
        return free if known.lift is None else add(known.lift, free)


def _ansatz(spec: PdeSpec, features: int) -> Ansatz:
    if isinstance(spec.ansatz, SinesAnsatz):
        return Series(features)
    width, blocks = SIZES[spec.coordinates]
    given = spec.ansatz
    return ResidualNetwork(
        features, width if given.width is None else given.width, blocks if given.blocks is None else given.blocks
    )
