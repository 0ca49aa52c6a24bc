"""Four seeds × six rules on digits in one race: do ranks by steps and by gradient evaluations differ?

Rules whose steps cost 1 to 20 gradients, at the settings below, which nobody has tuned; one budget for all, the least
that any lane has spent; the median over the seeds of a lane's whole-split training loss within it, as the page's
standings have it.
``python -m benchmarks.studies.rule_ranks`` writes ``results/rule_ranks.json``.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any, Final

import torch

from backend.core.analyses.base import Context
from backend.core.analyses.train import TRAIN
from backend.core.problems.build import build_problem
from backend.schemas.events import Eval
from backend.schemas.optimizer import AdamOptimizer, GradientRegularizationFilter, SgdOptimizer
from backend.schemas.optimizer.entropy_sgd import EntropySgdOptimizer
from backend.schemas.optimizer.lbfgs import LbfgsOptimizer
from backend.schemas.optimizer.oasis import OasisOptimizer
from backend.schemas.optimizer.sam import SamOptimizer
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import MlpModel
from backend.schemas.run import Lane, TrainRequest
from benchmarks.record import machine

RESULT: Final = Path(__file__).parent / "results" / "rule_ranks.json"
SEEDS: Final = 4
STEPS: Final = 200
MOMENTUM: Final = SgdOptimizer(lr=0.1, momentum=0.9)
LANES: Final = (
    Lane(name="Momentum", optimizer=MOMENTUM),
    Lane(name="Adam", optimizer=AdamOptimizer(lr=0.003)),
    Lane(name="SAM", optimizer=SamOptimizer(lr=0.1)),
    Lane(name="Regularised", optimizer=MOMENTUM, filters=(GradientRegularizationFilter(),)),
    Lane(name="OASIS", optimizer=OasisOptimizer(adaptive=False)),
    Lane(name="Entropy-SGD", optimizer=EntropySgdOptimizer()),
)
FULL: Final = (
    *LANES[:4],
    Lane(name="OASIS", optimizer=OasisOptimizer()),
    Lane(name="L-BFGS", optimizer=LbfgsOptimizer()),
)
Row = dict[str, Any]


def race(batch: int | None, steps: int = STEPS) -> TrainRequest:
    """Describe the race: an MLP 32-32 on digits, looked at after every step."""
    problem = DataProblem(data=DigitsData(), model=MlpModel(hidden=(32, 32)))
    lanes = LANES if batch else FULL
    return TrainRequest(problem=problem, lanes=lanes, steps=steps, batch_size=batch, repeats=SEEDS, eval_every=1)


def curves(request: TrainRequest) -> list[Row]:
    """Run it; the training losses of every lane and repeat with what had been spent by then."""
    problem = build_problem(request.problem, torch.float32, torch.device("cpu"))
    found = {
        (lane.name, repeat): Row(lane=lane.name, repeat=repeat, step=[], evaluations=[], loss=[])
        for lane in request.lanes
        for repeat in range(request.repeats)
    }
    for event in TRAIN.run(problem, request, Context(seed=request.seed)):
        if isinstance(event, Eval) and event.split == "train" and event.lane is not None:
            row = found[event.lane, event.repeat]
            for column in ("step", "evaluations", "loss"):
                row[column].append(getattr(event, column))
    return list(found.values())


def ranks(rows: list[Row], by: str) -> list[Row]:
    """Rank the lanes within the least that any of them has spent.

    Args:
        rows: of :func:`curves`.
        by: ``step`` or ``evaluations``.

    Returns:
        Lanes with their rank and median loss, the best first.
    """
    budget = min(row[by][-1] for row in rows)
    reached: dict[str, list[float]] = {}
    for row in rows:
        within = [loss for loss, spent in zip(row["loss"], row[by], strict=True) if spent <= budget]
        reached.setdefault(row["lane"], []).append(within[-1])
    medians = {lane: statistics.median(losses) for lane, losses in reached.items()}
    return [
        {"rank": 1 + sum(other < loss for other in medians.values()), "lane": lane, "loss": loss, "within": budget}
        for lane, loss in sorted(medians.items(), key=lambda item: item[1])
    ]


def main() -> None:
    """Run both races and write the ranks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=STEPS, help="of each lane (default %(default)s)")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    races = []
    for batch in (128, None):
        rows = curves(race(batch, asked.steps))
        cost = {row["lane"]: round(row["evaluations"][-1] / row["step"][-1], 3) for row in rows}
        found = {by: ranks(rows, by) for by in ("step", "evaluations")}
        races.append({"batch": batch, "gradients_a_step": cost, "ranks": found})
        for by, order in found.items():
            print(batch, by, *(f"{one['rank']} {one['lane']} {one['loss']:.3g}" for one in order), sep="  ")
    result = {"steps": asked.steps, "seeds": SEEDS, "machine": machine(), "races": races}
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
