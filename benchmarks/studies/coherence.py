"""How many examples an average one's gradient helps (m-coherence): digits with their own labels and with shuffled ones.

An MLP 64-32-32-10 with tanh is trained by gradient descent with learning rate 0.1, on whole batches and on batches of
64. The coherence is that of the first 256 training examples; without any, m·α is 1. Shuffled labels are the same ones,
dealt out anew to the training examples by the seed.
"""

import json
import statistics
from pathlib import Path
from typing import Any, Final

import torch

from backend.core.analyses.base import Moment
from backend.core.gradients.coherence import coherence
from backend.core.gradients.gram import gram
from backend.core.gradients.per_sample import per_sample
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Data, Problem
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import MlpModel
from benchmarks.record import machine

RESULTS: Final = Path(__file__).parent / "results" / "coherence.json"
SPEC: Final = DataProblem(data=DigitsData(examples=1500), model=MlpModel(hidden=(32, 32)))
LOOKS: Final = (0, 1, 2, 5, 10, 20, 50, 100, 200, 300, 500, 700, 1000)
SEEDS: Final = (0, 1, 2, 3, 4, 5)
BATCHES: Final = (None, 64)
LR: Final = 0.1
SEEN: Final = 256


def labelled(problem: Problem, seed: int, *, shuffled: bool) -> Data:
    """Return the training split, its labels dealt out anew where they should be.

    Raises:
        ValueError: where the problem has no data.
    """
    if problem.train is None:
        raise ValueError("expected a problem on data")
    if not shuffled:
        return problem.train
    order_N = torch.randperm(len(problem.train), generator=torch.Generator().manual_seed(1000 + seed))
    return Data(problem.train.x, problem.train.y[order_N])


def m_coherence(problem: Problem, moment: Moment, data: Data) -> float:
    """Return m·α of the gradients of all parameters together."""
    gram_NN = torch.stack([gram(part) for part in per_sample(problem, moment, data)]).sum(0)
    return len(data) * float(coherence(gram_NN))


def course(problem: Problem, data: Data, seed: int, batch: int | None, looks: tuple[int, ...] = LOOKS) -> list[float]:
    """Train, and return m·α at each look."""
    params_P, buffers_B = problem.params0(seed)
    random = torch.Generator().manual_seed(seed)
    seen, found = Data(data.x[:SEEN], data.y[:SEEN]), []
    for step in range(looks[-1] + 1):
        if step in looks:
            found.append(m_coherence(problem, Moment(step, params_P, buffers_B), seen))
        chosen = data
        if batch is not None:
            picked = torch.randperm(len(data), generator=random)[:batch]
            chosen = Data(data.x[picked], data.y[picked])
        at_P = params_P.clone().requires_grad_()
        (grad_P,) = torch.autograd.grad(problem.loss(at_P, buffers_B, chosen), at_P)
        params_P = params_P - LR * grad_P
    return found


def measured(seed: int, batch: int | None, *, shuffled: bool) -> dict[str, Any]:
    """Train one network; return its row."""
    problem = build_problem(SPEC, torch.float64, torch.device("cpu"))
    values = course(problem, labelled(problem, seed, shuffled=shuffled), seed, batch)
    return {
        "labels": "shuffled" if shuffled else "real",
        "batch": batch,
        "seed": seed,
        "m_alpha": [round(value, 4) for value in values],
    }


def medians(rows: list[dict[str, Any]], batch: int | None, labels: str) -> list[float]:
    """Return the median over seeds at each look."""
    kept = [row["m_alpha"] for row in rows if (row["batch"], row["labels"]) == (batch, labels)]
    return [statistics.median(column) for column in zip(*kept, strict=True)]


def main() -> None:
    """Measure all of them and write them."""
    torch.set_num_threads(1)
    rows = []
    for batch in BATCHES:
        for shuffled in (False, True):
            for seed in SEEDS:
                rows.append(measured(seed, batch, shuffled=shuffled))
                print(rows[-1], flush=True)
    result = {"looks": LOOKS, "lr": LR, "examples": SEEN, "machine": machine(), "rows": rows}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
