"""The store's tables as SQLAlchemy sees them, and runs and events as their rows."""

import json
from typing import Any, Final

from sqlalchemy import JSON, Boolean, Column, Integer, MetaData, Row, String, Table

from backend.schemas.events import AnyEvent, Envelope, PathPoints, TrainChunk
from backend.schemas.run import Run

METADATA: Final = MetaData()
RUNS: Final = Table(
    "runs",
    METADATA,
    Column("id", String, primary_key=True),
    *(Column(name, String) for name in ("kind", "name", "status", "created", "started", "ended", "parent")),
    Column("paused", Boolean),
    *(Column(name, JSON(none_as_null=True)) for name in ("tags", "request", "progress", "error")),
    Column("last_seq", Integer),
)
EVENTS: Final = Table(
    "events",
    METADATA,
    Column("row", Integer, primary_key=True),
    *(Column(name, String) for name in ("run", "kind", "lane", "at", "text")),
    *(Column(name, Integer) for name in ("seq", "step")),
)
IDEMPOTENCY: Final = Table(
    "idempotency", METADATA, *(Column(name, String, primary_key=name == "key") for name in ("key", "body", "run"))
)


def row_of_run(run: Run) -> dict[str, Any]:
    """Write a run as a row; its place in the queue is not stored."""
    return run.model_dump(mode="json", exclude={"queue_position"})


def run_of_row(row: Row[Any]) -> Run:
    """Read a run from its row."""
    return Run.model_validate_json(json.dumps(dict(row._mapping)))


def row_of_event(run: str, seq: int, at: str, event: AnyEvent) -> dict[str, Any]:
    """Write an event as a row: the envelope as it goes on the wire, and what it can be found by.

    A chunk or a path is found by its first step, so that asking for the events up to a step misses none of it.

    Returns:
        Values of all columns but the row's number.
    """
    if isinstance(event, TrainChunk | PathPoints):
        step = int(event.step[0]) if event.step.size else None
    else:
        step = getattr(event, "step", None)
    return {
        "run": run,
        "seq": seq,
        "kind": event.kind,
        "lane": getattr(event, "lane", None),
        "step": step,
        "at": at,
        "text": Envelope(run=run, seq=seq, at=at, event=event).encode(),
    }
