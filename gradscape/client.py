"""The way from a program of one's own to a running app: recordings, checkpoint files, analyses. Needs httpx alone."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self, cast

import httpx

TIMEOUT: Final = 30.0  # seconds for an answer
POLL: Final = 0.2  # seconds between two looks at a run that has not ended
PIECE: Final = (
    1 << 19
)  # bytes handed over at once; room for more would be new memory each time, which takes as long as sending
ENDED: Final = ("succeeded", "failed", "cancelled")
Json = dict[str, Any]


class Refused(Exception):
    """The app's own sentence; ``detail`` is its error as it came."""

    def __init__(self, detail: Json) -> None:
        super().__init__(" ".join(str(detail[key]) for key in ("message", "hint") if detail.get(key)))
        self.detail = detail


class Client:
    """A running app.

    Args:
        url: its address, as it printed it.
        token: its token, where it asks for one.
        transport: the way to it, where it is not the network (tests).
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8050",
        token: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(
            base_url=self.url, headers=headers, timeout=TIMEOUT, transport=transport, trust_env=False,
            verify=not self.url.startswith("http://"),  # without TLS there is no certificate: reading them takes 0.1 s
        )  # fmt: skip

    def ask(
        self, method: str, path: str, body: bytes | memoryview | Mapping[str, Any] | None = None, **query: str
    ) -> Any:
        """Ask the API once.

        Args:
            method: such as GET.
            path: such as ``/api/runs``.
            body: bytes, also those that lie somewhere else, or what is sent as JSON.
            query: parameters.

        Returns:
            The answer's JSON; None where it has none.

        Raises:
            Refused: where the app refuses; its sentence says why.
        """
        if body is not None and not isinstance(body, bytes | memoryview):
            body = json.dumps(body).encode()
        length = {} if body is None else {"Content-Length": str(len(body))}
        content = None if body is None else _pieces(memoryview(body))
        told = self._http.request(method, path, content=content, headers=length, params=query)
        answer = told.json() if told.content else None
        if told.is_error:
            error = answer.get("error") if isinstance(answer, dict) else None
            raise Refused(error or {"message": f"{method} {path} was answered with {told.status_code}"})
        return answer

    def run(self, request: Mapping[str, Any]) -> Json:
        """Ask for a run; ``docs/api.md`` says what a request holds."""
        return cast(Json, self.ask("POST", "/api/runs", request))

    def analyse(self, run: str, kind: str, **settings: Any) -> Json:
        """Ask for an analysis of a run's last kept moment, as ``analyse(run, "top_eigenvalues", k=4)``."""
        analysis = {"kind": kind, **settings}
        return self.run({"kind": "analyse", "at": [{"run": run}], "analysis": analysis})

    def wait(self, run: str, seconds: float = 600.0) -> Json:
        """Wait until a run has ended, or the time is over; return it as it then is."""
        end = time.monotonic() + seconds
        while (found := cast(Json, self.ask("GET", f"/api/runs/{run}")))["status"] not in ENDED:
            if time.monotonic() > end:
                break
            time.sleep(POLL)
        return found

    def upload(self, name: str, file: Path | str) -> Json:
        """Send a file of weights; runs then start from ``{"checkpoint": name}``."""
        return cast(Json, self.ask("PUT", f"/api/checkpoints/{name}", Path(file).read_bytes()))

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _pieces(body: memoryview) -> Iterator[bytes]:
    for start in range(0, len(body), PIECE):
        yield bytes(body[start : start + PIECE])
