"""How far a trial function is from the solution, and where training takes its points.

Shapes: N points, D coordinates, P parameters.
"""

from typing import Final

import torch
from torch import Generator, Tensor

from backend.core.problems.pde.lattice import lattice
from backend.core.problems.pde.trial import Trial
from backend.core.problems.problem import Chart, Data, Section

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
        u_N1 = self._trial.at(params_P, self._shown).value
        return Section(self._line_N, u_N1[:, 0], self._shown_N1[:, 0], self._trial.equation.section_of)

    @torch.no_grad()
    def chart(self, params_P: Tensor, resolution: int) -> Chart | None:
        """Return u and u* on the first two coordinates, the others in the middle; None where there is one only."""
        coordinates = self._trial.coordinates
        if coordinates < 2:
            return None
        side_n = self._placed(torch.linspace(0, 1, resolution, dtype=torch.float64))
        pairs = torch.cartesian_prod(side_n, side_n)
        middle = torch.full((len(pairs), coordinates - 2), 0.5, dtype=self._dtype, device=self._device)
        x_ND = self._trial.place(torch.cat([pairs, middle], 1))
        known = self._trial.known(x_ND).values_alone()
        shape = (resolution, resolution)
        u_nm, exact_nm = (
            column.view(shape) for column in (self._trial.at(params_P, known).value, self._trial.equation.exact(x_ND))
        )
        labels = self._trial.equation.labels
        x_nm2 = x_ND[:, :2].view(*shape, 2)
        return Chart((labels[0], labels[1]), x_nm2[:, 0, 0], x_nm2[0, :, 1], u_nm, exact_nm)

    def _placed(self, values: Tensor) -> Tensor:
        return values.to(self._dtype).to(self._device)  # rounded before it travels: not every device knows float64
