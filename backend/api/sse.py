"""Server-sent events from the feed: replay, then live, without a gap or a double.

Each message carries ``id`` (the store's global row number: what ``Last-Event-ID`` resumes after), ``event`` (the kind)
and ``data`` (the Envelope). A comment every 15 s keeps the line alive. Before the server ends a stream it sends
``event: close`` with ``{"reason": ...}``:

- ``finished``: every run that was asked for has ended and all of its events are sent; do not reconnect.
- ``shutdown``: the server stops; reconnect later with the last id, and nothing is lost (EventSource does so by itself).

A stream of all runs (``*``) never finishes. Streams end when the feed closes, which is the first thing that a server
does when it stops: an open stream must not hold it up.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from backend.jobs.feed import Feed

HEARTBEAT = 15.0  # seconds of silence before a comment
RETRY = 1000  # milliseconds that a browser waits before it reconnects
LAST = "finished"  # the kind of every run's last event


@dataclass(frozen=True)
class Wanted:
    """What a stream asks for.

    Attributes:
        runs: whose events; None: everyone's.
        kinds: which events; empty: all.
        after: the global row that it goes on after.
        pending: of the runs those whose last event is yet to come; a stream ends when none is left.
    """

    runs: tuple[str, ...] | None
    kinds: tuple[str, ...]
    after: int
    pending: frozenset[str]


async def stream(feed: Feed, wanted: Wanted, heartbeat: float = HEARTBEAT) -> AsyncGenerator[bytes]:
    """Yield a stream's bytes: many messages in one piece where many wait.

    Args:
        feed: where the events come from.
        wanted: which of them.
        heartbeat: seconds of silence before a comment.

    Yields:
        Whole messages.
    """
    kinds = (*wanted.kinds, LAST) if wanted.kinds and wanted.runs is not None else wanted.kinds
    hidden = LAST if wanted.kinds and LAST not in wanted.kinds else None
    pages = feed.follow(wanted.runs, kinds, wanted.after, heartbeat)
    pending = set(wanted.pending)
    async with aclosing(pages):
        yield f"retry: {RETRY}\n\n".encode()
        while wanted.runs is None or pending:
            page = await anext(pages, None)
            if page is None:
                yield _close("shutdown")
                return
            yield b"".join([row.message for row in page if row.kind != hidden]) or b": still here\n\n"
            pending -= {row.run for row in page if row.kind == LAST}
        yield _close("finished")


def _close(reason: str) -> bytes:
    return f"event: close\ndata: {json.dumps({'reason': reason})}\n\n".encode()
