"""The gate: without the token there is nothing but 401, the sign-in page, and the line that says the server is up.

It stands before every route, the page's own and its files included, so that no route can be forgotten.
"""

import logging
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api import sign_in
from backend.api.access import SESSION, Access
from backend.api.errors import answer
from backend.schemas.errors import ErrorDetail

LOG = logging.getLogger(__name__)
ADMITTED = "gradscape.admitted"  # key of the scope, for the one route that answers strangers too
OPEN = "/api/health"
LARGEST = 8192  # bytes of a sign-in form


class Gate:
    """Lets in who has the token.

    Args:
        app: what is guarded.
        access: knows the token.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer ``unauthorized``."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        admitted = self.access.admits(headers)
        if scope["type"] == "websocket":
            await (self.app(scope, receive, send) if admitted else send({"type": "websocket.close", "code": 1008}))
            return
        here = (scope["method"], scope["path"])
        if here in {("GET", sign_in.PATH), ("POST", sign_in.PATH), ("POST", sign_in.OUT)}:
            await (await self._sign(scope, receive, admitted))(scope, receive, send)
        elif admitted or here == ("GET", OPEN):
            await self.app({**scope, ADMITTED: admitted}, receive, send)
        else:
            await _refusal(scope, headers)(scope, receive, send)

    async def _sign(self, scope: Scope, receive: Receive, admitted: bool) -> Response:
        """Answer what is asked of the sign-in page."""
        if scope["method"] == "GET":
            return sign_in.page(inside=admitted)
        if scope["path"] == sign_in.OUT:
            out = RedirectResponse(sign_in.PATH, 303)
            out.delete_cookie(self.access.cookie, path="/", httponly=True, samesite="lax")
            return out
        form = dict(parse_qsl((await _read(receive)).decode("utf-8", "replace")))
        then = sign_in.local(form.get("then", "/"))
        if not self.access.knows(form.get("token", "").strip()):
            LOG.warning("a wrong token from %s", (scope.get("client") or ("nobody",))[0])
            return sign_in.page(then=then, status=401, refused="That is not this server's token.")
        done = RedirectResponse(then, 303)
        done.set_cookie(
            self.access.cookie, self.access.session(), max_age=SESSION, path="/",
            httponly=True, samesite="lax", secure=scope["scheme"] == "https",
        )  # fmt: skip
        return done


def _refusal(scope: Scope, headers: Headers) -> Response:
    if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
        query = scope["query_string"].decode("latin-1")
        return sign_in.page(then=scope["path"] + (f"?{query}" if query else ""), status=401)
    detail = ErrorDetail(
        code="unauthorized",
        message="expected the server's token, got none, another one, or a session that has ended",
        hint="Send Authorization: Bearer TOKEN, or set GRADSCAPE_TOKEN; in a browser open /sign-in.",
    )
    return answer(detail, headers={"www-authenticate": "Bearer", "cache-control": "no-store"})


async def _read(receive: Receive) -> bytes:
    """Read a small body; of a larger one, nothing."""
    body, more = b"", True
    while more and len(body) <= LARGEST:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return b"" if len(body) > LARGEST else body
