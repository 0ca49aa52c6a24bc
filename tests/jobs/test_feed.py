import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.jobs import feed as feeds
from backend.jobs.feed import Feed
from backend.jobs.recent import Recent
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
        assert feed.readers == 1
        await reader.aclose()
        assert feed.readers == 0
        assert feed._readers == {}
        store.close()

    asyncio.run(play())


def test_a_feed_over_an_older_store_replays_it(tmp_path: Path) -> None:
    async def play() -> None:
        store, feed, run = opened(tmp_path)
        await publish(feed, run, 1, 20)
        again = Feed(store)  # as after a restart: nothing is in memory
        reader = again.follow((run,))
        assert await take(reader, 20) == list(range(1, 21))
        await publish(again, run, 21, 40)
        assert await take(reader, 40) == list(range(21, 41))
        assert await take(again.follow((run,), after=5), 40) == list(range(6, 41))
        store.close()

    asyncio.run(play())


def test_silence_is_told_however_loud_the_others_are() -> None:
    async def play() -> None:
        store, feed, run = opened()
        other = Run(id=new_run_id(), kind="train", name="b", status="queued", created="now", request={})
        store.create(other)
        noise = asyncio.create_task(publish(feed, other.id, 1, 100_000, 1))
        reader = feed.follow((run,), silence=0.05)
        async with asyncio.timeout(60.0):
            assert await anext(reader) == []
        noise.cancel()
        await reader.aclose()
        await asyncio.gather(noise, return_exceptions=True)
        store.close()

    asyncio.run(play())


@pytest.mark.parametrize("seed", range(4))
def test_the_window_gives_what_the_whole_list_would(seed: int) -> None:
    draw = random.Random(seed)
    window, every, number = Recent(rows=20, size=600), [], 0
    for _ in range(300):
        number += 1 if draw.random() < 0.9 else 5  # rows that were stored past the feed leave a gap
        rows = [Row(number + i, "r", 0, "k", "x" * draw.randrange(60)) for i in range(draw.randrange(1, 9))]
        number = rows[-1].row
        window.add(rows)
        every = [*every, *rows] if every and rows[0].row == every[-1].row + 1 else rows
        assert len(window) <= max(20, len(rows))
        after, limit = draw.randrange(number + 3), draw.randrange(1, 12)
        found = window.after(after, limit)
        if found is None:
            assert after < number - len(window)
        else:
            assert found == [row for row in every if row.row > after][:limit]
