"""Four seeds × six rules on digits in one race: on one worker, and shared by two.

``python -m benchmarks.shared_race``: worker processes that are up and warm, as a server has them; from the request to
the end of the run, with all that is told and kept on the way. Steps take one thread in either case.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from backend.jobs.feed import Feed
from backend.jobs.local import LocalEngine
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.events import Envelope, Started
from backend.schemas.optimizer import AdamOptimizer, SgdOptimizer
from backend.schemas.optimizer.lion import LionOptimizer
from backend.schemas.optimizer.muon import MuonOptimizer
from backend.schemas.optimizer.sam import SamOptimizer
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import MlpModel
from backend.schemas.run import Lane, TrainRequest
from benchmarks import record

SEEDS: Final = 4
STEPS: Final = 300
REPEATS: Final = 3
PATIENCE: Final = 60.0
LANES: Final = (
    Lane(name="SGD", optimizer=SgdOptimizer(lr=0.1)),
    Lane(name="Momentum", optimizer=SgdOptimizer(lr=0.05, momentum=0.9)),
    Lane(name="Adam", optimizer=AdamOptimizer(lr=0.003)),
    Lane(name="Lion", optimizer=LionOptimizer(lr=0.002)),
    Lane(name="Muon", optimizer=MuonOptimizer(lr=0.02)),
    Lane(name="SAM", optimizer=SamOptimizer(lr=0.15)),
)
RACE: Final = TrainRequest(
    problem=DataProblem(data=DigitsData(), model=MlpModel(hidden=(32,))),
    lanes=LANES,
    steps=STEPS,
    batch_size=64,
    repeats=SEEDS,
)


def served(folder: Path, racers: int) -> Service:
    """Serve from an empty folder, with so many workers that take races, and wait until they are up."""
    folder.mkdir()
    engine, store = LocalEngine(workers=racers + 1, threads=1), SqliteStore(folder / "runs.sqlite")
    service = Service(store, engine, Feed(store), folder)
    while service.state().workers.count("idle") < racers + 1:
        time.sleep(0.05)
    return service


def play(service: Service, parts: int) -> None:
    """Run the race to its end, and see that it was shared as it should be."""
    run = service.wait(service.submit(RACE).id, PATIENCE)
    rows, _ = service.events(run.id, EventFilter(kinds=("started",)))
    told = [event.parts for row in rows if isinstance(event := Envelope.decode(row.text).event, Started)]
    if run.status != "succeeded" or told != [parts]:
        raise RuntimeError(f"expected a race of {parts} parts that succeeds, got {run.status} and {told}")


def player(service: Service, parts: int) -> Callable[[], None]:
    """Return what runs the race there."""
    return lambda: play(service, parts)


def main() -> None:
    """Measure, and write the result file."""
    with tempfile.TemporaryDirectory() as folder:
        services = {
            name: served(Path(folder) / name, racers) for name, racers in (("one worker", 1), ("two workers", 2))
        }
        sides: dict[str, Callable[[], object]] = {
            name: player(service, parts) for parts, (name, service) in enumerate(services.items(), 1)
        }
        samples = record.in_turn(sides, REPEATS)
        for service in services.values():
            service.close()
    figures = [
        record.faster(
            "4 seeds × 6 rules on digits, shared by two workers", samples, "two workers", ["one worker"], None
        )
    ]
    record.write("shared_race", "A race on two workers", figures, threads=1, seeds=SEEDS, steps=STEPS)


if __name__ == "__main__":
    main()
