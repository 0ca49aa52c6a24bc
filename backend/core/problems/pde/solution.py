"""How far a trial function is from the solution, and where training takes its points.

Shapes: N points, D coordinates, P parameters.
"""

from typing import Final

import torch
from torch import Generator, Tensor

from backend.core.problems.pde.lattice import lattice
from backend.core.problems.pde.trial import Trial
from backend.core.problems.problem import Data, Section

CHECKED: Final = 4096  # points of the relative error
SHOWN: Final = 101  # points of the section


class KnownSolution:
    """What is known of an equation beside its loss.

    Args:
        trial: what is fitted.
        points: as many are drawn at a step.
        fresh: whether they are new ones at each step.
        dtype: number format.
        device: where all this lives.
    """

    def __init__(self, trial: Trial, points: int, fresh: bool, dtype: torch.dtype, device: torch.device) -> None:
        self._trial, self._points, self._fresh, self._dtype, self._device = trial, points, fresh, dtype, device
        x_ND = trial.place(self._placed(torch.from_numpy(lattice(CHECKED, trial.coordinates))))
        self._checked, self._exact_N1 = trial.known(x_ND).values_alone(), trial.equation.exact(x_ND)
        self._line_N = self._placed(torch.linspace(0, 1, SHOWN, dtype=torch.float64))
        line_ND = trial.equation.section(self._line_N)
        self._shown, self._shown_N1 = trial.known(line_ND).values_alone(), trial.equation.exact(line_ND)

    def draw(self, count: int | None, generator: Generator) -> Data | None:
        """Draw new points, uniform on the box (None: as many as the equation asks for); None for fixed points."""
        if not self._fresh:
            return None
        size = self._points if count is None else count
        unit_ND = torch.rand(size, self._trial.coordinates, generator=generator, dtype=torch.float64)
        x_ND = self._trial.place(self._placed(unit_ND))
        return Data(x_ND, self._trial.equation.source(x_ND))

    @torch.no_grad()
    def error(self, params_P: Tensor) -> float:
        """‖u − u*‖/‖u*‖, both norms root mean squares over a lattice of 4,096 points."""
        off_N1 = self._trial.at(params_P, self._checked).value - self._exact_N1
        return float(torch.linalg.vector_norm(off_N1) / torch.linalg.vector_norm(self._exact_N1))

    @torch.no_grad()
    def section(self, params_P: Tensor) -> Section:
        """Return u and u* along a line through the box."""
        return Section(self._line_N, self._trial.at(params_P, self._shown).value[:, 0], self._shown_N1[:, 0])

    def _placed(self, values: Tensor) -> Tensor:
        return values.to(self._dtype).to(self._device)  # rounded before it travels: not every device knows float64
