"""The edge of stability, claim by claim: sharpness as a share of its threshold, η·λ₁/2 or η·λ₁(P⁻¹H)/38."""

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from sklearn.datasets import load_digits

from backend.core.problems.build import build_problem
from backend.core.problems.problem import Data, Problem
from backend.schemas.optimizer import AdamOptimizer, SgdOptimizer
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import ChebyshevData, DigitsData
from backend.schemas.problem.loss import CrossEntropyLoss, MseLoss
from backend.schemas.problem.model import MlpModel
from benchmarks.record import machine
from benchmarks.studies.training import train

RESULTS: Final = Path(__file__).parent / "results"
CHEBYSHEV: Final = DataProblem(
    data=ChebyshevData(points=20, degree=4), model=MlpModel(hidden=(30, 20)), loss=MseLoss(factor=0.5)
)
DIGITS: Final = DataProblem(data=DigitsData(examples=500), model=MlpModel(hidden=(32, 32)), loss=MseLoss(factor=0.5))
SEEDS: Final = 5


def build(spec: DataProblem) -> Problem:
    """Build a problem in float64."""
    return build_problem(spec, torch.float64, torch.device("cpu"))


def every(stride: int) -> Callable[[int], bool]:
    """Look every so many steps; an odd stride sees both phases of an oscillation of period two."""
    return lambda step: step % stride == 0


def chebyshev() -> list[dict[str, Any]]:
    """Gradient descent on twenty points of a polynomial, 12,000 steps."""
    problem, found = build(CHEBYSHEV), []
    for lr in (0.1, 0.2, 0.4):
        for seed in range(SEEDS):
            course = train(problem, SgdOptimizer(lr=lr), seed, 12_000, every(75))
            late = course.between(6000, 12_000)
            found.append({"lr": lr, "seed": seed, "start": course.shares[0], "late": statistics.mean(late)})
    return found


def adam() -> list[dict[str, Any]]:
    """Adam on the same points; shares of the threshold of P⁻¹H, in the last half and at their peak."""
    problem, found = build(CHEBYSHEV), []
    for lr in (1e-3, 3e-3):
        for seed in range(SEEDS):
            course = train(problem, AdamOptimizer(lr=lr, eps=1e-7), seed, 12_000, every(25))
            late = course.between(6000, 12_000)
            peak = max(course.shares)
            found.append(
                {
                    "lr": lr,
                    "seed": seed,
                    "late": statistics.mean(late),
                    "late_max": max(late),
                    "crossing": next((step for step, share in course.pairs() if share >= 1.0), None),
                    "peak": peak,
                    "peak_step": course.steps[course.shares.index(peak)],
                    "last_above_1.06": max((step for step, share in course.pairs() if share > 1.06), default=None),
                }
            )
    return found


def bundled() -> Data:
    """The first 500 images in the order in which scikit-learn has them; our training split is drawn at random."""
    x, y = load_digits(return_X_y=True)
    return Data(torch.from_numpy(x[:500] / 16), torch.from_numpy(y[:500]))


def digits() -> list[dict[str, Any]]:
    """Gradient descent on 500 digits, 2,500 steps, on our split and on the bundled order's first 500."""
    problem, found = build(DIGITS), []
    for name, data in (("ours", problem.train), ("bundled order", bundled())):
        for seed in range(SEEDS):
            course = train(problem, SgdOptimizer(lr=0.2), seed, 2500, every(5), data=data)
            late = course.between(1000, 2500)
            crossing = next(step for step, share in course.pairs() if share >= 0.95)
            found.append(
                {
                    "examples": name,
                    "seed": seed,
                    "start": course.shares[0],
                    "crossing": crossing,
                    "peak": max(course.shares),
                    "mean_500_1000": statistics.mean(course.between(500, 1000)),
                    "late_min": min(late),
                    "late_max": max(late),
                    "late_mean": statistics.mean(late),
                    "late_within": statistics.mean(abs(share - 1) <= 0.1 for share in late),
                }
            )
    return found


def cross_entropy() -> list[dict[str, Any]]:
    """The same with cross-entropy: where the sharpness peaks, and where it is 3,000 steps on."""
    problem, found = build(DIGITS.model_copy(update={"loss": CrossEntropyLoss()})), []
    for seed in range(3):
        course = train(problem, SgdOptimizer(lr=0.2), seed, 4000, every(25))
        peak = max(course.shares)
        found.append(
            {
                "seed": seed,
                "start": course.shares[0],
                "peak": peak,
                "peak_step": course.steps[course.shares.index(peak)],
                "end": course.shares[-1],
                "loss": course.loss,
            }
        )
    return found


def moved(factor: float, at: int = 1000, after: int = 1500) -> list[dict[str, Any]]:
    """Digits at the edge, then another learning rate: how soon within 10 % of the new line, and where it stays."""
    problem, found = build(DIGITS), []
    for seed in range(3):
        course = train(problem, SgdOptimizer(lr=0.2), seed, at + after, every(5), changes=[(at, 0.2 * factor)])
        later = dict(course.pairs())
        close = [step - at for step in range(at, at + after + 1, 5) if step in later and abs(later[step] - 1) <= 0.1]
        found.append(
            {
                "factor": factor,
                "seed": seed,
                "after_the_change": later[at],
                "first_within_10_percent": close[0] if close else None,
                "share_within_steps_100_300": statistics.mean(
                    abs(share - 1) <= 0.1 for share in course.between(at + 100, at + 300)
                ),
                "mean_100_300": statistics.mean(course.between(at + 100, at + 300) or [float("nan")]),
                "mean_300_on": statistics.mean(course.between(at + 300, at + after) or [float("nan")]),
                "end": course.shares[-1],
                "diverged_after": None if course.diverged_at is None else course.diverged_at - at,
            }
        )
    return found


def doubled() -> list[dict[str, Any]]:
    """The polynomial at the edge, then twice the learning rate."""
    problem, found = build(CHEBYSHEV), []
    for lr in (0.2, 0.4):
        for seed in range(SEEDS):
            course = train(problem, SgdOptimizer(lr=lr), seed, 5000, lambda step: False, changes=[(3000, 2 * lr)])
            at = course.diverged_at
            found.append({"lr": lr, "seed": seed, "diverged_after": None if at is None else at - 3000})
    return found


STUDIES: Final[dict[str, Callable[[], list[dict[str, Any]]]]] = {
    "chebyshev": chebyshev,
    "adam": adam,
    "digits": digits,
    "cross_entropy": cross_entropy,
    "raised": lambda: [*moved(1.5), *moved(2.0)],
    "lowered": lambda: moved(0.5),
    "doubled": doubled,
}


def main() -> None:
    """Measure what is asked for and write it beside what is recorded already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", metavar="study", help=f"of {', '.join(STUDIES)} (default: all)")
    asked = parser.parse_args().studies or list(STUDIES)
    torch.set_num_threads(1)
    path = RESULTS / "edge_of_stability.json"
    for name in asked:
        found = STUDIES[name]()
        result = json.loads(path.read_text("utf-8")) if path.exists() else {"studies": {}}
        result["machine"] = machine()
        result["studies"][name] = found
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
        print(name, *found, sep="\n  ", flush=True)


if __name__ == "__main__":
    main()
