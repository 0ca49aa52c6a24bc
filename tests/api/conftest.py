"""An API over an engine that does what the test says."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_engine import FakeEngine
from fastapi import FastAPI

from backend.api.app import create_api
from backend.jobs.feed import Feed
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore

Ask = Callable[..., httpx.Response]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def service(engine: FakeEngine, tmp_path: Path) -> Iterator[Service]:
    store = SqliteStore(":memory:")
    made = Service(store, engine, Feed(store), tmp_path)
    yield made
    made.close()


@pytest.fixture
def api(service: Service) -> FastAPI:
    return create_api(service, version="1.2.3", heartbeat=0.2)


@pytest.fixture
def ask(api: FastAPI) -> Ask:
    """Ask the API once, without a network."""

    def ask(method: str, path: str, base: str = "http://localhost:8050", **more: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app=api, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                return await client.request(method, path, **more)

        return asyncio.run(once())

    return ask


@pytest.fixture
def submit(ask: Ask, engine: FakeEngine) -> Callable[..., Any]:
    """Submit a small race and return its fake run."""

    def submit(**more: Any) -> Any:
        answer = ask("POST", "/api/runs", json={"kind": "train", **more})
        assert answer.status_code == 201, answer.text
        return engine.runs[answer.json()["id"]]

    return submit
