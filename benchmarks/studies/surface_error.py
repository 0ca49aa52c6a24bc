"""Whether a surface's estimated error can be trusted: at every tile, how many cells lie within it.

Twenty-six planes: networks as they start and after training, three extents; and beside them two functions that ripple
more finely than coarse grids can see. At every tile the picture that a page would draw, at 33×33, is compared with the
finished surface. A first pass on a part of the examples is made wherever there are
enough for one, though the app spares it where all of them take no time.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from backend.core.analyses.base import Moment
from backend.core.analyses.surface import draw_surface
from backend.core.geometry import refinement
from backend.core.geometry.fit import fit_plane
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Problem
from backend.schemas.analysis import CoordinatePlane, RandomPlane, SurfaceAnalysis
from backend.schemas.events import SurfaceTile
from backend.schemas.problem import DataProblem, FunctionProblem
from backend.schemas.problem.data import BlobsData, BreastCancerData, DigitsData, MoonsData, SpiralsData, WineData
from backend.schemas.problem.function import AckleyFunction, RastriginFunction
from backend.schemas.problem.loss import MseLoss
from backend.schemas.problem.model import CnnModel, MlpModel, ResNetModel
from benchmarks.picture import drawn
from benchmarks.record import machine

RESULT: Final = Path(__file__).parent / "results" / "surface_error.json"
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
STEPS: Final = 200


def moments(problem: Problem, seed: int) -> tuple[Moment, Moment]:
    """Return the start, and where 200 steps of Adam lead."""
    params_P, buffers_B = problem.params0(seed)
    start, data = Moment(0, params_P, buffers_B.clone()), problem.train
    if data is None:
        return start, Moment(STEPS, params_P, buffers_B)
    theta = params_P.clone().requires_grad_()
    rule, generator = torch.optim.Adam([theta], lr=0.01), torch.Generator().manual_seed(seed)
    for _ in range(STEPS):
        batch = torch.randint(len(data), (min(64, len(data)),), generator=generator)
        rule.zero_grad()
        problem.batch_loss(theta, buffers_B, data.x[batch], data.y[batch]).backward()
        rule.step()
    return start, Moment(STEPS, theta.detach(), buffers_B)


def trusted(
    problem: Problem, moment: Moment, extent: float, seed: int, spec: RandomPlane | CoordinatePlane
) -> dict[str, Any]:
    """Draw one surface, and compare each picture on the way with the last.

    Returns:
        The least share of cells within the estimated error, and the largest ratio of a cell's true error to it.
    """
    plane = fit_plane(spec, problem, moment, (), seed, extent=extent)
    if plane is None:
        raise RuntimeError("expected a plane, got none")
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


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches and planes")
    seed = parser.parse_args().seed
    refinement.CHEAP = 0  # type: ignore[misc]
    found = []
    for number, (name, spec) in enumerate(NETWORKS.items()):
        problem = build_problem(spec, torch.float32, torch.device("cpu"))
        for moment in moments(problem, seed):
            extent = (1.0, 0.5, 1.5)[number % 3]
            row = {
                "network": name,
                "step": moment.step,
                "extent": extent,
                **trusted(problem, moment, extent, seed, RandomPlane()),
            }
            print(row, flush=True)
            found.append(row)
    rippled = []
    for function in (RastriginFunction(), AckleyFunction()):
        problem = build_problem(FunctionProblem(function=function), torch.float32, torch.device("cpu"))
        start = Moment(0, *problem.params0(seed))
        rippled.append({"function": function.kind, **trusted(problem, start, 1.0, seed, CoordinatePlane())})
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
