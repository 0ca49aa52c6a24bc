"""The way from the page's callbacks to the API: HTTP, with the credentials of whoever asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dash
import httpx

from backend.schemas.errors import ErrorBody, ErrorDetail
from backend.schemas.run import Run

FORWARDED = ("authorization", "cookie", "host", "x-forwarded-for", "x-forwarded-proto")
TIMEOUT = 10.0  # seconds


class Refused(Exception):
    """The API's answer, where it was an error."""

    def __init__(self, detail: ErrorDetail) -> None:
        super().__init__(detail.message)
        self.detail = detail


def caller_headers() -> dict[str, str]:
    """Return the credentials of the request that the running callback answers."""
    headers: Mapping[str, str] = dash.ctx.headers
    return {key: value for key, value in headers.items() if key.lower() in FORWARDED}


@dataclass(frozen=True)
class Client:
    """Asks the API of the application that the page belongs to.

    Args:
        transport: makes the way to the API; by default wiring hands in one that calls the application directly, without
            a network in between.
        credentials: the headers to forward.
    """

    transport: Callable[[], httpx.AsyncBaseTransport]
    credentials: Callable[[], dict[str, str]] = caller_headers

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request.

        Returns:
            The answer's JSON, None where it has no body.

        Raises:
            Refused: where the API answers with an error, or cannot be reached.
        """
        # The name in the address is never resolved: Host is the caller's own, so that the API's check of it holds.
        async with httpx.AsyncClient(
            transport=self.transport(),
            base_url="http://127.0.0.1",
            headers=self.credentials(),
            timeout=TIMEOUT,
            trust_env=False,
        ) as client:
            try:
                answer = await client.request(method, path, json=body)
            except httpx.HTTPError as unreachable:
                raise Refused(_unreachable(unreachable)) from unreachable
        if answer.is_error:
            raise Refused(_detail(answer))
        return answer.json() if answer.content else None

    async def create(self, request: Any) -> Run:
        """Start a run."""
        return Run.model_validate(await self.ask("POST", "/api/runs", request))

    async def run(self, run: str) -> Run:
        """Look a run up."""
        return Run.model_validate(await self.ask("GET", f"/api/runs/{run}"))


def _detail(answer: httpx.Response) -> ErrorDetail:
    try:
        return ErrorBody.decode(answer.content).error
    except ValueError:
        return ErrorDetail(
            code="internal",
            message=f"the server answered {answer.status_code} in a form that the page does not know",
            hint="Reload the page; it may be older than the server.",
        )


def _unreachable(fault: httpx.HTTPError) -> ErrorDetail:
    return ErrorDetail(
        code="unavailable",
        message=f"the server did not answer ({type(fault).__name__})",
        hint="Check that it is running, then try again; nothing you typed is lost.",
    )
