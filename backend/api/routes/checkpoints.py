"""Checkpoint files: weights from elsewhere that runs start from and analyses look at; read as numbers, never run."""

from fastapi import APIRouter, Response

from backend.api.bodies import PROBLEM, body
from backend.api.deps import Body, ServiceDep, answer_model, parse
from backend.schemas.base import WireModel
from backend.schemas.snapshot import CheckpointFile, CheckpointMatch

PREFIX = "/api/checkpoints"
router = APIRouter(prefix=PREFIX, tags=["checkpoints"])
BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


class CheckpointPage(WireModel):
    """The files there are, by name; one that cannot be read is left out."""

    items: tuple[CheckpointFile, ...]


@router.get("", response_model=None, responses={200: {"model": CheckpointPage}})
def page(service: ServiceDep) -> Response:
    """List the files, uploaded or put into the data directory's folder ``checkpoints``."""
    return answer_model(CheckpointPage(items=tuple(service.checkpoints.all())))


@router.put(
    "/{name}",
    status_code=201,
    response_model=None,
    responses={201: {"model": CheckpointFile}},
    openapi_extra={"requestBody": {"required": True, "content": BINARY}},
)
def upload(service: ServiceDep, name: str, raw: Body) -> Response:
    """Store a safetensors file, or a state dict of torch.save, under a name; one of that name is replaced."""
    return answer_model(service.checkpoints.save(name, raw), status=201)


@router.post(
    "/{name}/match",
    response_model=None,
    responses={200: {"model": CheckpointMatch}},
    openapi_extra=body("Problem"),
)
def match(service: ServiceDep, name: str, raw: Body) -> Response:
    """Say what of a file fits a problem by name and shape; nothing is run."""
    return answer_model(service.checkpoints.match(name, parse(PROBLEM, raw)))


@router.delete("/{name}", status_code=204, response_model=None)
def delete(service: ServiceDep, name: str) -> Response:
    """Forget a file."""
    service.checkpoints.delete(name)
    return Response(status_code=204)
