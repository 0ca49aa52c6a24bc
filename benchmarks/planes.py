"""Whole 33×33 planes, and the time to a picture that can be trusted, against a loop in place and loss-landscapes.

Our side is the analysis that the app runs, from its first tile to its last, in the same process. The loop is what a
person would write with plain PyTorch: the model's weights overwritten at every point, all examples in one pass.
loss-landscapes evaluates every other column one step further on; its values are compared at the points it evaluates.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

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
from backend.core.problems.build import build_criterion, build_model, build_splits
from backend.core.problems.network import NetworkProblem
from backend.core.problems.splits import Examples, Splits
from backend.jobs.machine import cores
from backend.schemas.analysis import RandomPlane, SurfaceAnalysis
from backend.schemas.events import SurfaceTile
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.loss import CrossEntropyLoss
from backend.schemas.problem.model import AnyModel, CnnModel, MlpModel
from benchmarks.peers import find_peers
from benchmarks.record import Figure, faster, in_turn, write

Matrix = NDArray[np.float64]
RESOLUTION: Final = 33
SIDE: Final = 28  # pixels of an enlarged digit
WITHIN: Final = 0.02  # of the range
STEPS: Final = 150  # of Adam, before a plane is laid
LARGE: Final = 1_000_000  # parameters, at least, of the network whose memory is measured


@dataclass(frozen=True)
class Case:
    """A network on data, and how much faster we mean to be."""

    name: str
    model: AnyModel
    enlarged: bool
    goal: float


CASES: Final = (
    Case("MLP 784-128-10, 4,096 examples", MlpModel(hidden=(128,), activation="relu"), True, 15.0),
    Case("small CNN on digits", CnnModel(channels=(8, 16)), False, 1.3),
    Case("tanh MLP 64-128-128-10 on digits", MlpModel(hidden=(128, 128), activation="tanh"), False, 1.5),
    Case("ReLU MLP 64-128-128-10 on digits", MlpModel(hidden=(128, 128), activation="relu"), False, 1.2),
)
PICTURES: Final = CASES[:1]


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
    rule, generator = torch.optim.Adam([theta], lr=3e-3), torch.Generator().manual_seed(seed)
    for _ in range(STEPS if data is not None else 0):
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


def drawn(tiles: list[SurfaceTile], resolution: int = RESOLUTION) -> Matrix:
    """Draw what has come: straight lines where no tile has told anything, as the page does."""
    axis = coordinates(resolution, 1.0).astype(np.float32)
    picture = np.full((resolution, resolution), np.nan)
    known = np.zeros_like(picture, dtype=bool)
    for tile in tiles:
        where = np.ix_(np.searchsorted(axis, tile.a), np.searchsorted(axis, tile.b))
        picture[where], known[where] = tile.loss, True
    step = (resolution - 1) // 4
    while step > 1:
        half = step // 2
        for picture_, known_ in ((picture, known), (picture.T, known.T)):
            across = slice(None, None, step) if picture_ is picture else slice(None, None, half)
            straight = (picture_[across, :-1:step] + picture_[across, step::step]) / 2
            middle = (across, slice(half, None, step))
            picture_[middle] = np.where(known_[middle], picture_[middle], straight)
        step = half
    return picture


def seconds_to_trust(contest: Contest, whole: Matrix) -> float:
    """Time until the picture says that it is within 2 % of the range, and check that every cell is.

    Raises:
        RuntimeError: where it never says so, or a cell is not.
    """
    began, tiles = time.perf_counter(), []
    for tile in contest.tiles(RESOLUTION):
        tiles.append(tile)
        if (tile.bound is not None and tile.bound <= WITHIN) or tile.final:
            seconds = time.perf_counter() - began
            off = float(np.abs(drawn(tiles) - whole).max() / np.ptp(whole))
            if off > WITHIN:
                raise RuntimeError(f"expected every cell within {WITHIN} of the range, got one that is {off} off")
            return seconds
    raise RuntimeError("expected a last tile, got none")


def megabytes() -> float:
    """Measure the memory that drawing a 65×65 surface takes at its peak, in a process of its own."""
    found = subprocess.run([sys.executable, "-m", "benchmarks.planes", "--memory"], check=True, capture_output=True)
    return float(found.stdout.split()[-1])


def draw_large() -> None:
    """Draw the surface, and print the process's peak in megabytes."""
    splits = enlarged(build_splits(DigitsData(examples=512)), 512, 0)
    problem = problem_of(MlpModel(hidden=(1000, 260)), splits, torch.float32)
    if problem.layout.size < LARGE:
        raise RuntimeError(f"expected at least {LARGE} parameters, got {problem.layout.size}")
    plane = fit_plane(RandomPlane(), problem, Moment(0, *problem.params0(0)), (), 0)
    if plane is not None:
        list(draw_surface(problem, plane, SurfaceAnalysis(resolution=65), tune=True))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measured(asked: argparse.Namespace) -> tuple[list[Figure], dict[str, Any]]:
    """Run all cases.

    Returns:
        The figures, and the largest difference of the sides' surfaces by case.
    """
    figures, differences = [], {}
    for case in CASES:
        contest = Contest(case, asked.seed)
        differences[case.name] = verify(contest)
        sides: dict[str, Callable[[], object]] = {
            "ours": contest.ours,
            "loop": contest.loop,
            "loss-landscapes": contest.loss_landscapes,
        }
        if case in PICTURES:
            whole = contest.loop()
            sides["ours, until within 2 %"] = lambda contest=contest, whole=whole: seconds_to_trust(contest, whole)
        samples = in_turn(sides, asked.repeats)
        print(case.name, {name: round(statistics.median(values), 3) for name, values in samples.items()})
        what = f"33×33 plane, {case.name}, against the faster of a loop in place and loss-landscapes"
        figures.append(faster(what, samples, "ours", ("loop", "loss-landscapes"), case.goal))
        if case in PICTURES:
            what = f"until every cell of 33×33 is within 2 % of the range and it says so, {case.name}, against the loop"
            figures.append(faster(what, samples, "ours, until within 2 %", ("loop",), 8.0))
    return figures, differences


def main() -> None:
    """Verify, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each side (default %(default)s)")
    parser.add_argument("--threads", type=int, default=cores(), help="of all sides (default: all cores)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches, noise and planes")
    parser.add_argument("--memory", action="store_true", help="only draw the large surface and print its peak memory")
    asked = parser.parse_args()

    torch.set_num_threads(asked.threads)
    if asked.memory:
        draw_large()
        return
    peers = find_peers("loss-landscapes")
    figures, differences = measured(asked)
    peak = megabytes()
    what = "peak memory of a process that draws a 65×65 surface of an MLP with 1.05 million parameters"
    figures.append(Figure(what, peak, "MB", 1000.0, {"MB": [peak]}))
    write(
        "planes", "Planes, and the time to a picture", figures,
        seed=asked.seed, threads=asked.threads, largest_difference=differences, peers=peers,
    )  # fmt: skip


if __name__ == "__main__":
    main()
