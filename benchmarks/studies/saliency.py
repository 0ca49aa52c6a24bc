"""What maps of saliency look at and hang on: block digits, redrawn weights, another class, retraining.

Block digits: an MLP 128-64-2 with ReLU tells 0 from 1, the digit above or below a square that is the same for both
(*standard*), the same trained on inputs moved by up to 0.6 (L2) where they hurt most (*robust*), and one whose digit is
always above (*fixed*); the share of |map| on the digit, of 64 test examples, and DiffROAR of the gradient and of maps
drawn at random. Redrawn weights and another class: a network of three convolutions on digits of 32×32, 32 test
examples; Spearman's correlation of |map| as layers are redrawn from the top, and Pearson's with the next class. CF-CAM
goes through its softmax, as published.
"""

import json
import math
from typing import Any, Final

import torch
from torch import Tensor

from backend.core.analyses.base import Moment
from backend.core.curvature.eigenpairs import finish
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Data, Problem
from backend.core.saliency import trust
from backend.schemas.analysis.saliency import Method, SaliencyAnalysis
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import BlockDigitsData, LargeDigitsData
from backend.schemas.problem.model import CnnModel, MlpModel
from benchmarks.record import machine
from benchmarks.studies.edge_of_stability import RESULTS as FOLDER

RESULTS: Final = FOLDER / "saliency.json"
SEEDS: Final = (0, 1, 2, 3)
MLP: Final = MlpModel(hidden=(64,), activation="relu")
RANDOM_PLACE: Final = DataProblem(data=BlockDigitsData(), model=MLP)
ONE_PLACE: Final = DataProblem(data=BlockDigitsData(place="above"), model=MLP)
PICTURES: Final = DataProblem(data=LargeDigitsData(), model=CnnModel(channels=(8, 16, 32)))
BLOCKS: Final = {"standard": (RANDOM_PLACE, 0.0), "robust": (RANDOM_PLACE, 0.6), "fixed": (ONE_PLACE, 0.0)}
ON_BLOCKS: Final[tuple[Method, ...]] = (
    "gradient", "smoothgrad", "gradient_x_input", "integrated_gradients", "occlusion",
)  # fmt: skip
ON_PICTURES: Final[tuple[Method, ...]] = (
    "gradient", "smoothgrad", "grad_cam", "integrated_gradients", "guided_backprop", "deconvnet", "cf_cam",
)  # fmt: skip
ATTACK: Final = 5  # steps, each of a third of the radius
SPEC: Final = SaliencyAnalysis(samples=20, weighting="softmax")


def front(data: Data | None, count: int) -> Data:
    """Return a split's first examples."""
    if data is None:
        raise ValueError("expected a problem on data")
    inside = None if data.inside is None else data.inside[:count]
    return Data(data.x[:count], data.y[:count], inside)


def train(problem: Problem, seed: int, steps: int, radius: float = 0.0, lr: float = 0.003) -> Moment:
    """Train with Adam on batches of 64, moved within a ball where they hurt most if it has a radius."""
    start_P, buffers_B = problem.params0(seed)
    params_P, data = start_P.clone().requires_grad_(), front(problem.train, 10_000)
    rule, draw = torch.optim.Adam([params_P], lr=lr), torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = torch.randperm(len(data), generator=draw)[:64]
        x, y = data.x[rows], data.y[rows]
        if radius:
            x = moved(problem, params_P.detach(), buffers_B, Data(x, y), radius)
        rule.zero_grad()
        problem.batch_loss(params_P, buffers_B, x, y).backward()
        rule.step()
    return Moment(steps, params_P.detach(), buffers_B)


def moved(problem: Problem, params_P: Tensor, buffers_B: Tensor, data: Data, radius: float) -> Tensor:
    """Climb the loss from each example within a ball (L2)."""
    away = torch.zeros_like(data.x)
    sides = tuple(range(1, data.x.dim()))
    for _ in range(ATTACK):
        at = (data.x + away).requires_grad_()
        (slope,) = torch.autograd.grad(problem.batch_loss(params_P, buffers_B, at, data.y), at)
        away = away + radius / 3 * slope / slope.norm(dim=sides, keepdim=True).clamp(min=1e-12)
        away = away * (radius / away.norm(dim=sides, keepdim=True).clamp(min=radius))
    return (data.x + away).detach()


def asked(problem: Problem, moment: Moment, method: Method | None, seed: int, data: Data) -> trust.Asked:
    """Put the question that a method answers."""
    return trust.Asked(problem, moment, method, SPEC, seed, data, data.y, torch.zeros_like(data.x[:1]))


def blocks(name: str, seed: int) -> dict[str, Any]:
    """Train one network on block digits; return the shares of its maps that lie on the digit."""
    spec, radius = BLOCKS[name]
    problem = build_problem(spec, torch.float32, torch.device("cpu"))
    moment = train(problem, seed, 400, radius)
    test = front(problem.test, 64)
    row: dict[str, Any] = {"network": name, "seed": seed, "accuracy": accuracy(problem, moment)}
    for method in ON_BLOCKS:
        row[method] = round(float(finish(trust.signal(asked(problem, moment, method, seed, test))).mean()), 3)
    whole = front(problem.test, 10_000)
    retrained: tuple[Method | None, ...] = (None, "gradient")
    for masking in retrained:
        found = finish(
            trust.retrained(
                asked(problem, moment, masking, seed, whole), front(problem.train, 10_000), (0.1, 0.2, 0.4, 0.6), 150
            )
        )
        row[f"diffroar_{masking or 'random'}"] = [round(value, 3) for value in found.tolist()]
    return row


def pictures(seed: int) -> dict[str, Any]:
    """Train one network on digits of 32×32; return how its maps change with its weights and with the class."""
    problem = build_problem(PICTURES, torch.float32, torch.device("cpu"))
    moment = train(problem, seed, 300)
    test = front(problem.test, 32)
    row: dict[str, Any] = {"seed": seed, "accuracy": accuracy(problem, moment), "redrawn": {}, "other_class": {}}
    for method in ON_PICTURES:
        one = asked(problem, moment, method, seed, test)
        by_layer = finish(trust.randomised(one)).double().nanmean(1)[1:]
        row["redrawn"][method] = [_rounded(value) for value in by_layer.tolist()]
        row["other_class"][method] = _rounded(float(finish(trust.other_class(one, 10)).double().nanmean()))
    return row


def _rounded(value: float) -> float | None:
    """None where no map of all examples has a correlation: each is the same everywhere."""
    return round(value, 4) if math.isfinite(value) else None


def accuracy(problem: Problem, moment: Moment) -> float:
    """Return the share of the test split that is told right."""
    return round(problem.accuracy(moment.params_P, moment.buffers_B, front(problem.test, 10_000)) or 0.0, 3)


def main() -> None:
    """Measure all of them and write them."""
    torch.set_num_threads(1)
    on_blocks, on_pictures = [], []
    for seed in SEEDS:
        for name in BLOCKS:
            on_blocks.append(blocks(name, seed))
            print(on_blocks[-1], flush=True)
        on_pictures.append(pictures(seed))
        print(on_pictures[-1], flush=True)
    result = {"machine": machine(), "blocks": on_blocks, "pictures": on_pictures}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
