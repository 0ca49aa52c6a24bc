"""Runs: ask for one, look at it, steer it, read its events, forget it."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from backend.api.bodies import CHANGES, body
from backend.api.deps import Body, ServiceDep, answer_model, answer_page, known_kinds, parse
from backend.api.gate import ADMITTED
from backend.jobs.errors import TooMany
from backend.jobs.store import EventFilter
from backend.schemas.base import WireModel
from backend.schemas.control import CONTROL
from backend.schemas.estimate import Estimate
from backend.schemas.events import Envelope
from backend.schemas.run import REQUEST, Kind, Run, Status
from backend.schemas.snapshot import KeptSnapshot

router = APIRouter(prefix="/api/runs", tags=["runs"])
MOST_RUNS = 500
MOST_EVENTS = 10_000
SHARED = "public, max-age=31536000, immutable"
OWN = "private, max-age=31536000, immutable"  # where a token is needed, no cache may give it to others


class RunPage(WireModel):
    """Runs, newest first; ``next`` is the cursor of the page after, null on the last."""

    items: tuple[Run, ...]
    next: str | None


class EventPage(WireModel):
    """Events in order; ``next`` is what to ask ``after`` for the page that follows, null on the last."""

    items: tuple[Envelope, ...]
    next: int | None


class SnapshotPage(WireModel):
    """Kept moments, by lane, repeat and step."""

    items: tuple[KeptSnapshot, ...]


@router.post("", status_code=201, response_model=None, responses={201: {"model": Run}}, openapi_extra=body("Request"))
def submit(
    request: Request,
    service: ServiceDep,
    raw: Body,
    idempotency_key: Annotated[
        str | None,
        Header(min_length=1, max_length=200, description="The same key and body again give the same run."),
    ] = None,
) -> Response:
    """Ask for a run; it is queued at once.

    Returns:
        The run.

    Raises:
        TooMany: where as many runs wait as are allowed.
    """
    wanted, limit = parse(REQUEST, raw), request.app.state.queue_limit
    if limit is not None and (waiting := service.state().queued) >= limit:
        raise TooMany(
            f"{waiting} runs wait for a worker, and at most {limit} may",
            hint="Wait until some have ended, cancel some, or raise GRADSCAPE_QUEUE_LIMIT.",
        )
    return answer_model(service.submit(wanted, idempotency_key), status=201)


@router.post("/estimate", response_model=None, responses={200: {"model": Estimate}}, openapi_extra=body("Request"))
def estimate(service: ServiceDep, raw: Body) -> Response:
    """Say what a run would take on one worker, from its request alone, and whether it would be refused; none begins."""
    return answer_model(service.estimate(parse(REQUEST, raw)))


@router.get("", response_model=None, responses={200: {"model": RunPage}})
def page(
    service: ServiceDep,
    status: Annotated[Status | None, Query(description="Only runs with this status.")] = None,
    kind: Annotated[Kind | None, Query(description="Only runs of this kind.")] = None,
    tag: Annotated[str | None, Query(max_length=40, description="Only runs with this tag.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_RUNS, description="Most runs in the answer.")] = 50,
    cursor: Annotated[str | None, Query(max_length=40, description="`next` of the page before.")] = None,
) -> Response:
    """List runs, newest first."""
    runs, following = service.page(status=status, kind=kind, tag=tag, limit=limit, cursor=cursor)
    return answer_page([run.encode() for run in runs], following)


@router.get("/{run}", response_model=None, responses={200: {"model": Run}})
def get(run: str, service: ServiceDep) -> Response:
    """Look a run up."""
    return answer_model(service.get(run))


@router.patch("/{run}", response_model=None, responses={200: {"model": Run}}, openapi_extra=body("RunChanges"))
def patch(run: str, service: ServiceDep, raw: Body) -> Response:
    """Change a run's name or tags."""
    changes = parse(CHANGES, raw)
    return answer_model(service.patch(run, name=changes.name, tags=changes.tags))


@router.delete("/{run}", status_code=204, response_model=None)
def delete(run: str, service: ServiceDep) -> Response:
    """Forget a run with its events, snapshots and checkpoints; 409 while it is queued or running."""
    service.delete(run)
    return Response(status_code=204)


@router.post(
    "/{run}/control", status_code=202, response_model=None, responses={202: {"model": Run}},
    openapi_extra=body("Control"),
)  # fmt: skip
def control(run: str, service: ServiceDep, raw: Body) -> Response:
    """Pause, resume, step, change a setting, or cancel; obeyed between two steps. 409 when it or the lane has ended."""
    return answer_model(service.control(run, parse(CONTROL, raw)), status=202)


@router.post("/{run}/resume", status_code=201, response_model=None, responses={201: {"model": Run}})
def resume(run: str, service: ServiceDep) -> Response:
    """Go on with a failed or cancelled race from its last checkpoints, bit for bit: a new run, this one its parent.

    Where it has kept no checkpoint yet it starts again from where it had started. 409 for what is no race, has not
    ended, or has taken all its steps.

    Returns:
        The new run.
    """
    return answer_model(service.resume(run), status=201)


@router.get("/{run}/events", response_model=None, responses={200: {"model": EventPage}})
def events(
    request: Request,
    run: str,
    service: ServiceDep,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="`seq` to go on after.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_EVENTS, description="Most events in the answer.")] = 1000,
    kinds: Annotated[str, Query(description="Kinds of events, separated by commas; empty for all.")] = "",
    lane: Annotated[str | None, Query(max_length=40, description="Only events about this lane.")] = None,
    step_to: Annotated[int | None, Query(ge=0, le=2**63 - 1, description="Only events up to this step.")] = None,
    last: Annotated[int | None, Query(ge=1, le=MOST_EVENTS, description="Only the last n of them.")] = None,
) -> Response:
    """Read a run's stored events, in order; a full page never changes, and says so to caches."""
    which = EventFilter(after, limit if last is None else last, known_kinds(kinds), lane, step_to, last)
    rows, following = service.events(run, which)
    answer = answer_page([row.text for row in rows], following)
    if following is not None:  # events are only ever added, after those
        answer.headers["cache-control"] = SHARED if ADMITTED not in request.scope else OWN
    return answer


@router.get("/{run}/snapshots", response_model=None, responses={200: {"model": SnapshotPage}})
def snapshots(run: str, service: ServiceDep) -> Response:
    """List the moments of a run that are still kept."""
    return answer_model(SnapshotPage(items=tuple(service.snapshots(run))))
