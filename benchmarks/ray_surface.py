"""A surface of 65 × 65 points on a Ray cluster of this machine: on one actor, and split over two.

``python -m benchmarks.ray_surface``: two actors that are up and warm, one thread each; from the request to the end of
the run, with all tiles told and stored. Where Ray is not installed nothing is measured, and what was stays.
"""

import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from backend.jobs.feed import Feed
from backend.jobs.ray_engine import RayEngine
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.analysis import SurfaceAnalysis
from backend.schemas.events import Envelope, Started
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import MlpModel
from backend.schemas.run import AnalyseRequest
from benchmarks import record

ACTORS: Final = 2
REPEATS: Final = 5
PATIENCE: Final = 60.0
SURFACE: Final = AnalyseRequest(
    problem=DataProblem(data=DigitsData(), model=MlpModel(hidden=(128, 128))),
    analysis=SurfaceAnalysis(resolution=65),
    tune=False,
)


def player(service: Service, engine: RayEngine, parts: int) -> Callable[[], None]:
    """Return what draws the surface on so many actors."""

    def play() -> None:
        engine.width = parts
        run = service.wait(service.submit(SURFACE).id, PATIENCE)
        rows, _ = service.events(run.id, EventFilter(kinds=("started",)))
        told = [event.parts for row in rows if isinstance(event := Envelope.decode(row.text).event, Started)]
        if run.status != "succeeded" or told != [parts]:
            raise RuntimeError(f"expected a surface of {parts} parts that succeeds, got {run.status} and {told}")

    return play


def main() -> None:
    """Measure, and write the result file."""
    if importlib.util.find_spec("ray") is None:
        print("ray is not installed: nothing measured (pip install 'gradscape[ray]')", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        engine, store = RayEngine(workers=ACTORS, threads=1), SqliteStore(Path(folder) / "runs.sqlite")
        service = Service(store, engine, Feed(store), Path(folder))
        while service.state().workers.count("idle") < ACTORS:
            time.sleep(0.05)
        sides = {f"{parts} actors": player(service, engine, parts) for parts in (1, ACTORS)}
        samples = record.in_turn(sides, REPEATS)
        service.close()
    what = "surface 65×65, MLP 128-128: two Ray actors against one"
    figure = record.ratio(what, samples, f"{ACTORS} actors", "1 actors", 1.0)
    record.write("ray_surface", "A surface on two Ray actors", [figure], threads=1, repeats=REPEATS)


if __name__ == "__main__":
    main()
