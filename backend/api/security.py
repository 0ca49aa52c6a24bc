"""Who may ask: the one dependency of every route, the Host check, and the limit on bodies.

The Host check stops a page on another site from reaching a server on this machine through a name that it has made to
point here (DNS rebinding); the check of Origin stops it from posting here under our own name. They are the outermost
layer, so that they also guard the page.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.errors import TooLarge, answer
from backend.schemas.errors import ErrorDetail

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
DRAINED = 256 * 2**20  # bytes of a refused body that are read and dropped, so that the client gets to read the answer


async def security() -> None:
    """Admit the caller. Open: the server listens on this machine alone; a token is asked for here when it does not."""


def host_name(header: str) -> str:
    """Return the name in a Host header, without its port, in lower case."""
    name = header.strip().lower()
    if name.startswith("["):
        return name[: name.find("]") + 1]
    return name.partition(":")[0]


class HostCheck:
    """Refuses requests whose Host header names another machine, and those that another site's page sends."""

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...] = LOCAL_HOSTS) -> None:
        self.app = app
        self.allowed = frozenset(host.lower() for host in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer ``bad_host`` or ``forbidden``."""
        refusal = self._refusal(Headers(scope=scope)) if scope["type"] in {"http", "websocket"} else None
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(refusal)(scope, receive, send)

    def _refusal(self, headers: Headers) -> ErrorDetail | None:
        hosts, origin = headers.getlist("host"), headers.get("origin")
        if len(hosts) != 1 or host_name(hosts[0]) not in self.allowed:
            return ErrorDetail(
                code="bad_host",
                message=f"expected the Host header {' or '.join(sorted(self.allowed))}, got {', '.join(hosts)!r}",
                hint="Open the address that the server printed, or add this name to GRADSCAPE_ALLOWED_HOSTS.",
            )
        if origin is not None and host_name(urlsplit(origin).netloc) not in self.allowed:
            return ErrorDetail(
                code="forbidden",
                message=f"expected a page of {' or '.join(sorted(self.allowed))} to ask, got {origin[:80]!r}",
                hint="Ask from this server's own page or from a program, or add the site to GRADSCAPE_ALLOWED_HOSTS.",
            )
        return None


class BodyLimit:
    """Refuses bodies above a limit: by Content-Length before reading, and by count while reading."""

    def __init__(self, app: ASGIApp, limit_of: Callable[[str], int]) -> None:
        self.app = app
        self.limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counted body, or answer ``too_large``."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limit_of(scope["path"])
        length = Headers(scope=scope).get("content-length", "")
        if length.isdigit() and int(length) > limit:
            await _drain(receive)
            await answer(TooLarge(limit).detail, headers={"connection": "close"})(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                await _drain(receive)
                raise TooLarge(limit)
            return message

        await self.app(scope, counted, send)


async def _drain(receive: Receive) -> None:
    left, more = DRAINED, True
    while more and left > 0:
        message = await receive()
        more = message.get("more_body", False)
        left -= len(message.get("body", b""))
