"""Is the landscape of deep Ritz rougher than that of deep Galerkin? The 1-D experiment of Wu et al. 2021, again.

Poisson's equation in one dimension, a residual network of one block of width 4 (53 parameters), 500 points a step, Adam
at 3·10⁻³, eight starts, each method with the same points at every step (midpoints) and with new ones (random). After
3,000 and 6,000 steps: the relative L² error and the gradient's norm; after 6,000 the roughness index against the length
l (m = 10, M = 100), and along training at l = 0.01 (m = 10, M = 50). Every index is measured on the fixed midpoints.

Starts are trained side by side, as one vector of parameters a start: Adam works on each parameter by itself, so that
this is the same as one after the other. Run by ``python -m benchmarks.studies.roughness_replication``: minutes.
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor
from torch.func import vmap

from backend.core.analyses.base import Moment, Point
from backend.core.analyses.curvature import Site, Where
from backend.core.analyses.roughness import ROUGHNESS
from backend.core.problems.pde.problem import DifferentialEquation
from backend.core.runtime.seeding import generator
from backend.schemas.analysis import RoughnessAnalysis
from backend.schemas.events import ResolvedPoint, Roughness
from backend.schemas.problem.pde import PoissonPde
from benchmarks.record import machine

RESULT: Final = Path(__file__).parent / "results" / "roughness_replication.json"
METHODS: Final = ("galerkin", "ritz")
SAMPLINGS: Final = ("midpoints", "random")
LENGTHS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
RATE: Final = 3e-3
Method = Literal["galerkin", "ritz"]
Sampling = Literal["midpoints", "random"]


def train(problem: DifferentialEquation, starts: int, marks: Sequence[int]) -> dict[int, Tensor]:
    """Train several starts side by side.

    Args:
        problem: the equation.
        starts: S; start s has the seed s, for its weights and for its points.
        marks: steps to keep, ascending.

    Returns:
        Parameters [S, P] after each of these steps.
    """
    solution, no_buffers = problem.solution, problem.params0(0)[1]
    assert solution is not None
    assert problem.train is not None
    params_SP = torch.stack([problem.params0(seed)[0] for seed in range(starts)]).requires_grad_()
    optimizer = torch.optim.Adam([params_SP], lr=RATE)
    kept = {0: params_SP.detach().clone()}

    def on_all(params_P: Tensor) -> Tensor:
        return problem.loss(params_P, no_buffers)

    def on_some(params_P: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return problem.batch_loss(params_P, no_buffers, x, y)

    for step in range(1, marks[-1] + 1):
        drawn = [solution.draw(None, generator(seed, "points", step)) for seed in range(starts)]
        fresh = [data for data in drawn if data is not None]
        if fresh:
            loss_S = vmap(on_some)(params_SP, torch.stack([d.x for d in fresh]), torch.stack([d.y for d in fresh]))
        else:
            loss_S = vmap(on_all)(params_SP)
        (params_SP.grad,) = torch.autograd.grad(loss_S.sum(), params_SP)
        optimizer.step()
        if step in marks:
            kept[step] = params_SP.detach().clone()
    return {step: kept[step] for step in marks}


def measure(problem: DifferentialEquation, params_P: Tensor, spec: RoughnessAnalysis) -> list[Roughness]:
    """Return the finished indices of a point, one for each length."""
    moment = Moment(0, params_P, problem.params0(0)[1])
    where = Where(lane=None, repeat=0, step=None, point=0)
    site = Site(where, Point(ResolvedPoint(), moment), torch.Generator())
    told = ROUGHNESS.look(problem, spec, site, 0)
    return [event for event in told if isinstance(event, Roughness) and event.final]


def row(event: Roughness) -> dict[str, float]:
    """Keep what the figures are made from."""
    low, high = (float(end) for end in event.interval)
    return {
        "index": event.index, "low": low, "high": high, "variation": event.variation, "loss": event.loss,
        "grad_norm": event.grad_norm, "relative_l2": float(event.relative_l2 or 0.0),
    }  # fmt: skip


def study(starts: int, steps: int, directions: int, look_every: int) -> dict[str, Any]:
    """Train and measure both methods under both samplings.

    Args:
        starts: how many.
        steps: of each; half of them, too, are looked at.
        directions: M of the index against l; half as many along training.
        look_every: steps between two looks along training.

    Returns:
        For each combination the ends at half and at all steps, the index by length, and the index by step; each a list
        over starts.
    """
    against = RoughnessAnalysis(length=LENGTHS[0], lengths=LENGTHS[1:], directions=directions, shown=0)
    along = RoughnessAnalysis(length=0.01, directions=max(2, directions // 2), shown=0)
    marks = sorted({*range(0, steps + 1, look_every), steps // 2, steps})
    found: dict[str, Any] = {}
    for method in METHODS:
        for sampling in SAMPLINGS:
            began = time.perf_counter()
            problem = equation(method, sampling)
            kept = train(problem, starts, marks)
            steps_seen = {
                step: [row(measure(problem, params_P, along)[0]) for params_P in params_SP]
                for step, params_SP in kept.items()
            }
            last = [measure(problem, params_P, against) for params_P in kept[steps]]
            found[f"{method}, {sampling}"] = {
                "half": [_end(each) for each in steps_seen[steps // 2]],
                "end": [_end(each) for each in steps_seen[steps]],
                "against_length": {
                    f"{length:g}": [row(events[i]) for events in last] for i, length in enumerate(LENGTHS)
                },
                "along_training": {str(step): rows for step, rows in steps_seen.items() if step % look_every == 0},
            }
            print(f"{method}, {sampling}: {time.perf_counter() - began:.0f} s", flush=True)
    return found


def equation(method: Method, sampling: Sampling) -> DifferentialEquation:
    """Build the problem; Ritz and Galerkin have the same network, starts and directions."""
    return DifferentialEquation(PoissonPde(method=method, sampling=sampling), torch.float64, torch.device("cpu"))


def _end(each: dict[str, float]) -> dict[str, float]:
    return {name: each[name] for name in ("loss", "grad_norm", "relative_l2")}


def summary(found: dict[str, Any]) -> str:
    """Write medians over starts as lines of text."""
    lines = []
    for name, one in found.items():
        errors = {when: [each["relative_l2"] for each in one[when]] for when in ("half", "end")}
        lines.append(f"{name}: relative L² error median {statistics.median(errors['half']):.2%} at half, worst "
                     f"{max(errors['half']):.2%}; at the end {statistics.median(errors['end']):.2%}")  # fmt: skip
        for length, rows in one["against_length"].items():
            found_here = [each["index"] for each in rows]
            middle, ends = statistics.median(found_here), (min(found_here), max(found_here))
            lines.append(f"  l = {length}: index {middle:.3f} [{ends[0]:.3f}, {ends[1]:.3f}]")
        along = [
            (step, statistics.median(each["index"] for each in rows)) for step, rows in one["along_training"].items()
        ]
        lines.append("  along: " + " ".join(f"{step}:{value:.3f}" for step, value in along))
    return "\n".join(lines)


def main() -> None:
    """Run the study and write its file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=8)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--directions", type=int, default=100)
    parser.add_argument("--look-every", type=int, default=300)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    found = study(asked.starts, asked.steps, asked.directions, asked.look_every)
    settings = {name: value for name, value in vars(asked).items() if name != "out"}
    about = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "seeds": list(range(asked.starts)), **settings}
    written = {**about, "lr": RATE, "machine": machine(), "results": found}
    asked.out.write_text(json.dumps(rounded(written), ensure_ascii=False) + "\n", "utf-8")
    print(summary(found))


def rounded(value: Any) -> Any:
    """Keep six digits of every number."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
