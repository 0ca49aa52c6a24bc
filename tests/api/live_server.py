"""A real server on a free port, in a thread, and a reader of its streams."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI


@dataclass
class Message:
    """A message of a stream; ``kind`` is ``comment`` for a comment."""

    kind: str = "message"
    id: int | None = None
    data: Any = None


@dataclass
class Server:
    """The running server; ``stop`` ends it as Ctrl-C would."""

    url: str
    uvicorn: uvicorn.Server
    thread: threading.Thread
    streams: list[httpx.Client] = field(default_factory=list)

    def stop(self) -> None:
        self.uvicorn.should_exit = True
        self.thread.join(20)

    @contextlib.contextmanager
    def stream(self, last_id: int | None = None, **query: Any) -> Iterator[Iterator[Message]]:
        headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
        with (
            httpx.Client(base_url=self.url, timeout=20, trust_env=False) as client,
            client.stream("GET", "/api/stream", params=query, headers=headers) as answer,
        ):
            assert answer.status_code == 200, answer.read()
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield messages(answer.iter_lines())


def messages(lines: Iterator[str]) -> Iterator[Message]:
    """Parse a stream as a browser does."""
    now = Message()
    for line in lines:
        name, _, value = line.partition(": ")
        if line.startswith(":"):
            yield Message(kind="comment")
        elif name == "id":
            now.id = int(value)
        elif name == "event":
            now.kind = value
        elif name == "data":
            now.data = json.loads(value)
        elif line == "" and now.data is not None:
            yield now
            now = Message()


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[Server]:
    """Serve an app until the block ends."""
    bound = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=10))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])), daemon=True)
    thread.start()
    made = Server(f"http://127.0.0.1:{bound.getsockname()[1]}", server, thread)
    try:
        yield made
    finally:
        made.stop()
