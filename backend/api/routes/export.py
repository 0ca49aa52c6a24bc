"""Exports of a stored run, and the import of one."""

from collections.abc import Iterator, Mapping
from typing import Annotated, cast
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from backend.api.bodies import EXPORTED, body
from backend.api.deps import Body, ServiceDep, answer_model, parse, split
from backend.api.errors import ApiError
from backend.api.exports import SCHEMA, Exporter, ViewExporter, header
from backend.jobs.errors import invalid_field
from backend.jobs.service import Service
from backend.jobs.store import EventFilter
from backend.schemas.errors import ErrorDetail
from backend.schemas.run import ENDED, Run

router = APIRouter(prefix="/api/runs", tags=["export"])
PAGE = 500
MOST_RUNS = 8  # of one page
FILES = ("application/json", "text/csv", "application/x-npz", "text/x-python", "text/html")


@router.get(
    "/{run}/export",
    response_class=StreamingResponse,
    responses={200: {"content": {kind: {} for kind in FILES}, "description": "The file."}},
)
def export(
    request: Request,
    run: str,
    service: ServiceDep,
    format: Annotated[str, Query(max_length=20, description="json, csv, npz, script or html.")] = "json",
    beside: Annotated[str, Query(max_length=400, description="html: ids of runs shown with it, with commas.")] = "",
    choices: Annotated[
        str, Query(max_length=2000, description="html: what its panels show, as in the page's address.")
    ] = "",
) -> StreamingResponse:
    """Write a run as a file.

    json can be imported again, csv and npz hold its columns, script repeats it, html is a page that works offline.

    Returns:
        The file.

    Raises:
        ApiError: where there is no such format.
    """
    found = service.get(run)
    exporters = cast(Mapping[str, Exporter], request.app.state.exporters)
    views = cast(Mapping[str, ViewExporter], request.app.state.view_exporters)
    if format in views:
        shown = [found, *(service.get(other) for other in split(beside) if other != run)][:MOST_RUNS]
        file = views[format]([(each, _texts(service, each.id)) for each in shown], dict(parse_qsl(choices)))
        return StreamingResponse(file.pieces, media_type=file.media_type, headers=header(found, file))
    if format not in exporters:
        raise ApiError(
            ErrorDetail(
                code="unsupported",
                message=f"expected a format of {', '.join((*exporters, *views))}, got {format!r}",
                hint=f"GET /api/runs/{found.id}/export?format={next(iter(exporters))} works.",
                where="format",
            )
        )
    file = exporters[format](found, _texts(service, found.id))
    return StreamingResponse(file.pieces, media_type=file.media_type, headers=header(found, file))


def _texts(service: Service, run: str) -> Iterator[str]:
    after: int | None = 0
    while after is not None:
        rows, after = service.events(run, EventFilter(after=after, limit=PAGE))
        yield from (row.text for row in rows)


@router.post(
    "/import", status_code=201, response_model=None, responses={201: {"model": Run}}, openapi_extra=body("ExportedRun")
)
def import_(service: ServiceDep, raw: Body) -> Response:
    """Store a run that was exported as json; it keeps its id, or takes a new one where that is taken."""
    exported = parse(EXPORTED, raw)
    if not 1 <= exported.schema_version <= SCHEMA:
        raise invalid_field("schema", f"expected an export of schema 1 to {SCHEMA}, got {exported.schema_version}")
    if exported.run.status not in ENDED:
        raise invalid_field("run.status", f"expected a run that has ended, got {exported.run.status!r}")
    for position, envelope in enumerate(exported.events):
        if envelope.seq != position + 1:
            raise invalid_field(f"events.{position}.seq", f"expected {position + 1}, got {envelope.seq}")
        if (envelope.event.kind == "finished") != (position == len(exported.events) - 1):
            raise invalid_field(f"events.{position}.event.kind", "expected exactly one finished, as the last event")
    if not exported.events:
        raise invalid_field("events", "expected at least the event finished, got none")
    return answer_model(service.adopt(exported.run, [envelope.event for envelope in exported.events]), status=201)
