"""``GET /api/stream``: events of several runs as they come."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from backend.api.deps import FeedDep, ServiceDep, known_kinds, split
from backend.api.errors import InvalidQuery
from backend.api.sse import LAST, Wanted, stream
from backend.jobs.service import Service
from backend.jobs.store import EventFilter
from backend.schemas.run import ENDED

router = APIRouter(tags=["events"])
MOST_RUNS = 64


@router.get(
    "/api/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/Envelope"}}}}},
)
def follow(
    request: Request,
    service: ServiceDep,
    feed: FeedDep,
    runs: Annotated[str, Query(description="Ids of runs, separated by commas, or * for all.")],
    kinds: Annotated[str, Query(description="Kinds of events, separated by commas; empty for all.")] = "",
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="Row number to go on after.")] = 0,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=2**63 - 1, description="What a browser sends when it reconnects; wins over after.")
    ] = None,
) -> StreamingResponse:
    """Send events as they come, first those that are stored.

    ``id`` is the row number to resume after, ``event`` the kind, ``data`` the Envelope. ``close`` comes last, with the
    reason ``finished`` (all of these runs have ended; do not reconnect) or ``shutdown`` (reconnect later).

    Returns:
        The stream.

    Raises:
        InvalidQuery: where no run or too many are asked for, or a kind is unknown.
    """
    asked = None if runs == "*" else split(runs)
    if asked is not None and not 1 <= len(asked) <= MOST_RUNS:
        raise InvalidQuery("runs", f"expected 1 to {MOST_RUNS} ids, or *, got {len(asked)}")
    start = after if last_event_id is None else last_event_id
    pending = frozenset(run for run in asked or () if _pending(service, run, start))
    wanted = Wanted(asked, known_kinds(kinds), start, pending)
    return StreamingResponse(
        stream(feed, wanted, request.app.state.heartbeat),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


def _pending(service: Service, run: str, after: int) -> bool:
    """Say whether the run's last event is yet to be sent."""
    if service.get(run).status not in ENDED:
        return True
    last, _ = service.events(run, EventFilter(kinds=(LAST,), last=1))
    return bool(last) and last[0].row > after
