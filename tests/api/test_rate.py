"""How often one address may ask."""

import asyncio

import httpx
import pytest

from backend.api import rate
from backend.api.rate import RateLimit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def fine(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fine"})


def statuses(app, times, client="10.0.0.1"):
    async def ask() -> list[int]:
        transport = httpx.ASGITransport(app=app, client=(client, 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as asking:
            return [(await asking.get("/")).status_code for _ in range(times)]

    return asyncio.run(ask())


def test_ten_seconds_worth_comes_at_once_and_then_one_at_a_time():
    clock = Clock()
    app = RateLimit(fine, 2.0, clock)
    assert statuses(app, 22) == [200] * 20 + [429] * 2
    clock.now += 0.5
    assert statuses(app, 2) == [200, 429]
    assert statuses(app, 1, client="10.0.0.2") == [200]
    clock.now += 1000
    assert statuses(app, 21) == [200] * 20 + [429]


def test_the_refusal_says_when_to_come_back():
    app = RateLimit(fine, 0.1, Clock())

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as asking:
            await asking.get("/")
            return await asking.get("/")

    refused = asyncio.run(ask())
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many")
    assert refused.headers["retry-after"] == "10"


def test_what_the_server_asks_itself_is_counted_once():
    async def asks_itself(scope, receive, send):
        if scope["path"] == "/":
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as inside:
                assert (await inside.get("/inner")).status_code == 200
        await fine(scope, receive, send)

    app = RateLimit(asks_itself, 0.2, Clock())
    assert statuses(app, 3) == [200, 200, 429]


def test_addresses_are_not_remembered_for_ever(monkeypatch):
    monkeypatch.setattr(rate, "MOST", 3)
    clock = Clock()
    app = RateLimit(fine, 1.0, clock)
    for name in ("a", "b", "c", "d"):
        statuses(app, 1, client=name)
    assert len(app._buckets) <= 3
    clock.now += 100
    statuses(app, 1, client="e")
    assert len(app._buckets) <= 3


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_only_requests_are_counted(kind):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    limited = RateLimit(app, 0.1, Clock())
    for _ in range(3):
        asyncio.run(limited({"type": kind}, None, None))
    assert seen == [kind] * 3
