"""Four lanes of one race against four plain PyTorch loops, one after the other: the same work, the same losses.

Our side is what a person gets: request, engine, events stored, snapshots on disk. The loops are what a person would
write: modules and torch.optim, evaluating both splits as often as the race does (or never, in the second figure).
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from backend.core.analyses.train.batches import permutation
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Data, Problem
from backend.jobs.feed import Feed
from backend.jobs.inline import InlineEngine
from backend.jobs.machine import cores
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.events import Envelope, TrainChunk
from backend.schemas.optimizer import AdamOptimizer, RmspropOptimizer, SgdOptimizer
from backend.schemas.run import Lane, TrainRequest
from benchmarks.record import in_turn, ratio, write

LANES: Final = (
    Lane(name="SGD", optimizer=SgdOptimizer(lr=0.1)),
    Lane(name="momentum", optimizer=SgdOptimizer(lr=0.1, momentum=0.9)),
    Lane(name="RMSProp", optimizer=RmspropOptimizer(lr=0.001)),
    Lane(name="Adam", optimizer=AdamOptimizer(lr=0.001)),
)
RULES: Final[dict[str, Any]] = {
    "SGD": lambda params: torch.optim.SGD(params, lr=0.1),
    "momentum": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9),
    "RMSProp": lambda params: torch.optim.RMSprop(params, lr=0.001),
    "Adam": lambda params: torch.optim.Adam(params, lr=0.001),
}
BATCH: Final = 128
GOAL: Final = 1.3


def race(steps: int, eval_every: int, dtype: Any = "float32") -> TrainRequest:
    """Describe the race: four rules, an MLP 32-32 on digits, flat out, without probes."""
    return TrainRequest(lanes=LANES, steps=steps, batch_size=BATCH, eval_every=eval_every, dtype=dtype)


def plain_loops(request: TrainRequest, *, evaluate: bool) -> dict[str, list[float]]:
    """Train every rule in a plain loop from the race's initial weights, on its batches.

    Args:
        request: the race.
        evaluate: loss and accuracy of both splits every ``eval_every`` steps, and at the start.

    Returns:
        The batches' losses by rule.
    """
    problem = build_problem(request.problem, getattr(torch, request.dtype), torch.device("cpu"))
    if problem.train is None or problem.test is None:
        raise ValueError("expected data with two splits")
    splits = (problem.train, problem.test) if evaluate else ()
    return {name: plain_loop(problem, request, rule, splits) for name, rule in RULES.items()}


def plain_loop(problem: Problem, request: TrainRequest, rule: Any, splits: tuple[Data, ...]) -> list[float]:
    """Train by one rule in a plain loop.

    Args:
        problem: the MLP 32-32 on digits.
        request: the race.
        rule: makes the optimizer of some parameters.
        splits: are evaluated every ``eval_every`` steps, and at the start.

    Returns:
        The batches' losses.
    """
    params_P, _ = problem.params0(request.seed)
    net = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 10))
    net.to(params_P.dtype)
    nn.utils.vector_to_parameters(params_P.clone(), net.parameters())
    assert problem.train is not None, "digits have examples"
    return _loop(net, rule(net.parameters()), request, problem.train, splits)


def _loop(
    net: nn.Module, optimizer: torch.optim.Optimizer, request: TrainRequest, train: Data, splits: tuple[Data, ...]
) -> list[float]:
    losses: list[float] = []
    _evaluate(net, splits)
    epoch = 0
    while True:
        for batch in permutation(len(train), request.seed, epoch).split(BATCH):
            optimizer.zero_grad()
            loss: Tensor = cross_entropy(net(train.x[batch]), train.y[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) % request.eval_every == 0:
                _evaluate(net, splits)
            if len(losses) == request.steps:
                return losses
        epoch += 1


@torch.no_grad()
def _evaluate(net: nn.Module, splits: tuple[Data, ...]) -> None:
    for split in splits:
        out = net(split.x)
        cross_entropy(out, split.y).item()
        (out.argmax(1) == split.y).float().mean().item()


class Races:
    """Runs requests through a service, as the app does, with its events in memory and its snapshots on disk."""

    def __init__(self, folder: Path, threads: int) -> None:
        store = SqliteStore(":memory:")
        self._service = Service(store, InlineEngine(threads=threads), Feed(store), folder)

    def run(self, request: TrainRequest) -> str:
        """Run a race to its end.

        Raises:
            RuntimeError: where it did not succeed.
        """
        run = self._service.wait(self._service.submit(request).id)
        if run.status != "succeeded":
            raise RuntimeError(f"the race has {run.status}: {run.error}")
        return run.id

    def losses(self, run: str) -> dict[str, list[float]]:
        """Read the batches' losses by lane."""
        found: dict[str, list[float]] = {}
        rows, _ = self._service.events(run, EventFilter(kinds=("train_chunk",), limit=10_000))
        for row in rows:
            event = Envelope.decode(row.text).event
            if isinstance(event, TrainChunk):
                found.setdefault(event.lane, []).extend(event.loss.tolist())
        return found

    def close(self) -> None:
        """Stop."""
        self._service.close()


def verify(races: Races) -> float:
    """Check in float64 that both sides give the same 100 losses a lane.

    Returns:
        The largest difference.

    Raises:
        RuntimeError: where it is above 1e-10.
    """
    request = race(100, eval_every=100, dtype="float64")
    ours, theirs = races.losses(races.run(request)), plain_loops(request, evaluate=False)
    worst = max(float(np.abs(np.array(ours[name]) - np.array(theirs[name])).max()) for name in theirs)
    if not worst <= 1e-10:
        raise RuntimeError(f"expected the same losses within 1e-10, got a difference of {worst}")
    return worst


def main() -> None:
    """Verify, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="timed runs of each side (default %(default)s)")
    parser.add_argument("--steps", type=int, default=300, help="updates of each lane (default %(default)s)")
    parser.add_argument("--threads", type=int, default=cores(), help="of both sides (default: all cores)")
    asked = parser.parse_args()

    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as scratch:
        races = Races(Path(scratch), asked.threads)
        worst = verify(races)
        often, never = race(asked.steps, eval_every=10), race(asked.steps, eval_every=asked.steps)
        samples = in_turn(
            {
                "race": lambda: races.run(often),
                "loops": lambda: plain_loops(often, evaluate=True),
                "race, evaluated at its ends": lambda: races.run(never),
                "loops, never evaluated": lambda: plain_loops(never, evaluate=False),
            },
            asked.repeats,
        )
        races.close()
    what = f"four lanes on digits, {asked.steps} steps, against four plain PyTorch loops"
    figures = [
        ratio(f"{what}, both evaluating every 10 steps", samples, "race", "loops", GOAL),
        ratio(f"{what} that never evaluate", samples, "race, evaluated at its ends", "loops, never evaluated", GOAL),
    ]
    print({name: round(statistics.median(values), 3) for name, values in samples.items()})
    write("train_overhead", "Training flat out", figures, threads=asked.threads, largest_difference=worst)


if __name__ == "__main__":
    main()
