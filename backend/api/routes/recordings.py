"""Recordings: a training loop elsewhere sends its losses and snapshots, and they become a run."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from starlette.background import BackgroundTask

from backend.api.bodies import body
from backend.api.deps import Body, ServiceDep, answer_model, parse
from backend.schemas.recording import RECORDED, RECORDING
from backend.schemas.run import Run

PREFIX = "/api/recordings"
router = APIRouter(prefix=PREFIX, tags=["recordings"])
BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
Steps = Annotated[
    str,
    Query(
        pattern=r"^[0-9]{1,9}(,[0-9]{1,9})*$",
        description="Updates that the parameters have had, at each moment, separated by commas.",
    ),
]


@router.post("", status_code=201, response_model=None, responses={201: {"model": Run}}, openapi_extra=body("Recording"))
def begin(service: ServiceDep, raw: Body) -> Response:
    """Begin a recording; the answer is its run."""
    return answer_model(service.get(service.recordings.begin(parse(RECORDING, raw))), status=201)


@router.post("/{run}/events", status_code=204, response_model=None, openapi_extra=body("RecordedEvents"))
def tell(service: ServiceDep, run: str, raw: Body) -> Response:
    """Store rows of steps, and evaluations."""
    service.recordings.tell(run, parse(RECORDED, raw))
    return Response(status_code=204)


@router.post(
    "/{run}/snapshots",
    status_code=204,
    response_model=None,
    openapi_extra={"requestBody": {"required": True, "content": BINARY}},
)
def snapshots(service: ServiceDep, run: str, raw: Body, steps: Steps) -> Response:
    """Keep the parameters after so many steps, one moment after the other: float32, little-endian, in model order."""
    service.recordings.snapshots(run, [int(step) for step in steps.split(",")], raw)
    return Response(status_code=204)


@router.post(
    "/{run}/finish",
    response_model=None,
    responses={200: {"model": Run}},
    openapi_extra={"requestBody": {**body("RecordedEvents")["requestBody"], "required": False}},
)
def finish(
    service: ServiceDep,
    run: str,
    raw: Body,
    status: Annotated[Literal["succeeded", "failed", "cancelled"], Query(description="How it ended.")] = "succeeded",
) -> Response:
    """End a recording, with the last rows; its run ends as soon as its path has been laid."""
    answer = answer_model(service.get(run))
    answer.background = BackgroundTask(service.recordings.finish(run, status, parse(RECORDED, raw) if raw else None))
    return answer
