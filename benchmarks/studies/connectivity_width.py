"""Barriers between two digits networks against their width: straight, with units matched, and along a trained curve.

Two hidden ReLU layers, cross-entropy, Adam; the two nets of a pair differ in their seed alone. Barriers are those of
the analysis itself, on both splits. ``python -m benchmarks.studies.connectivity_width`` writes
``results/connectivity_width.json``.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any, Final

import torch

from backend.core.analyses.base import Context, Moment, Point
from backend.core.analyses.registry import analysis_for
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Problem
from backend.schemas.analysis import ConnectivityAnalysis
from backend.schemas.events import Barrier, ResolvedPoint
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import MlpModel
from benchmarks.record import machine

RESULTS: Final = Path(__file__).parent / "results"
WIDTHS: Final = (32, 64, 128, 256, 512)
PAIRS: Final = 3
STEPS: Final = 600
BATCH: Final = 128
LR: Final = 1e-3
PATHS: Final = ("linear", "matched", "activations", "bezier")


def trained(problem: Problem, seed: int, steps: int) -> Moment:
    """Train one net with Adam."""
    data = problem.train
    if data is None:
        raise ValueError("expected a problem with training data")
    params_P, buffers_B = problem.params0(seed)
    params_P = params_P.clone().requires_grad_()
    adam = torch.optim.Adam([params_P], lr=LR)
    random = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        chosen = torch.randperm(len(data), generator=random)[:BATCH]
        adam.zero_grad()
        problem.batch_loss(params_P, buffers_B, data.x[chosen], data.y[chosen]).backward()
        adam.step()
    return Moment(steps, params_P.detach(), buffers_B)


def barriers(problem: Problem, a: Moment, b: Moment, bend_steps: int) -> dict[str, dict[str, Any]]:
    """Return the final barriers of every path: ``{path: {train, test, distance, moved, ends}}``."""
    points = tuple(Point(ResolvedPoint(lane="Adam", step=end.step), end) for end in (a, b))
    found: dict[str, dict[str, Any]] = {}
    asked = (
        ("weights", ConnectivityAnalysis(path="matched", beside=("linear", "bezier"), steps=bend_steps, surface=False)),
        ("activations", ConnectivityAnalysis(path="matched", beside=(), matching="activations")),
    )
    for matching, spec in asked:
        for event in analysis_for(spec).run(problem, spec, Context(0, points)):
            if isinstance(event, Barrier) and event.final:
                path = "activations" if matching == "activations" else event.path
                row = found.setdefault(path, {"distance": event.distance, "moved": event.moved})
                row[event.split] = event.barrier
                row[f"{event.split}_ends"] = [float(event.loss[0]), float(event.loss[-1])]
    return found


def study(widths: tuple[int, ...], pairs: int, steps: int, bend_steps: int) -> list[dict[str, Any]]:
    """Measure every pair of every width."""
    rows = []
    for width in widths:
        spec = DataProblem(data=DigitsData(examples=1500), model=MlpModel(hidden=(width, width), activation="relu"))
        problem = build_problem(spec, torch.float32, torch.device("cpu"))
        for pair in range(pairs):
            seeds = (2 * pair, 2 * pair + 1)
            a, b = (trained(problem, seed, steps) for seed in seeds)
            paths = barriers(problem, a, b, bend_steps)
            rows.append({"width": width, "seeds": seeds, "paths": paths})
            print(width, seeds, {path: round(row["train"], 4) for path, row in paths.items()}, flush=True)
    return rows


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Average over the pairs of each width: barriers on the training split, and what is left of the naive one."""
    found = []
    for width in dict.fromkeys(row["width"] for row in rows):
        mine = [row["paths"] for row in rows if row["width"] == width]
        mean = {path: statistics.mean(paths[path]["train"] for paths in mine) for path in PATHS}
        found.append({"width": width, **mean, "ratio": mean["matched"] / mean["linear"]})
    return found


def main() -> None:
    """Run the study and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--steps", type=int, default=STEPS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = study(WIDTHS, given.pairs, given.steps, 300)
    setting = {"examples": 1500, "steps": given.steps, "batch_size": BATCH, "lr": LR, "dtype": "float32"}
    record = {"setting": setting, "machine": machine(), "summary": summary(rows), "pairs": rows}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "connectivity_width.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
