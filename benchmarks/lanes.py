"""Eight lanes of one race against eight plain PyTorch loops, one after the other: the same work, the same losses.

Once with lanes that go alone (``tune`` false), and once side by side, as a race does where lanes share a rule. Our side
is what a person gets: request, engine, events stored, snapshots on disk. The loops are what a person would write:
modules and torch.optim. Neither side evaluates whole splits on the way.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from backend.core.problems.build import build_problem
from backend.jobs.machine import cores
from backend.schemas.optimizer import AdamOptimizer, AnyOptimizer, SgdOptimizer
from backend.schemas.run import Lane, TrainRequest
from benchmarks.record import in_turn, ratio, write
from benchmarks.train_overhead import Races, plain_loop

COUNT: Final = 8
ALONE: Final = 1.15  # most of the loops' time
TOGETHER: Final = 0.5
Rule = Callable[[Iterable[Tensor], float], torch.optim.Optimizer]
RULES: Final[dict[str, tuple[Callable[[float], AnyOptimizer], Rule]]] = {
    "SGD with momentum": (
        lambda lr: SgdOptimizer(lr=lr, momentum=0.9),
        lambda params, lr: torch.optim.SGD(params, lr=lr, momentum=0.9),
    ),
    "Adam": (lambda lr: AdamOptimizer(lr=lr), lambda params, lr: torch.optim.Adam(params, lr=lr)),
}


def rates() -> list[float]:
    """Return the learning rates of the lanes, by halves from 0.02."""
    return [0.02 * 0.5**i for i in range(COUNT)]


def race(rule: str, steps: int, **more: Any) -> TrainRequest:
    """Describe the race: one rule at eight rates, an MLP 32-32 on digits, batches of 128, flat out, without probes."""
    lanes = tuple(Lane(name=f"{i}", optimizer=RULES[rule][0](rate)) for i, rate in enumerate(rates()))
    return TrainRequest(lanes=lanes, steps=steps, batch_size=128, eval_every=steps, **more)


def loops(rule: str, request: TrainRequest) -> list[list[float]]:
    """Train in eight plain loops; return the batches' losses of each."""
    problem = build_problem(request.problem, getattr(torch, request.dtype), torch.device("cpu"))
    return [
        plain_loop(problem, request, lambda params, lr=rate: RULES[rule][1](params, lr), splits=()) for rate in rates()
    ]


def verify(races: Races, rule: str) -> float:
    """Check in float64 that all three give the same 100 losses a lane.

    Returns:
        The largest difference.

    Raises:
        RuntimeError: where it is above 1e-10.
    """
    request = race(rule, 100, dtype="float64")
    theirs = np.array(loops(rule, request))
    worst = 0.0
    for tune in (False, True):
        ours = races.losses(races.run(request.model_copy(update={"tune": tune})))
        worst = max(worst, float(np.abs(np.array([ours[lane.name] for lane in request.lanes]) - theirs).max()))
    if not worst <= 1e-10:
        raise RuntimeError(f"expected the same losses within 1e-10, got a difference of {worst}")
    return worst


def main() -> None:
    """Verify, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="timed runs of each side (default %(default)s)")
    parser.add_argument("--steps", type=int, default=500, help="updates of each lane (default %(default)s)")
    parser.add_argument("--threads", type=int, default=cores(), help="of all sides (default: all cores)")
    parser.add_argument("--dry", action="store_true", help="print the figures, write nothing")
    asked = parser.parse_args()

    torch.set_num_threads(asked.threads)
    figures, worst = [], 0.0
    with tempfile.TemporaryDirectory() as scratch:
        races = Races(Path(scratch), asked.threads)
        for rule in RULES:
            worst = max(worst, verify(races, rule))
            requests = {"side by side": race(rule, asked.steps), "alone": race(rule, asked.steps, tune=False)}
            sides = {name: partial(races.run, request) for name, request in requests.items()}
            samples = in_turn({**sides, "loops": partial(loops, rule, race(rule, asked.steps))}, asked.repeats)
            print(rule, {name: round(statistics.median(values), 3) for name, values in samples.items()})
            what = f"eight lanes of {rule} on digits, {asked.steps} steps, against eight plain PyTorch loops"
            figures += [
                ratio(f"{what}, each lane alone", samples, "alone", "loops", ALONE),
                ratio(f"{what}, side by side", samples, "side by side", "loops", TOGETHER),
            ]
        races.close()
    more = {"threads": asked.threads, "largest_difference": worst}
    if asked.dry:
        print(*((figure.what, round(figure.value, 3)) for figure in figures), more, sep="\n")
    else:
        write("lanes", "Eight lanes", figures, **more)


if __name__ == "__main__":
    main()
