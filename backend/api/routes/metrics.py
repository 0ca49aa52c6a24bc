"""``GET /api/metrics``: figures for Prometheus, in its text format."""

import resource
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from fastapi import APIRouter, Request, Response

from backend.api.deps import ServiceDep
from backend.jobs.engine import EngineState

router = APIRouter(tags=["health"])
TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
STATES: Final = ("idle", "busy", "starting")


@dataclass(frozen=True)
class Metric:
    """A figure, or one for each value of a label."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    values: Mapping[str, float]  # by the label's value; "" where there is no label
    label: str = ""

    def lines(self) -> list[str]:
        """Write it."""
        found = [f"# HELP {self.name} {self.help}", f"# TYPE {self.name} {self.kind}"]
        for value, number in self.values.items():
            where = f'{{{self.label}="{value}"}}' if self.label else ""
            found.append(f"{self.name}{where} {number:.17g}")
        return found


@router.get("/api/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request, service: ServiceDep) -> Response:
    """Tell how the server is doing, for Prometheus."""
    state, counts = service.state(), service.feed.counts
    found = [
        Metric("gradscape_build_info", "gauge", "Version that runs.", {request.app.version: 1}, "version"),
        Metric("gradscape_ready", "gauge", "Whether a worker is warm.", {"": state.ready}),
        Metric("gradscape_workers", "gauge", "Workers by what they do.", workers(state), "state"),
        Metric("gradscape_queued_runs", "gauge", "Runs that wait for a worker.", {"": state.queued}),
        Metric("gradscape_stream_readers", "gauge", "Open streams of events.", {"": service.feed.readers}),
        Metric("gradscape_events_total", "counter", "Events stored since the start.", {"": counts.events}),
        Metric("gradscape_runs_ended_total", "counter", "Runs by how they ended.", counts.ended, "outcome"),
        Metric(
            "gradscape_disk_free_bytes", "gauge", "Room in the data directory.", {"": _free(service.checkpoints.folder)}
        ),
        Metric("process_cpu_seconds_total", "counter", "Processor time of the server.", {"": time.process_time()}),
        Metric("process_max_resident_memory_bytes", "gauge", "Most memory of the server so far.", {"": _most()}),
    ]
    return Response(text(found), media_type=TEXT)


def workers(state: EngineState) -> dict[str, int]:
    """Count the workers by what they do."""
    doing = [each if each in STATES else "busy" for each in state.workers]
    return {name: doing.count(name) for name in STATES}


def text(found: Sequence[Metric]) -> str:
    """Write metrics in Prometheus' text format."""
    return "\n".join(line for metric in found for line in metric.lines()) + "\n"


def _free(folder: Path) -> int:
    """Return the free bytes of the disk that holds a folder, which need not be there yet."""
    return shutil.disk_usage(next(place for place in folder.parents if place.exists())).free


def _most() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
