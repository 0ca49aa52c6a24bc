"""A differential equation and a trial function as a problem.

Shapes: N points, D coordinates, P parameters, B = 0 buffer values, C outputs.
"""

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from backend.core.problems.model import Model
from backend.core.problems.params import Layout
from backend.core.problems.pde.advection import Advection
from backend.core.problems.pde.equation import Equation
from backend.core.problems.pde.heat import Heat
from backend.core.problems.pde.lattice import lattice
from backend.core.problems.pde.poisson import Poisson
from backend.core.problems.pde.solution import KnownSolution
from backend.core.problems.pde.trial import Trial
from backend.core.problems.problem import BatchNormPolicy, Data, Solution, View
from backend.core.runtime.seeding import generator
from backend.schemas.problem.pde import AdvectionPde, AnyPde, HeatPde, PoissonPde


class DifferentialEquation:
    """L(θ) = the equation's loss of u_θ, a mean over fixed points of its box.

    With new points at each step only training sees them (``solution.draw``); what is analysed is always the loss on the
    fixed ones.
    """

    test: Data | None = None
    classes: int | None = None
    view: View | None = None
    image: tuple[int, int, int] | None = None
    model: Model | None = None  # its loss asks for derivatives by the inputs, too

    def __init__(self, spec: AnyPde, dtype: torch.dtype, device: torch.device) -> None:
        self.dtype, self.device = dtype, device
        self._equation = equation_of(spec)
        self._trial = Trial(spec, self._equation, dtype, device)
        self.layout, self.buffer_layout = self._trial.ansatz.layout, Layout(())
        # In one random order, so that the front of the points is a random sample of them.
        unit_ND = np.random.default_rng(0).permutation(lattice(spec.points, spec.coordinates))
        x_ND = self._trial.place(torch.from_numpy(unit_ND).to(dtype).to(device))
        self._train = Data(x_ND, self._equation.source(x_ND))
        self._ready = self._trial.known(x_ND)
        self.train: Data | None = self._train
        fresh = spec.sampling == "random"
        self.solution: Solution | None = KnownSolution(self._trial, spec.points, fresh, dtype, device)

    def params0(self, seed: int) -> tuple[Tensor, Tensor]:
        """Draw the initial point from the seed's stream ``init``: parameters [P] and no buffers."""
        params_P = self._trial.ansatz.initial(generator(seed, "init"))
        return params_P.to(self.dtype).to(self.device), torch.empty(0, dtype=self.dtype, device=self.device)

    def batch_loss(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Mean over a batch of points."""
        return self.criterion(self.outputs(params_P, buffers_B, x), y)

    def loss(
        self, params_P: Tensor, buffers_B: Tensor, data: Data | None = None, batchnorm: BatchNormPolicy = "frozen"
    ) -> Tensor:
        """Mean over points (None: all the fixed ones)."""
        data = self._train if data is None else data
        return self.criterion(self.outputs(params_P, buffers_B, data.x), data.y)

    def outputs(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, batchnorm: BatchNormPolicy = "frozen") -> Tensor:
        """What of u the loss is made of [N, C]: the equation's left-hand side, or u and ∇u."""
        known = self._ready if x is self._train.x else self._trial.known(x)
        return self._equation.outputs(self._trial.at(params_P, known))

    def criterion(self, outputs: Tensor, y: Tensor) -> Tensor:
        """The loss of outputs [N, C], given the right-hand side [N, 1]."""
        return self._equation.criterion(outputs, y)

    def each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """The loss of every point alone [N]."""

        def alone(outputs_C: Tensor, y_1: Tensor) -> Tensor:
            return self.criterion(outputs_C[None], y_1[None])

        return vmap(alone)(outputs, y)

    def accuracy(self, params_P: Tensor, buffers_B: Tensor, data: Data) -> float | None:
        """None: nothing is classified."""
        return None

    @torch.no_grad()
    def evaluate(self, params_P: Tensor, buffers_B: Tensor, data: Data) -> tuple[float, float | None]:
        """The loss, and None for the accuracy."""
        return float(self.loss(params_P, buffers_B, data)), None

    def check_deterministic(self) -> str | None:
        """Return None: the points of the loss are fixed, whatever points training takes."""
        return None


def equation_of(spec: AnyPde) -> Equation:
    """Build the equation of a spec."""
    match spec:
        case PoissonPde():
            return Poisson(spec)
        case AdvectionPde():
            return Advection(spec)
        case HeatPde():
            return Heat(spec)
