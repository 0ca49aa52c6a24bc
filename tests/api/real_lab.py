"""An API with a real worker in this process."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from backend.api.app import create_api
from backend.jobs.feed import Feed
from backend.jobs.inline import InlineEngine
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore


class RealLab:
    """Asks it, and waits for what it has asked for."""

    def __init__(self, service: Service) -> None:
        self._api, self.service = create_api(service, version="0"), service

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._api)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, path, json=body)

        return asyncio.run(once())

    def post(self, body: dict[str, Any]) -> httpx.Response:
        return self.ask("POST", "/api/runs", body)

    def play(self, body: dict[str, Any], status: str = "succeeded") -> dict[str, Any]:
        answer = self.post(body)
        assert answer.status_code == 201, answer.text
        self.service.wait(answer.json()["id"], 60)
        run: dict[str, Any] = self.ask("GET", f"/api/runs/{answer.json()['id']}").json()
        assert run["status"] == status, run["error"]
        return run

    def events(self, run: str, kind: str) -> list[dict[str, Any]]:
        items = self.ask("GET", f"/api/runs/{run}/events?kinds={kind}").json()["items"]
        return [item["event"] for item in items]


def real_service(folder: Path) -> Service:
    """Start a service with one worker on one thread."""
    store = SqliteStore(":memory:")
    return Service(store, InlineEngine(threads=1), Feed(store), folder)
