"""The store in one SQLite file (or in memory): write-ahead log, one writer, one transaction a batch."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Select, create_engine, delete, event, func, insert, select, update
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import QueuePool, StaticPool

from backend.jobs.clock import now
from backend.jobs.errors import Conflict, Unavailable, no_such_run
from backend.jobs.migrations import migrate
from backend.jobs.state import require_move
from backend.jobs.store import EventFilter, Row
from backend.jobs.tables import EVENTS, IDEMPOTENCY, RUNS, row_of_event, row_of_run, run_of_row
from backend.schemas.events import AnyEvent
from backend.schemas.run import Run

WAITS = 10.0  # seconds for another process that has locked the file
FULL = ("SQLITE_FULL", "SQLITE_IOERR")  # beginnings of the names of what room on the disk mends
LOCKED = ("SQLITE_BUSY", "SQLITE_LOCKED")
CHANGEABLE = frozenset({"status", "paused", "started", "ended", "progress", "error", "name", "tags"})


class SqliteStore:
    """An append-only truth of runs and their events; safe to call from several threads.

    What :meth:`append` has returned from survives the death of the process: it lies in the log. A power cut may lose
    the last commits (``synchronous = NORMAL``) but never damages the file; that is the right price for an event log
    that is written thirty times a second.

    Args:
        path: the file, or ``":memory:"``, where one connection serves all threads in turn.

    Raises:
        Unavailable: where the file cannot be opened, is no database, or comes from a later release.
    """

    def __init__(self, path: Path | Literal[":memory:"]) -> None:
        in_memory = path == ":memory:"
        self._engine = create_engine(
            f"sqlite:///{path}",
            poolclass=StaticPool if in_memory else QueuePool,
            connect_args={"check_same_thread": False, "timeout": WAITS},
        )
        event.listen(self._engine, "connect", _prepare)
        self._writer = threading.RLock()
        self._alone = in_memory  # one connection: a reader must not see the writer's open transaction
        try:
            with self._writing() as connection:
                migrate(connection, str(path))
        except DatabaseError as error:
            self._engine.dispose()
            raise Unavailable(
                f"cannot use {path} as the database: {error.orig}",
                hint="Check that the folder exists and can be written to, or use another data directory.",
                where=str(path),
            ) from error
        except Unavailable:
            self._engine.dispose()
            raise

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._writer, self._engine.connect() as connection:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException as error:
                if connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
                    connection.exec_driver_sql("ROLLBACK")  # a full disk has rolled it back already
                reason = _passing(error)
                if reason is not None:
                    raise reason from error
                raise

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        if not self._alone:
            with self._engine.connect() as connection:
                yield connection
            return
        with self._writer, self._engine.connect() as connection:
            yield connection

    def create(self, run: Run, idempotency: tuple[str, str] | None = None) -> Run:
        """Store a new run; with a key (key, hash of the body) seen before, return the run it made.

        Args:
            run: the run, queued.
            idempotency: the caller's key, and what its body hashes to.

        Returns:
            The run that is stored now: this one, or the one that the key has made before.

        Raises:
            Conflict: where the key was used with another body, or the run exists.
        """
        with self._writing() as connection:
            if idempotency is not None:
                seen = connection.execute(select(IDEMPOTENCY).where(IDEMPOTENCY.c.key == idempotency[0])).first()
                if seen is not None and seen.body != idempotency[1]:
                    raise Conflict(
                        "this Idempotency-Key has been used with another body",
                        hint="Use a new key for a new request, or send the same body again.",
                    )
                if seen is not None:
                    return _required(connection, seen.run)
            if _find(connection, run.id) is not None:
                raise Conflict(f"there is a run {run.id} already")
            connection.execute(insert(RUNS), row_of_run(run))
            if idempotency is not None:
                key, body = idempotency
                connection.execute(insert(IDEMPOTENCY), {"key": key, "body": body, "run": run.id})
        return run

    def append(
        self, run: str, first_seq: int, events: Sequence[AnyEvent], changes: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """Store events as first_seq, first_seq + 1 …, and change the run, in one transaction.

        Args:
            run: its id.
            first_seq: the number of the first of them.
            events: any number.
            changes: fields as in :meth:`update`, so that nobody sees the events without what they mean.

        Returns:
            The events as rows.

        Raises:
            Conflict: where that leaves a gap or doubles a number, or the change of status is not legal.
            NotFound: where there is no such run.
        """
        at = now()
        rows = [row_of_event(run, first_seq + i, at, told) for i, told in enumerate(events)]
        with self._writing() as connection:
            taken = connection.execute(
                update(RUNS)
                .where(RUNS.c.id == run, RUNS.c.last_seq == first_seq - 1)
                .values(last_seq=first_seq - 1 + len(rows))
            ).rowcount
            if not taken:
                last = _required(connection, run).last_seq
                raise Conflict(f"expected event {last + 1} of run {run} next, got {first_seq}")
            if rows:
                connection.execute(insert(EVENTS), rows)
            if changes:
                _change(connection, run, changes)
            # One writer, one connection: the numbers of what was just inserted end here, without a gap.
            last_row = int(connection.exec_driver_sql("SELECT last_insert_rowid()").scalar_one()) if rows else 0
        numbers = range(last_row + 1 - len(rows), last_row + 1)
        return [Row(n, run, row["seq"], row["kind"], row["text"]) for n, row in zip(numbers, rows, strict=True)]

    def update(self, run: str, **fields: Any) -> Run:
        """Change fields of a run (status, paused, started, ended, progress, error, name, tags).

        Args:
            run: its id.
            fields: new values, as :class:`Run` has them.

        Returns:
            The run as it is now.

        Raises:
            NotFound: where there is no such run.
            Conflict: where the change of status is not legal.
        """
        with self._writing() as connection:
            return _change(connection, run, fields)

    def get(self, run: str) -> Run | None:
        """Return the run, or None."""
        with self._reading() as connection:
            return _find(connection, run)

    def page(
        self, *, status: str | None, kind: str | None, tag: str | None, limit: int, cursor: str | None
    ) -> tuple[list[Run], str | None]:
        """Runs, newest first, with the cursor of the next page (None: this is the last).

        Ids begin with the time, so their order is that of creation and the cursor is the last id seen.

        Returns:
            The runs and the cursor.
        """
        wanted = select(RUNS).order_by(RUNS.c.id.desc()).limit(limit + 1)
        if status is not None:
            wanted = wanted.where(RUNS.c.status == status)
        if kind is not None:
            wanted = wanted.where(RUNS.c.kind == kind)
        if tag is not None:
            each = func.json_each(RUNS.c.tags).table_valued("value")
            wanted = wanted.where(select(each.c.value).where(each.c.value == tag).exists())
        if cursor is not None:
            wanted = wanted.where(RUNS.c.id < cursor)
        with self._reading() as connection:
            runs = [run_of_row(row) for row in connection.execute(wanted)]
        return runs[:limit], (runs[limit - 1].id if len(runs) > limit else None)

    def read(self, run: str, which: EventFilter) -> list[Row]:
        """Events of one run, in order of seq.

        ``step_to`` leaves out what happened at later steps; events of no step are kept. ``last`` takes the end of
        what the other filters leave.

        Returns:
            At most ``limit`` rows.
        """
        wanted = _events(which.kinds).where(EVENTS.c.run == run, EVENTS.c.seq > which.after)
        if which.lane is not None:
            wanted = wanted.where(EVENTS.c.lane == which.lane)
        if which.step_to is not None:
            wanted = wanted.where((EVENTS.c.step <= which.step_to) | EVENTS.c.step.is_(None))
        if which.last is not None:
            wanted = wanted.order_by(EVENTS.c.seq.desc()).limit(min(which.last, which.limit))
        else:
            wanted = wanted.order_by(EVENTS.c.seq).limit(which.limit)
        rows = self._rows(wanted)
        return rows[::-1] if which.last is not None else rows

    def tail(self, runs: tuple[str, ...] | None, kinds: tuple[str, ...], after: int, limit: int) -> list[Row]:
        """Events of several runs (None: all) after a global row, in order of rows."""
        wanted = _events(kinds).where(EVENTS.c.row > after).order_by(EVENTS.c.row).limit(limit)
        if runs is not None:
            wanted = wanted.where(EVENTS.c.run.in_(runs))
        return self._rows(wanted)

    def delete(self, run: str) -> None:
        """Forget a run and its events."""
        with self._writing() as connection:
            if not connection.execute(delete(RUNS).where(RUNS.c.id == run)).rowcount:
                raise no_such_run(run)

    def close(self) -> None:
        """Let the file go; everything is written already."""
        with self._writer:
            self._engine.dispose()

    def _rows(self, wanted: Select[Any]) -> list[Row]:
        with self._reading() as connection:
            return [Row(row.row, row.run, row.seq, row.kind, row.text) for row in connection.execute(wanted)]


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun and ended by hand: sqlite3's own begin too late
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _passing(error: BaseException) -> Unavailable | None:
    """Return what to say of a fault that passes: a disk that is full, a file that another process has locked."""
    name = getattr(error.orig, "sqlite_errorname", "") if isinstance(error, OperationalError) else ""
    if name.startswith(FULL):
        return Unavailable(
            f"the database cannot be written ({error.orig})",  # type: ignore[attr-defined]
            hint="Make room on the disk that holds the data directory; what runs is held, and goes on by itself.",
        )
    if name.startswith(LOCKED):
        return Unavailable(
            "the database cannot be written: another program has locked it",
            hint="Close what has the file open; what runs is held, and goes on by itself.",
        )
    return None


def _events(kinds: tuple[str, ...]) -> Select[Any]:
    wanted = select(EVENTS.c.row, EVENTS.c.run, EVENTS.c.seq, EVENTS.c.kind, EVENTS.c.text)
    return wanted.where(EVENTS.c.kind.in_(kinds)) if kinds else wanted


def _find(connection: Connection, run: str) -> Run | None:
    row = connection.execute(select(RUNS).where(RUNS.c.id == run)).first()
    return None if row is None else run_of_row(row)


def _required(connection: Connection, run: str) -> Run:
    found = _find(connection, run)
    if found is None:
        raise no_such_run(run)
    return found


def _change(connection: Connection, run: str, fields: Mapping[str, Any]) -> Run:
    if unknown := set(fields) - CHANGEABLE:
        raise TypeError(f"expected fields among {sorted(CHANGEABLE)}, got {sorted(unknown)}")
    before = _required(connection, run)
    if not fields:
        return before
    if "status" in fields:
        require_move(before.status, fields["status"])
    after = before.model_copy(update=dict(fields))
    stored = row_of_run(after)
    connection.execute(update(RUNS).where(RUNS.c.id == run).values({name: stored[name] for name in fields}))
    return after
