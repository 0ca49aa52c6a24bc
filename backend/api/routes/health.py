"""``GET /api/health``: is it up, and what do the workers do."""

from fastapi import APIRouter, Request, Response

from backend.api.deps import ServiceDep, answer_model
from backend.schemas.base import WireModel

router = APIRouter(tags=["health"])


class Health(WireModel):
    """The state of the server; ``ok`` as long as it answers, ``ready`` once a worker is warm."""

    status: str = "ok"
    version: str
    engine: str
    ready: bool
    workers: tuple[str, ...]
    queued: int


@router.get("/api/health", response_model=None, responses={200: {"model": Health}})
def health(request: Request, service: ServiceDep) -> Response:
    """Say whether the server is up, and what its workers do."""
    state = service.state()
    return answer_model(
        Health(
            version=request.app.version,
            engine=state.engine,
            ready=state.ready,
            workers=state.workers,
            queued=state.queued,
        )
    )
