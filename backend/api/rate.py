"""How often one client may ask: a bucket of tokens for each address, filled at a steady rate.

A request that the server makes of itself while it answers another one (a callback of the page asks the API) is counted
once, with the first.
"""

import math
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.errors import answer
from backend.schemas.errors import ErrorDetail

SECONDS: Final = 10.0  # of the rate that may come at once
MOST: Final = 10_000  # addresses that are remembered
INSIDE: Final = ("127.0.0.1", 123)  # whom httpx names as the client where there is no network between
_counted: ContextVar[bool] = ContextVar("counted", default=False)


class RateLimit:
    """Refuses what comes too often.

    Args:
        app: what is guarded.
        rate: requests a second of one address, on average; ten seconds' worth may come at once.
        clock: seconds, rising.
    """

    def __init__(self, app: ASGIApp, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.app, self.rate, self.full = app, rate, rate * SECONDS
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # address → requests left, and when that was

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer ``too_many``."""
        client = tuple(scope.get("client") or ("nobody", 0))
        if scope["type"] != "http" or (_counted.get() and client == INSIDE):
            await self.app(scope, receive, send)
            return
        wait = self._take(client[0])
        if wait > 0.0:
            await _refusal(self.rate, wait)(scope, receive, send)
            return
        before = _counted.set(True)
        try:
            await self.app(scope, receive, send)
        finally:
            _counted.reset(before)

    def _take(self, address: str) -> float:
        """Take one request out of the address' bucket; return the seconds until there is one, 0 where there was."""
        now = self._clock()
        left, at = self._buckets.get(address, (self.full, now))
        left = min(self.full, left + (now - at) * self.rate)
        if address not in self._buckets and len(self._buckets) >= MOST:
            self._forget(now)
        taken = left >= 1.0
        self._buckets[address] = (left - 1.0 if taken else left, now)
        return 0.0 if taken else (1.0 - left) / self.rate

    def _forget(self, now: float) -> None:
        """Drop the buckets that are full again, or all where none is."""
        busy = {
            name: (left, at) for name, (left, at) in self._buckets.items() if left + (now - at) * self.rate < self.full
        }
        self._buckets = busy if len(busy) < MOST else {}


def _refusal(rate: float, wait: float) -> ASGIApp:
    detail = ErrorDetail(
        code="too_many",
        message=f"expected at most {rate:g} requests a second from one address, got more",
        hint="Ask less often (the stream brings events by itself), or raise GRADSCAPE_RATE_LIMIT.",
    )
    return answer(detail, headers={"retry-after": str(math.ceil(wait))})
