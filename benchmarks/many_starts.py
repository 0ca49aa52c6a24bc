"""2,000 starts × 6 rules × 200 steps on Rosenbrock's function, at once.

``python -m benchmarks.many_starts``: all starts of a rule are one vector, beside the same rule from one start after the
other (from few of them, scaled up). The first figure is the compute time of everything, on one thread.
"""

from typing import Final, cast

import torch

from backend.core.optimizers.many import Walker, walks
from backend.core.problems.build import build_problem
from backend.core.problems.function import FunctionMinimisation
from backend.core.problems.problem import Problem
from backend.schemas.optimizer import (
    AdagradOptimizer,
    AdamOptimizer,
    AdamWOptimizer,
    AnyOptimizer,
    RmspropOptimizer,
    SgdOptimizer,
)
from backend.schemas.problem import FunctionProblem
from backend.schemas.problem.function import RosenbrockFunction
from benchmarks import record

STARTS: Final = 2000
STEPS: Final = 200
FEW: Final = 5  # starts that are walked one by one
REPEATS: Final = 5
RULES: Final[tuple[AnyOptimizer, ...]] = (
    SgdOptimizer(lr=1e-4),
    SgdOptimizer(lr=1e-4, momentum=0.9),
    RmspropOptimizer(lr=1e-3),
    AdagradOptimizer(lr=0.1),
    AdamOptimizer(lr=0.05),
    AdamWOptimizer(lr=0.05),
)


def at_once(function: FunctionMinimisation, starts_NP: torch.Tensor) -> None:
    """Walk all starts by each rule."""
    for spec in RULES:
        for _ in walks(function, spec, starts_NP, STEPS):
            pass


def one_by_one(function: FunctionMinimisation, starts_NP: torch.Tensor) -> None:
    """Walk each start by each rule, as lanes of a race do."""
    for spec in RULES:
        for start_P in starts_NP:
            walker = Walker(cast("Problem", function), spec, start_P, starts_NP.new_empty(0))
            for _ in range(STEPS):
                walker.step()


def main() -> None:
    """Measure, and write the result file."""
    torch.set_num_threads(1)  # vectors of 4,000 numbers are too short to be shared out
    problem = build_problem(FunctionProblem(function=RosenbrockFunction()), torch.float64, torch.device("cpu"))
    function = cast("FunctionMinimisation", problem)
    draw = torch.Generator().manual_seed(0)
    starts_NP = torch.rand(STARTS, 2, generator=draw, dtype=torch.float64) * 4 - 2
    samples = record.in_turn(
        {"at once": lambda: at_once(function, starts_NP), "few": lambda: one_by_one(function, starts_NP[:FEW])},
        REPEATS,
    )
    scaled = {"at once": samples["at once"], "one by one": [s * STARTS / FEW for s in samples["few"]]}
    figures = [
        record.median("2,000 starts × 6 rules × 200 steps on Rosenbrock", samples["at once"], 5.0),
        record.faster("the same, against one start after the other", scaled, "at once", ["one by one"], goal=50.0),
    ]
    record.write("many_starts", "Many starts at once", figures, threads=1, starts=STARTS, steps=STEPS, few=FEW)


if __name__ == "__main__":
    main()
