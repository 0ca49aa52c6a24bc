import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from backend.jobs import feed as feeds
from backend.jobs.feed import Feed
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import Row
from backend.schemas.events import AnyEvent, Progress
from backend.schemas.ids import new_run_id
from backend.schemas.run import Run


def opened(path: Path | None = None) -> tuple[SqliteStore, Feed, str]:
    store = SqliteStore(":memory:" if path is None else path / "runs.sqlite")
    run = Run(id=new_run_id(), kind="train", name="a", status="queued", created="now", request={})
    store.create(run)
    return store, Feed(store), run.id


def counted(first: int, n: int) -> list[AnyEvent]:
    return [Progress(phase="counting", done=i, total=0) for i in range(first, first + n)]


async def take(rows: AsyncIterator[list[Row]], until: int) -> list[int]:
    found: list[int] = []
    async for batch in rows:
        assert 0 < len(batch) <= feeds.PAGE
        found += [row.seq for row in batch]
        if found[-1] >= until:
            return found
    return found


async def publish(feed: Feed, run: str, first: int, last: int, size: int = 7) -> None:
    for seq in range(first, last + 1, size):
        n = min(size, last + 1 - seq)
        await asyncio.to_thread(feed.publish, run, seq, counted(seq, n))


def test_replay_goes_over_into_live_without_gap_or_double(tmp_path: Path) -> None:
    async def play() -> None:
        store, feed, run = opened(tmp_path)
        await publish(feed, run, 1, 700)
        early = asyncio.create_task(take(feed.follow((run,)), 2000))
        every = asyncio.create_task(take(feed.follow(None), 2000))
        writing = asyncio.create_task(publish(feed, run, 701, 2000))
        await asyncio.sleep(0)
        late = asyncio.create_task(take(feed.follow((run,), after=350), 2000))
        expected = list(range(1, 2001))
        assert await early == expected
        assert await every == expected
        assert await late == expected[350:]
        await writing
        store.close()

    asyncio.run(play())


def test_a_slow_reader_holds_one_page_and_still_gets_everything() -> None:
    async def play() -> None:
        store, feed, run = opened()
        found: list[int] = []
        reader = feed.follow((run,))
        for first in range(1, 3001, 1000):
            await publish(feed, run, first, first + 999, 100)
            found += [row.seq for row in await anext(reader)]  # far behind by now
            assert len(found) == feeds.PAGE * (1 + first // 1000)
        found += await take(reader, 3000)
        assert found == list(range(1, 3001))
        store.close()

    asyncio.run(play())


def test_readers_see_their_runs_and_kinds_alone() -> None:
    async def play() -> None:
        store, feed, run = opened()
        other = Run(id=new_run_id(), kind="train", name="b", status="queued", created="now", request={})
        store.create(other)
        reader = asyncio.create_task(take(feed.follow((run,), ("progress",)), 2))
        await publish(feed, other.id, 1, 5)
        await publish(feed, run, 1, 2, 1)
        assert await reader == [1, 2]
        nobody = feed.follow((run,), ("eval",))
        waiting = asyncio.ensure_future(anext(nobody, None))
        await publish(feed, run, 3, 4)
        feed.close()
        assert await waiting is None, "no event of that kind has come before the feed closed"
        store.close()

    asyncio.run(play())


def test_a_reader_that_goes_is_forgotten() -> None:
    async def play() -> None:
        store, feed, run = opened()
        await publish(feed, run, 1, 3)
        reader = feed.follow((run,))
        await anext(reader)
        assert len(feed._readers) == 1
        await reader.aclose()
        assert feed._readers == set()
        store.close()

    asyncio.run(play())
