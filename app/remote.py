"""``gradscape run --server URL``: the request goes to a running server, its events come back."""

from collections.abc import AsyncIterator

import httpx

from app.refused import Refused
from backend.schemas.errors import ErrorBody, ErrorDetail
from backend.schemas.run import AnyRequest, Run

TIMEOUT = 30.0  # seconds for an answer to begin; a stream sends a comment every 15 s


class Remote:
    """A running server.

    Args:
        url: its address, as it printed it.
        token: its token, where it asks for one.
        transport: the way to it, where it is not the network (tests).
    """

    def __init__(self, url: str, token: str | None = None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={} if token is None else {"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT,
            transport=transport,
            trust_env=False,
        )

    async def submit(self, request: AnyRequest) -> Run:
        """Ask for a run.

        Returns:
            The run, queued.

        Raises:
            Refused: where it is refused.
        """
        return Run.decode(await self._ask("POST", "/api/runs", request.encode()))

    async def get(self, run: str) -> Run:
        """Look a run up."""
        return Run.decode(await self._ask("GET", f"/api/runs/{run}"))

    async def cancel(self, run: str) -> None:
        """Ask a run to stop."""
        await self._ask("POST", f"/api/runs/{run}/control", '{"action": "cancel"}')

    async def envelopes(self, run: str) -> AsyncIterator[str]:
        """Read a run's events from the first to the last.

        Args:
            run: its id.

        Yields:
            Envelopes as JSON text.

        Raises:
            Refused: where the server goes away before the last.
        """
        try:
            async with self._client.stream("GET", "/api/stream", params={"runs": run}) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise Refused(_detail(self.url, answer))
                kind = ""
                async for line in answer.aiter_lines():
                    if line.startswith("event: "):
                        kind = line.removeprefix("event: ")
                    elif line.startswith("data: ") and kind != "close":
                        yield line.removeprefix("data: ")
                        if kind == "finished":
                            return
        except httpx.HTTPError as error:
            raise Refused(_gone(self.url, str(error))) from error
        raise Refused(_gone(self.url, "it stopped"))

    async def close(self) -> None:
        """Let the connection go."""
        await self._client.aclose()

    async def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        try:
            answer = await self._client.request(method, path, content=body)
        except httpx.HTTPError as error:
            raise Refused(_gone(self.url, str(error))) from error
        if answer.is_error:
            raise Refused(_detail(self.url, answer))
        return answer.content


def _detail(url: str, answer: httpx.Response) -> ErrorDetail:
    try:
        return ErrorBody.decode(answer.content).error
    except ValueError:
        return ErrorDetail(
            code="unavailable",
            message=f"expected a Gradscape server at {url}, got status {answer.status_code}",
            hint="Give the address that gradscape serve printed.",
        )


def _gone(url: str, reason: str) -> ErrorDetail:
    return ErrorDetail(
        code="unavailable",
        message=f"cannot reach {url}: {reason or 'no answer'}",
        hint="Check that gradscape serve runs there; its run, once begun, goes on without this command.",
    )
