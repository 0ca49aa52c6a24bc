"""Whether a surface's estimated error can be trusted: at every tile, how many cells lie within it.

Planes of every kind: random ones of networks as they start and after training, at three extents, with each
normalisation; of principal components, of eigenvectors, of the gradient and an eigenvector, through three points; of
networks with BatchNorm by each of its policies; and beside them two functions that ripple more finely than coarse grids
can see. At every tile the picture that a page would draw, at 33×33, is compared with the finished surface. A first pass
on a part of the examples is made wherever there are enough for one, though the app spares it where all of them take no
time.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any, Final

import numpy as np
import torch

from backend.core.analyses.base import Context, Moment, Path, Point
from backend.core.analyses.places import lay_plane
from backend.core.analyses.surface import draw_surface
from backend.core.geometry import refinement
from backend.core.geometry.plane import Plane
from backend.core.problems.build import build_problem
from backend.core.problems.problem import BatchNormPolicy, Problem
from backend.schemas.analysis import (
    AnyPlane,
    CoordinatePlane,
    EigenPlane,
    GradientEigenPlane,
    PcaPlane,
    RandomPlane,
    SurfaceAnalysis,
    ThreePointsPlane,
)
from backend.schemas.events import ResolvedPoint, SurfaceTile
from backend.schemas.problem import DataProblem, FunctionProblem
from backend.schemas.problem.data import BlobsData, BreastCancerData, DigitsData, MoonsData, SpiralsData, WineData
from backend.schemas.problem.function import AckleyFunction, RastriginFunction
from backend.schemas.problem.loss import MseLoss
from backend.schemas.problem.model import CnnModel, MlpModel, ResNetModel
from benchmarks.picture import drawn
from benchmarks.record import machine

RESULT: Final = File(__file__).parent / "results" / "surface_error.json"
DIGITS: Final = DigitsData(examples=800)
FEW: Final = DigitsData(examples=520)
NETWORKS: Final[dict[str, DataProblem]] = {
    "linear": DataProblem(data=DIGITS, model=MlpModel(hidden=())),
    "tanh 32-32": DataProblem(data=DIGITS, model=MlpModel(hidden=(32, 32))),
    "relu 32-32": DataProblem(data=DIGITS, model=MlpModel(hidden=(32, 32), activation="relu")),
    "relu 24-24-24-24": DataProblem(data=DIGITS, model=MlpModel(hidden=(24,) * 4, activation="relu")),
    "gelu 32, squared error": DataProblem(data=DIGITS, model=MlpModel(hidden=(32,), activation="gelu"), loss=MseLoss()),
    "cnn": DataProblem(data=FEW, model=CnnModel(channels=(4, 8))),
    "cnn, BatchNorm": DataProblem(data=FEW, model=CnnModel(channels=(4, 8), norm="batch")),
    "resnet, GroupNorm": DataProblem(data=FEW, model=ResNetModel(channels=(4, 6), groups=2)),
    "wine, tanh 16": DataProblem(data=WineData(examples=120, standardize=True), model=MlpModel(hidden=(16,))),
    "cancer, relu 16": DataProblem(
        data=BreastCancerData(examples=400, standardize=True), model=MlpModel(hidden=(16,), activation="relu")
    ),
    "spirals, tanh 16-16": DataProblem(data=SpiralsData(examples=600), model=MlpModel(hidden=(16, 16))),
    "moons, relu 8-8": DataProblem(data=MoonsData(examples=600), model=MlpModel(hidden=(8, 8), activation="relu")),
    "blobs, silu 12": DataProblem(data=BlobsData(examples=600), model=MlpModel(hidden=(12,), activation="silu")),
}
STEPS, KEPT_EVERY = 200, 20


def course(problem: Problem, seed: int) -> list[Moment]:
    """Return the start and every twentieth of 200 steps of Adam; of a function, which is not trained, its start."""
    params_P, buffers_B = problem.params0(seed)
    kept, data = [Moment(0, params_P, buffers_B.clone())], problem.train
    if data is None:
        return kept
    theta = params_P.clone().requires_grad_()
    rule, generator = torch.optim.Adam([theta], lr=0.01), torch.Generator().manual_seed(seed)
    for step in range(1, STEPS + 1):
        batch = torch.randint(len(data), (min(64, len(data)),), generator=generator)
        rule.zero_grad()
        problem.batch_loss(theta, buffers_B, data.x[batch], data.y[batch]).backward()
        rule.step()
        if step % KEPT_EVERY == 0:
            kept.append(Moment(step, theta.detach().clone(), buffers_B.clone()))
    return kept


def laid(
    problem: Problem, spec: AnyPlane, points: list[Point], extent: float, seed: int, batchnorm: BatchNormPolicy
) -> Plane:
    """Lay a plane as an analysis does."""
    work = lay_plane(problem, spec, points, Context(seed=seed), extent=extent, batchnorm=batchnorm)
    while True:
        try:
            next(work)
        except StopIteration as end:
            plane: Plane = end.value
            return plane


def trusted(problem: Problem, plane: Plane, extent: float) -> dict[str, Any]:
    """Draw one surface, and compare each picture on the way with the last.

    Returns:
        The least share of cells within the estimated error, and the largest ratio of a cell's true error to it.
    """
    events = draw_surface(problem, plane, SurfaceAnalysis(resolution=33, extent=extent))
    tiles = [event for event in events if isinstance(event, SurfaceTile)]
    whole, shares, ratios = drawn(tiles, extent=extent), [], []
    for count in range(1, len(tiles)):
        picture, bound = drawn(tiles[:count], extent=extent), tiles[count - 1].bound
        known = picture[np.isfinite(picture)]
        # Tiles of one round come one by one, and each tells the error of the round.
        if bound is None or (tiles[count].bound == bound and not tiles[count].final):
            continue
        slack = bound * float(np.ptp(known))
        off = np.abs(picture - whole)
        shares.append(float((off <= slack + 1e-6 * np.ptp(whole)).mean()))
        ratios.append(float(off.max() / slack))
    return {"pictures": len(shares), "share_within": min(shares), "worst_ratio": max(ratios)}


def surfaces(number: int, name: str, spec: DataProblem, seed: int) -> Iterator[dict[str, Any]]:
    """Measure all planes of one network."""
    problem = build_problem(spec, torch.float32, torch.device("cpu"))
    paths = [Path("Adam", k, tuple(course(problem, seed + 100 * k))) for k in range(3)]
    ends = [Point(ResolvedPoint(step=STEPS), path.moments[-1], (path,)) for path in paths]
    start = Point(ResolvedPoint(step=0), paths[0].moments[0])
    asked: list[tuple[AnyPlane, list[Point], float, BatchNormPolicy]] = [
        (RandomPlane(), [start], (1.0, 0.5, 1.5)[number % 3], "frozen"),
        (RandomPlane(), ends[:1], (1.0, 0.5, 1.5)[number % 3], "frozen"),
        (RandomPlane(normalization="layer", bias="copy"), ends[:1], 2.0, "frozen"),
        (PcaPlane(), ends[:2], 1.0, "frozen"),
        (EigenPlane(), ends[:1], 2.0, "frozen"),
        (GradientEigenPlane(), ends[:1], 1.0, "frozen"),
        (ThreePointsPlane(), ends, 1.0, "frozen"),
    ]
    if problem.buffer_layout.size:
        asked += [(RandomPlane(), ends[:1], 1.0, "batch"), (ThreePointsPlane(), ends, 1.0, "reestimated")]
    for plane, points, extent, policy in asked:
        yield {
            "network": name,
            "plane": plane.kind,
            "normalization": getattr(plane, "normalization", None),
            "batchnorm": policy,
            "step": points[0].moment.step,
            "extent": extent,
            **trusted(problem, laid(problem, plane, points, extent, seed, policy), extent),
        }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches and planes")
    seed = parser.parse_args().seed
    refinement.CHEAP = 0  # type: ignore[misc]
    found = []
    for number, (name, spec) in enumerate(NETWORKS.items()):
        for row in surfaces(number, name, spec, seed):
            print(row, flush=True)
            found.append(row)
    rippled = []
    for function in (RastriginFunction(), AckleyFunction()):
        problem = build_problem(FunctionProblem(function=function), torch.float32, torch.device("cpu"))
        start = [Point(ResolvedPoint(step=0), course(problem, seed)[0])]
        plane = laid(problem, CoordinatePlane(), start, 1.0, seed, "frozen")
        rippled.append({"function": function.kind, **trusted(problem, plane, 1.0)})
        print(rippled[-1], flush=True)
    summary = {
        "planes": len(found),
        "pictures": sum(row["pictures"] for row in found),
        "planes_with_99_percent_within_at_every_picture": sum(row["share_within"] >= 0.99 for row in found),
        "least_share_within": min(row["share_within"] for row in found),
        "worst_ratio": max(row["worst_ratio"] for row in found),
    }
    print(summary)
    RESULT.parent.mkdir(exist_ok=True)
    text = json.dumps(
        {"seed": seed, "machine": machine(), "summary": summary, "planes": found, "ripples": rippled}, indent=1
    )
    RESULT.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
