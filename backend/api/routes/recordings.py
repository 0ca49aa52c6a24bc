"""Recordings: a training loop elsewhere sends its losses and snapshots, and they become a run."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from backend.api.bodies import body
from backend.api.deps import Body, ServiceDep, answer_model, parse
from backend.schemas.recording import RECORDED, RECORDING
from backend.schemas.run import MAX_STEPS, Run

PREFIX = "/api/recordings"
router = APIRouter(prefix=PREFIX, tags=["recordings"])
BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
Step = Annotated[int, Path(ge=0, le=MAX_STEPS, description="Updates that the parameters have had.")]


@router.post("", status_code=201, response_model=None, responses={201: {"model": Run}}, openapi_extra=body("Recording"))
def begin(service: ServiceDep, raw: Body) -> Response:
    """Begin a recording; the answer is its run."""
    return answer_model(service.get(service.recordings.begin(parse(RECORDING, raw))), status=201)


@router.post("/{run}/events", status_code=204, response_model=None, openapi_extra=body("RecordedEvents"))
def tell(service: ServiceDep, run: str, raw: Body) -> Response:
    """Store rows of steps, and evaluations."""
    service.recordings.tell(run, parse(RECORDED, raw))
    return Response(status_code=204)


@router.put(
    "/{run}/snapshots/{step}",
    status_code=204,
    response_model=None,
    openapi_extra={"requestBody": {"required": True, "content": BINARY}},
)
def snapshot(service: ServiceDep, run: str, step: Step, raw: Body) -> Response:
    """Keep the parameters after so many steps: float32, little-endian, in the model's order."""
    service.recordings.snapshot(run, step, raw)
    return Response(status_code=204)


@router.post("/{run}/finish", response_model=None, responses={200: {"model": Run}})
def finish(
    service: ServiceDep,
    run: str,
    status: Annotated[Literal["succeeded", "failed", "cancelled"], Query(description="How it ended.")] = "succeeded",
) -> Response:
    """End a recording."""
    service.recordings.finish(run, status)
    return answer_model(service.get(run))
