"""The game that Adam loses: f_t(x) = 3x at every third step, −x at the others, x held within [−1, 1].

The mean slope is 1/3, so that −1 is best. Adam with a short memory divides the rare large slope by its own size and
counts the two small ones double: it ends at the wrong side. AMSGrad's divisor never shrinks (Reddi, Kale & Kumar 2018).
Rates are 0.1/√t.
``python -m benchmarks.studies.periodic_game`` writes ``results/periodic_game.json``.
"""

import argparse
import json
from pathlib import Path
from typing import Final

import torch

from backend.core.optimizers.registry import build_optimizer
from backend.core.optimizers.surroundings import surround
from backend.core.problems.build import build_problem
from backend.schemas.optimizer.adam import AdamOptimizer
from backend.schemas.problem import FunctionProblem

RESULT: Final = Path(__file__).parent / "results" / "periodic_game.json"
STEPS: Final = 6000
RATE: Final = 0.1
PERIOD: Final = (3.0, -1.0, -1.0)


def play(amsgrad: bool, steps: int = STEPS) -> list[float]:
    """Play the game.

    Args:
        amsgrad: whether the divisor is the largest so far.
        steps: how many.

    Returns:
        Where each step led, in float64, the start (0) first.
    """
    around_of = build_problem(FunctionProblem(), torch.float64, torch.device("cpu"))
    x_P = torch.zeros(around_of.layout.size, dtype=torch.float64, requires_grad=True)  # every coordinate plays it
    around = surround(around_of, x_P, torch.zeros(0, dtype=torch.float64), 0, "game")
    optimizer = build_optimizer(AdamOptimizer(lr=RATE, beta1=0.0, beta2=0.1, amsgrad=amsgrad), around)
    path = [0.0]
    for t in range(1, steps + 1):
        slope_P = torch.full_like(x_P, PERIOD[(t - 1) % len(PERIOD)])
        optimizer.set("lr", RATE / t**0.5)
        around.objective.begin(None, (slope_P[0] * x_P[0].detach(), slope_P))
        optimizer.step(around.objective.loss_and_grad)
        with torch.no_grad():
            path.append(x_P.clamp_(-1.0, 1.0)[0].item())
    return path


def regret(path: list[float]) -> float:
    """Return by how much the plays cost more than −1 at every step would have, a step."""
    slopes = [PERIOD[t % len(PERIOD)] for t in range(len(path) - 1)]
    return sum(slope * (x + 1.0) for slope, x in zip(slopes, path, strict=False)) / len(slopes)


def main() -> None:
    """Play both games and write where they led."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=STEPS, help="of each (default %(default)s)")
    asked = parser.parse_args()
    games = {}
    for name, amsgrad in (("Adam", False), ("AMSGrad", True)):
        path = play(amsgrad, asked.steps)
        shown = [step for step in (1, 3, 10, 30, 100, 300, 1000, 3000, asked.steps) if step <= asked.steps]
        games[name] = {"x": {str(step): path[step] for step in shown}, "regret_a_step": regret(path)}
        print(name, f"ends at {path[-1]:+.4f}, regret {regret(path):.3f} a step")
    result = {"steps": asked.steps, "lr": f"{RATE}/sqrt(t)", "beta1": 0.0, "beta2": 0.1, "games": games}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
