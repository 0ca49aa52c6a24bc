"""From where may be asked: the checks of Host and Origin, and the limit on bodies.

The Host check stops a page on another site from reaching a server on this machine through a name that it has made to
point here (DNS rebinding); the check of Origin stops it from posting here under our own name: only a page that came
from the very host and port that it asks may ask. They are the outermost layer, so that they also guard the page.
"""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.errors import TooLarge, answer
from backend.schemas.errors import ErrorDetail

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
DRAINED = 256 * 2**20  # bytes of a refused body that are read and dropped, so that the client gets to read the answer


def host_name(header: str) -> str:
    """Return the name in a Host header, without its port, in lower case."""
    name = header.strip().lower()
    if name.startswith("["):
        return name[: name.find("]") + 1]
    return name.partition(":")[0]


class HostCheck:
    """Refuses requests whose Host header names another machine, and those that another site's page sends.

    Args:
        app: what is guarded.
        allowed: names that the Host header may carry, with any port.
        own_address: also the address at which the request arrived (of a server that listens on every one).
        origins: of other sites whose pages may ask, as in ``https://lab.example``.
    """

    def __init__(
        self,
        app: ASGIApp,
        allowed: tuple[str, ...] = LOCAL_HOSTS,
        own_address: bool = False,
        origins: tuple[str, ...] = (),
    ) -> None:
        self.app = app
        self.allowed = frozenset(host.lower() for host in allowed)
        self.own_address = own_address
        self.origins = frozenset(origin.lower() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer ``bad_host`` or ``forbidden``."""
        refusal = self._refusal(scope) if scope["type"] in {"http", "websocket"} else None
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> ErrorDetail | None:
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        names = self.allowed | self._arrived_at(scope)
        if len(hosts) != 1 or host_name(hosts[0]) not in names:
            return ErrorDetail(
                code="bad_host",
                message=f"expected the Host header {' or '.join(sorted(self.allowed))}, got {', '.join(hosts)[:80]!r}",
                hint="Open the address that the server printed, or add this name to GRADSCAPE_ALLOWED_HOSTS.",
            )
        foreign = [origin for origin in origins if not self._is_own(origin.lower(), hosts[0].strip().lower())]
        if foreign:
            return ErrorDetail(
                code="forbidden",
                message=f"expected a page of {hosts[0].strip()} to ask, got {foreign[0][:80]!r}",
                hint="Ask from this server's own page or from a program, or add the site to GRADSCAPE_ORIGINS.",
            )
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        scheme, _, place = origin.partition("://")
        return origin in self.origins or (scheme in {"http", "https"} and place == host)

    def _arrived_at(self, scope: Scope) -> frozenset[str]:
        if not self.own_address or not scope.get("server"):
            return frozenset()
        address = str(scope["server"][0]).lower()
        return frozenset({f"[{address}]" if ":" in address else address})


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
