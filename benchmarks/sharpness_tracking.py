"""Sharpness at every tenth of 1,000 steps of gradient descent: what it adds to plain training, and against cold eigsh.

Two networks at the edge of stability, squared error on digits, full batch: the one of the preset (500 examples, MLP
32-32, double precision) and MLP 128-128 on all 1,797 in single precision. Plain training is a bare loop; our side is
the same loop with the probe's own tracker, warm from look to look. The others call scipy's eigsh from a cold start:
on the usual product, autograd twice with the gradient's graph retained for all products of a look, and, told beside it,
on our own product, which is up to twice as fast. Every one of our values is compared with a strict search at the same
parameters before anything is timed, from five initial points.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

from backend.core.analyses.base import Moment
from backend.core.analyses.sharpness import Track
from backend.core.curvature.eigenpairs import finish
from backend.core.curvature.graph import Plan
from backend.core.curvature.hvp import hessian
from backend.core.curvature.lanczos import lanczos
from backend.core.curvature.operator import SymmetricOperator
from backend.core.problems.problem import Problem
from backend.jobs.machine import cores
from backend.schemas.analysis import SharpnessAnalysis
from backend.schemas.problem.loss import MseLoss
from benchmarks.curvature_sides import DIGITS, Autograd, descend, digits, scipy_top
from benchmarks.record import Figure, faster, in_turn, ratio, write

EVERY: Final = 10
LR: Final = 0.2
TOL: Final = 0.03
SEEDS: Final = range(5)  # of the initial points that are verified; the first is timed
GOAL: Final = 4.0  # over eigsh on the usual product
SPEC: Final = SharpnessAnalysis(tol=TOL, preconditioned=False)
NETS: Final[dict[str, tuple[tuple[int, ...], torch.dtype, int]]] = {
    "MLP 32-32 on 500 digits, float64": ((32, 32), torch.float64, 500),
    "MLP 128-128 on 1,797 digits, float32": ((128, 128), torch.float32, DIGITS),
}


OURS: Final = "tracked"
USUAL: Final = "cold eigsh on the usual product"
OWN: Final = "cold eigsh on our product"
COLD: Final = (USUAL, OWN)


class Looks:
    """The seconds that the looks of each run have taken, the training around them aside; the first run is a trial."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {f"looks of {side}": [] for side in (OURS, *COLD)}

    def timed(self, side: str, look: Callable[[int, Tensor], None]) -> Callable[[int, Tensor], None]:
        """Make a look that counts its time."""
        seconds = self.seconds[f"looks of {side}"]
        seconds.append(0.0)

        def counted(step: int, params_P: Tensor) -> None:
            began = time.perf_counter()
            look(step, params_P)
            seconds[-1] += time.perf_counter() - began

        return counted


def plain(problem: Problem, steps: int) -> None:
    """Only train."""
    descend(problem, 0, LR, steps, None)


def tracked(problem: Problem, steps: int, looks: Looks, seed: int = 0) -> list[tuple[float, float, int]]:
    """Train and follow the sharpness; return each look's value, residual and products."""
    track = Track(problem, SPEC, torch.Generator().manual_seed(0))
    found: list[tuple[float, float, int]] = []

    def look(step: int, params_P: Tensor) -> None:
        if step % EVERY == 0:
            pairs = finish(track.look(Moment(step, params_P.detach().clone(), _none(params_P)), None)).plain
            found.append((pairs.sharpness, float(pairs.residuals_K[0]), pairs.products))

    descend(problem, seed, LR, steps, looks.timed(OURS, look))
    return found


def cold(problem: Problem, steps: int, side: str, looks: Looks) -> list[float]:
    """Train and call eigsh anew at each look, with the usual product or with ours."""
    found: list[float] = []
    plans: list[Plan | None] = [None]

    def ours(step: int, params_P: Tensor) -> SymmetricOperator:
        operator = hessian(problem, Moment(step, params_P.detach().clone(), _none(params_P)), plan=plans[-1])
        plans.append(operator.plan)
        return operator

    def look(step: int, params_P: Tensor) -> None:
        if step % EVERY == 0:
            operator = Autograd(problem, params_P) if side == USUAL else ours(step, params_P)
            found.append(scipy_top(operator, 1, TOL)[0][0])

    descend(problem, 0, LR, steps, looks.timed(side, look))
    return found


def verify(problem: Problem, steps: int) -> dict[str, Any]:
    """Compare every look from each initial point with a strict search.

    Returns:
        For each seed the largest relative error and residual, the share of looks within 1 %, and the mean of products.
    """
    checked: dict[str, Any] = {}
    for seed in SEEDS:
        found = tracked(problem, steps, Looks(), seed)
        errors = [abs(value / true - 1) for (value, _, _), true in zip(found, exact(problem, steps, seed), strict=True)]
        checked[f"seed {seed}"] = {
            "largest_error": max(errors),
            "within_one_percent": statistics.mean(error <= 0.01 for error in errors),
            "largest_residual": max(residual / value for value, residual, _ in found),
            "products_a_look": statistics.mean(products for _, _, products in found),
        }
    return checked


def exact(problem: Problem, steps: int, seed: int) -> list[float]:
    """Search strictly at every look."""
    values: list[float] = []
    plans: list[Plan | None] = [None]

    def look(step: int, params_P: Tensor) -> None:
        if step % EVERY == 0:
            operator = hessian(problem, Moment(step, params_P.detach().clone(), _none(params_P)), plan=plans[-1])
            plans.append(operator.plan)
            values.append(finish(lanczos(operator, 1, torch.Generator().manual_seed(1), tol=3e-4)).sharpness)

    descend(problem, seed, LR, steps, look)
    return values


def _none(params_P: Tensor) -> Tensor:
    return torch.empty(0, dtype=params_P.dtype)


def main() -> None:
    """Verify, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each side (default %(default)s)")
    parser.add_argument("--steps", type=int, default=1000, help="of training (default %(default)s)")
    parser.add_argument("--threads", type=int, default=cores(), help="of all sides (default: all cores)")
    asked = parser.parse_args()

    torch.set_num_threads(asked.threads)
    figures: list[Figure] = []
    checked: dict[str, Any] = {}
    for name, (hidden, dtype, examples) in NETS.items():
        problem = digits(hidden, MseLoss(factor=0.5), dtype, examples)
        checked[name] = verify(problem, asked.steps)
        for seed, told in checked[name].items():
            print(name, seed, {key: round(value, 4) for key, value in told.items()})
            if not all(map(math.isfinite, told.values())):
                raise RuntimeError(f"expected finite sharpness, got {told}")
        looks = Looks()
        samples = in_turn(
            {
                "plain": lambda problem=problem: plain(problem, asked.steps),  # type: ignore[misc]
                OURS: lambda problem=problem, looks=looks: tracked(problem, asked.steps, looks),  # type: ignore[misc]
                **{
                    side: lambda problem=problem, looks=looks, side=side: cold(problem, asked.steps, side, looks)  # type: ignore[misc]
                    for side in COLD
                },
            },
            asked.repeats,
        )
        samples |= {side: seconds[1:] for side, seconds in looks.seconds.items()}
        print({side: round(statistics.median(seconds), 2) for side, seconds in samples.items()})
        what = f"{asked.steps:,} steps of descent with the sharpness at every {EVERY}th, {name}"
        figures.append(ratio(f"{what}, against the steps alone", samples, OURS, "plain", 2.0))
        for side, goal in ((USUAL, GOAL), (OWN, None)):
            looked, look = f"looks of {OURS}", f"looks of {side}"
            figures += [
                faster(f"{what}, against a {side} at each", samples, OURS, (side,), goal),
                faster(f"{what}, the looks alone against a {side}'s", samples, looked, (look,), goal),
            ]
    write("sharpness_tracking", "Following the sharpness", figures, threads=asked.threads, checked=checked)


if __name__ == "__main__":
    main()
