"""A race without the browser: build a request, run it here or on a server, read its events.

python examples/headless_run.py                                    in memory, in this process
python examples/headless_run.py --server http://127.0.0.1:8050     on a running app, where it can be opened
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from app.settings import Settings
from app.wiring import make_service
from backend.jobs.store import EventFilter
from backend.schemas.events import AnyEvent, Envelope, Eval, Failed, LaneEnded
from backend.schemas.optimizer import AdamOptimizer, SgdOptimizer
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import MlpModel
from backend.schemas.run import ENDED, Lane, Run, TrainRequest


def race(steps: int) -> TrainRequest:
    """Describe three rules on digits; a value out of its bounds is refused here already."""
    return TrainRequest(
        name="three on digits, headless",
        problem=DataProblem(data=DigitsData(examples=1500), model=MlpModel(hidden=(32, 32))),
        steps=steps,
        batch_size=128,
        lanes=(
            Lane(name="SGD", optimizer=SgdOptimizer(lr=0.1)),
            Lane(name="momentum", optimizer=SgdOptimizer(lr=0.1, momentum=0.9)),
            Lane(name="Adam", optimizer=AdamOptimizer(lr=0.003)),
        ),
    )


def run_here(request: TrainRequest) -> Iterator[AnyEvent]:
    """Run a request in this process, with its events in memory, and yield them."""
    with tempfile.TemporaryDirectory() as scratch:
        service = make_service(Settings(data=Path(scratch), engine="inline"), in_memory=True)
        try:
            run = service.submit(request)
            service.wait(run.id)
            after: int | None = 0
            while after is not None:
                rows, after = service.events(run.id, EventFilter(after=after))
                yield from (Envelope.decode(row.text).event for row in rows)
        finally:
            service.close()


def run_there(request: TrainRequest, server: str) -> Iterator[AnyEvent]:
    """Post a request to a server, wait for its end, and yield its events. Any HTTP client can do the same."""
    with httpx.Client(base_url=server) as client:
        posted = client.post("/api/runs", content=request.encode()).raise_for_status()
        run = Run.decode(posted.content)
        while run.status not in ENDED:
            time.sleep(0.2)
            run = Run.decode(client.get(f"/api/runs/{run.id}").raise_for_status().content)
        after: int | None = 0
        while after is not None:
            page = client.get(f"/api/runs/{run.id}/events", params={"after": after}).raise_for_status().json()
            yield from (Envelope.model_validate(item).event for item in page["items"])
            after = page["next"]


def main() -> None:
    """Run the race, and print where each lane ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300, help="updates of each lane (default %(default)s)")
    parser.add_argument("--server", help="address of a running app; without it the race runs here")
    asked = parser.parse_args()

    request = race(asked.steps)
    last: dict[tuple[str | None, str], Eval] = {}
    for event in run_there(request, asked.server) if asked.server else run_here(request):
        if isinstance(event, Eval):
            last[event.lane, event.split] = event
        elif isinstance(event, LaneEnded):
            print(f"{event.lane}: {event.reason} at step {event.step}")
        elif isinstance(event, Failed):
            raise SystemExit(event.error.message)
    for (lane, split), each in last.items():
        print(f"{lane}, {split}: loss {each.loss:.4g}, accuracy {each.accuracy:.1%}")


if __name__ == "__main__":
    main()
