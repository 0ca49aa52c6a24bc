"""The three ways to a plane: the analysis that the app runs, a loop in place, and loss-landscapes.

Shapes: P parameters.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from backend.core.analyses.base import Moment
from backend.core.analyses.surface import draw_surface
from backend.core.geometry.fit import fit_plane
from backend.core.geometry.grid import coordinates
from backend.core.geometry.plane import Plane
from backend.core.geometry.recall import forget
from backend.core.problems.build import build_model, build_splits
from backend.core.problems.losses import build_criterion
from backend.core.problems.network import NetworkProblem
from backend.core.problems.splits import Examples, Splits
from backend.schemas.analysis import RandomPlane, SurfaceAnalysis
from backend.schemas.events import SurfaceTile
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.loss import CrossEntropyLoss
from backend.schemas.problem.model import AnyModel, CnnModel, MlpModel

Matrix = NDArray[np.float64]
RESOLUTION: Final = 33
SIDE: Final = 28  # pixels of an enlarged digit
STEPS: Final = 150  # of Adam, before a plane is laid


@dataclass(frozen=True)
class Case:
    """A network on data, and how much faster we mean to be."""

    name: str
    model: AnyModel
    enlarged: bool
    goal: float


def enlarged(splits: Splits, examples: int, seed: int) -> Splits:
    """Make digits of 28×28 pixels, each 3.5 times as large, with noise, as many as asked for."""
    generator = np.random.default_rng(seed)
    chosen = np.arange(examples) % len(splits.train)
    side = (np.arange(SIDE) * 8) // SIDE
    images = splits.train.x_NF.reshape(-1, 8, 8)[chosen][:, side][:, :, side].reshape(examples, -1)
    return Splits(Examples(images + 0.2 * generator.normal(size=images.shape), splits.train.y[chosen]), None)


def problem_of(model: AnyModel, splits: Splits, dtype: torch.dtype) -> NetworkProblem:
    """Build a network on digits as they are or enlarged."""
    criterion = build_criterion(CrossEntropyLoss(), 10)
    network = build_model(model, DigitsData(), splits.train.x_NF.shape[1], criterion.outputs)
    return NetworkProblem(network, criterion, splits, 10, dtype, torch.device("cpu"))


def trained(problem: NetworkProblem, seed: int) -> Moment:
    """Train for a while, so that the plane goes through a place worth looking at."""
    params_P, buffers_B = problem.params0(seed)
    theta, data = params_P.clone().requires_grad_(), problem.train
    if data is None:
        raise ValueError("expected a problem with training data")
    rule, generator = torch.optim.Adam([theta], lr=3e-3), torch.Generator().manual_seed(seed)
    for _ in range(STEPS):
        batch = torch.randint(len(data), (128,), generator=generator)
        rule.zero_grad()
        problem.batch_loss(theta, buffers_B, data.x[batch], data.y[batch]).backward()
        rule.step()
    return Moment(STEPS, theta.detach(), buffers_B)


def module_of(model: AnyModel, features: int) -> nn.Sequential:
    """Build the network as PyTorch's own modules."""
    layers: list[nn.Module] = []
    if isinstance(model, CnnModel):
        depth, side = 1, 8
        for wide in model.channels:
            layers += [nn.Conv2d(depth, wide, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2)]
            depth, side = wide, side // 2
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(depth * side * side, 10))
    if not isinstance(model, MlpModel):
        raise ValueError(f"expected an MLP or a CNN, got {model.kind}")
    for wide in model.hidden:
        layers += [nn.Linear(features, wide), nn.Tanh() if model.activation == "tanh" else nn.ReLU()]
        features = wide
    return nn.Sequential(*layers, nn.Linear(features, 10))


class Contest:
    """One case, three ways; each returns the losses [a, b] of a resolution."""

    def __init__(self, case: Case, seed: int) -> None:
        digits = build_splits(DigitsData(examples=1500))
        splits = enlarged(digits, 4096, seed) if case.enlarged else digits
        self.problem = problem_of(case.model, splits, torch.float32)
        plane = fit_plane(RandomPlane(), self.problem, trained(self.problem, seed), (), seed)
        data = self.problem.train
        if plane is None or data is None:
            raise RuntimeError("expected a random plane and examples, got none")
        self.plane: Plane = plane
        self.x, self.y = data.x, data.y
        self._modules = [module_of(case.model, splits.train.x_NF.shape[1]) for _ in range(3)]

    def tiles(self, resolution: int) -> Iterator[SurfaceTile]:
        """Draw as the app does."""
        forget()
        spec = SurfaceAnalysis.model_validate({"resolution": resolution})
        for event in draw_surface(self.problem, self.plane, spec, tune=True):
            if isinstance(event, SurfaceTile):
                yield event

    def ours(self, resolution: int = RESOLUTION) -> Matrix:
        """Draw to the end."""
        *_, last = self.tiles(resolution)
        return last.loss.astype(np.float64)

    @torch.no_grad()
    def loop(self, resolution: int = RESOLUTION) -> Matrix:
        """Overwrite the weights at every point."""
        module, plane = self._modules[0], self.plane
        parts = [_parts(module, vector_P) for vector_P in (plane.origin.params_P, plane.u_P, plane.v_P)]
        tensors, axis = list(module.parameters()), coordinates(resolution, 1.0).tolist()
        losses = np.empty((resolution, resolution))
        for i, a in enumerate(axis):
            for j, b in enumerate(axis):
                for tensor, origin, u, v in zip(tensors, *parts, strict=True):
                    tensor.copy_(origin).add_(u, alpha=a).add_(v, alpha=b)
                losses[i, j] = cross_entropy(module(self.x), self.y).item()
        return losses

    @torch.no_grad()
    def loss_landscapes(self, resolution: int = RESOLUTION) -> Matrix:
        """Let the package do it: from one corner, one step of the grid at a time."""
        from loss_landscapes import planar_interpolation
        from loss_landscapes.metrics import Loss

        plane, reach = self.plane, 2 * resolution / (resolution - 1)
        corner_P = plane.origin.params_P - plane.u_P - plane.v_P
        ends = (corner_P, corner_P + reach * plane.u_P, corner_P + reach * plane.v_P)
        for module, params_P in zip(self._modules, ends, strict=True):
            nn.utils.vector_to_parameters(params_P.clone(), module.parameters())
        metric = Loss(cross_entropy, self.x, self.y)
        found: Matrix = planar_interpolation(*self._modules, metric, steps=resolution)
        return found


def _parts(module: nn.Module, vector_P: Tensor) -> list[Tensor]:
    sizes = [tensor.numel() for tensor in module.parameters()]
    return [part.view_as(p) for part, p in zip(vector_P.split(sizes), module.parameters(), strict=True)]


def verify(contest: Contest, resolution: int = 9) -> float:
    """Check that all three give one surface.

    Returns:
        The largest difference, as a share of the range.

    Raises:
        RuntimeError: where it is above 1e-5.
    """
    ours, loop, other = contest.ours(resolution), contest.loop(resolution), contest.loss_landscapes(resolution)
    worst = float(np.abs(ours - loop).max())
    worst = max(worst, float(np.abs(other[1::2] - ours[1::2]).max()))
    worst = max(worst, float(np.abs(other[::2, :-1] - ours[::2, 1:]).max())) / float(np.ptp(loop))
    if not worst <= 1e-5:
        raise RuntimeError(f"expected one surface within 1e-5 of the range, got a difference of {worst}")
    return worst
