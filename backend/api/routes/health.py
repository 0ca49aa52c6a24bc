"""``GET /api/health``: is it up, and what do the workers do."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from backend.api.deps import ServiceDep, answer_model
from backend.api.gate import ADMITTED
from backend.jobs.errors import Unavailable
from backend.schemas.base import WireModel

router = APIRouter(tags=["health"])


class Health(WireModel):
    """The state of the server; ``ok`` as long as it answers, ``ready`` once a worker is warm.

    Whoever has not signed in where that is needed learns no more than ``status``, ``live`` and ``ready``.
    """

    status: str = "ok"
    live: bool = True
    ready: bool
    version: str | None = None
    engine: str | None = None
    workers: tuple[str, ...] = ()
    queued: int | None = None


@router.get("/api/health", response_model=None, responses={200: {"model": Health}})
def health(
    request: Request,
    service: ServiceDep,
    probe: Annotated[
        Literal["live", "ready"], Query(description="What a status of 200 says; ready: 503 while no worker is warm.")
    ] = "live",
) -> Response:
    """Say whether the server is up, and what its workers do; the one route that needs no token.

    Returns:
        The state.

    Raises:
        Unavailable: where readiness is asked for and no worker is warm.
    """
    state = service.state()
    if probe == "ready" and not state.ready:
        raise Unavailable("no worker is ready yet", hint="Ask again in a second; the first one takes a few to come up.")
    if not request.scope.get(ADMITTED, True):
        return answer_model(Health(ready=state.ready))
    return answer_model(
        Health(
            ready=state.ready,
            version=request.app.version,
            engine=state.engine,
            workers=state.workers,
            queued=state.queued,
        )
    )
