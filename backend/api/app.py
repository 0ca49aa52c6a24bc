"""The factory of the HTTP interface."""

from collections.abc import Callable, Mapping, Sequence

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Match

from backend.api import errors
from backend.api.access import Access
from backend.api.docs_page import POLICY, docs_page
from backend.api.exports import Exporter, ViewExporter, own_exporters
from backend.api.gate import Gate
from backend.api.headers import SecureHeaders
from backend.api.openapi import document
from backend.api.rate import RateLimit
from backend.api.routes import catalog, checkpoints, export, health, metrics, recordings, runs, stream
from backend.api.security import LOCAL_HOSTS, BodyLimit, HostCheck
from backend.api.sse import HEARTBEAT
from backend.jobs.service import Service
from backend.schemas.errors import ErrorBody

MIB = 2**20
IMPORT = "/api/runs/import"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
SENT = ("authorization", "content-type", "idempotency-key", "last-event-id")  # headers that pages elsewhere may send
DESCRIPTION = (
    "Runs of optimizers and analyses, their events, and what this installation can do. "
    "Errors have one shape, ErrorBody. NaN and infinities are the strings NaN, Infinity and -Infinity."
)


def create_api(
    service: Service,
    *,
    version: str,
    page: Callable[[FastAPI], object] | None = None,
    exporters: Mapping[str, Exporter] | None = None,
    view_exporters: Mapping[str, ViewExporter] | None = None,
    token: str | None = None,
    allowed_hosts: tuple[str, ...] = LOCAL_HOSTS,
    own_address: bool = False,
    origins: tuple[str, ...] = (),
    rate_limit: float | None = None,
    body_limit: int = 4 * MIB,
    import_limit: int = 256 * MIB,
    queue_limit: int | None = None,
    heartbeat: float = HEARTBEAT,
) -> FastAPI:
    """Make the application.

    Args:
        service: what the routes speak for.
        version: the distribution's version.
        page: puts the page on the application, after the API's routes and inside its guards.
        exporters: formats beside our own (which need nothing but the events).
        view_exporters: formats that show several runs beside each other, as the page does.
        token: what callers must know; None: whoever reaches the server may use it.
        allowed_hosts: names that a Host header may carry, without port.
        own_address: let the Host header also carry the address at which the request arrived.
        origins: other sites whose pages may ask.
        rate_limit: requests a second of one address; None: any number.
        body_limit: largest body in bytes.
        import_limit: largest imported run, and largest checkpoint file, in bytes.
        queue_limit: most runs that may wait for a worker; None: any number.
        heartbeat: seconds of silence before a stream sends a comment.

    Returns:
        The application, ready to be served.
    """
    app = FastAPI(
        title="Gradscape",
        version=version,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        responses={"default": {"model": ErrorBody, "description": "What went wrong."}},
    )
    app.state.service = service
    app.state.feed = service.feed
    app.state.exporters = {**own_exporters(version), **(exporters or {})}
    app.state.view_exporters = dict(view_exporters or {})
    app.state.heartbeat = heartbeat
    app.state.queue_limit = queue_limit
    errors.install(app)
    families = (
        health.router,
        metrics.router,
        catalog.router,
        runs.router,
        stream.router,
        export.router,
        checkpoints.router,
        recordings.router,
        _documentation(),
    )
    for family in (*families, _guard(families)):
        app.include_router(family)
    if page is not None:
        page(app)
    # From here on each guard stands before those above it; they guard the page, its files and unknown addresses alike.
    large = (IMPORT, f"{checkpoints.PREFIX}/", f"{recordings.PREFIX}/")
    app.add_middleware(BodyLimit, limit_of=lambda path: import_limit if path.startswith(large) else body_limit)
    if token is not None:
        app.add_middleware(Gate, access=Access(token))
    if origins:
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=METHODS, allow_headers=SENT)
    if rate_limit is not None:
        app.add_middleware(RateLimit, rate=rate_limit)
    app.add_middleware(HostCheck, allowed=allowed_hosts, own_address=own_address, origins=origins)
    app.add_middleware(SecureHeaders)
    return app


def _documentation() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/api/openapi.json")
    def openapi(request: Request) -> Response:
        return JSONResponse(document(request.app))

    @router.get("/api/docs")
    def docs(request: Request) -> Response:
        return HTMLResponse(docs_page(document(request.app)), headers={"content-security-policy": POLICY})

    return router


def _guard(families: Sequence[APIRouter]) -> APIRouter:
    """Answer what the routes before it do not: without it the page's catch-all would answer with HTML."""
    router = APIRouter(include_in_schema=False)
    known = [route for family in families for route in family.routes if isinstance(route, APIRoute)]

    @router.api_route("/api", methods=METHODS)
    @router.api_route("/api/{rest:path}", methods=METHODS)
    def unknown(request: Request) -> Response:
        here = [route for route in known if route.matches(request.scope)[0] is Match.PARTIAL]
        allowed = sorted({method for route in here for method in route.methods or ()})
        raise HTTPException(405, headers={"allow": ", ".join(allowed)}) if allowed else HTTPException(404)

    return router
