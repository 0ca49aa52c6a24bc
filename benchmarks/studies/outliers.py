"""How many eigenvalues of the Hessian stand out on digits: beside the number of classes, the width, and G alone.

The rule: of the 3·10 largest eigenvalues λ₁ ≥ λ₂ ≥ …, all positive, the outliers are those before the largest ratio
λᵢ/λᵢ₊₁ of neighbours. A ratio near 1 says that there is no such gap. Networks are MLPs with tanh, trained on 1,000
digits (fewer where classes are dropped, with the ten outputs left) by full-batch gradient descent with momentum.
"""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import torch

from backend.core.analyses.base import Moment
from backend.core.curvature.eigenpairs import finish
from backend.core.curvature.ggn import gauss_newton
from backend.core.curvature.hvp import hessian
from backend.core.curvature.lanczos import lanczos
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Data, Problem
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.loss import AnyLoss, CrossEntropyLoss, MseLoss
from backend.schemas.problem.model import MlpModel
from benchmarks.record import machine

RESULTS: Final = Path(__file__).parent / "results" / "outliers.json"
LARGEST: Final = 30
LOSSES: Final[tuple[tuple[AnyLoss, float], ...]] = ((CrossEntropyLoss(), 0.1), (MseLoss(factor=0.5), 0.02))
STEPS: Final = (0, 100, 1000)
SETTINGS: Final = ((32, 10), (64, 10), (32, 6), (32, 3))  # width of both layers, classes kept
SEEDS: Final = (0, 1, 2)


def outliers(values: list[float]) -> tuple[int, float]:
    """Count the eigenvalues before the largest ratio of neighbours, by the rule above.

    Returns:
        The count, and that ratio.
    """
    ratios = [larger / smaller for larger, smaller in pairwise(values) if smaller > 0]
    widest = max(range(len(ratios)), key=ratios.__getitem__)
    return widest + 1, ratios[widest]


def kept(problem: Problem, classes: int) -> Data:
    """Return the examples of the first classes.

    Raises:
        ValueError: where the problem has no data.
    """
    if problem.train is None:
        raise ValueError("expected a problem on data")
    chosen = problem.train.y < classes
    return Data(problem.train.x[chosen], problem.train.y[chosen])


def trained(problem: Problem, data: Data, lr: float, steps: int, seed: int) -> torch.Tensor:
    """Train with momentum 0.9; return the parameters."""
    start_P, buffers_B = problem.params0(seed)
    params_P = start_P.clone().requires_grad_()
    optimizer = torch.optim.SGD([params_P], lr=lr, momentum=0.9)
    for _ in range(steps):
        (params_P.grad,) = torch.autograd.grad(problem.loss(params_P, buffers_B, data), params_P)
        optimizer.step()
    return params_P.detach()


def measured(loss: AnyLoss, lr: float, width: int, classes: int, seed: int, steps: int) -> dict[str, Any]:
    """Train one network and count the outliers of H and of G."""
    spec = DataProblem(data=DigitsData(examples=1000), model=MlpModel(hidden=(width, width)), loss=loss)
    problem = build_problem(spec, torch.float64, torch.device("cpu"))
    data = kept(problem, classes)
    params_P = trained(problem, data, lr, steps, seed)
    moment = Moment(steps, params_P, torch.empty(0, dtype=torch.float64))
    found: dict[str, Any] = {
        "loss": loss.kind, "width": width, "classes": classes, "seed": seed, "steps": steps,
        "value": float(problem.loss(params_P, moment.buffers_B, data)),
    }  # fmt: skip
    for name, make in (("H", hessian), ("G", gauss_newton)):
        random = torch.Generator().manual_seed(seed)
        pairs = finish(lanczos(make(problem, moment, data), LARGEST, random, tol=1e-3))
        values = pairs.values_K.tolist()
        count, ratio = outliers(values)
        found[name] = {
            "outliers": count,
            "ratio": round(ratio, 3),
            "ratio_at_classes": round(values[classes - 1] / values[classes], 3),
            "largest": [round(value, 5) for value in values[:16]],
            "converged": pairs.converged,
        }
    return found


def main() -> None:
    """Measure all of them and write them."""
    torch.set_num_threads(1)
    rows = []
    for loss, lr in LOSSES:
        for width, classes in SETTINGS:
            for steps in STEPS:
                for seed in SEEDS:
                    rows.append(measured(loss, lr, width, classes, seed, steps))
                    row = rows[-1]
                    told = {
                        name: [row[name][key] for key in ("outliers", "ratio", "ratio_at_classes")] for name in "HG"
                    }
                    print(loss.kind, width, classes, steps, seed, f"{row['value']:.4f}", told, flush=True)
    result = {"rule": "before the largest ratio of neighbours among the 30 largest", "machine": machine(), "rows": rows}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
