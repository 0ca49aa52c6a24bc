"""The database's schema as numbered steps; ``PRAGMA user_version`` says how many have been taken.

A step, once released, is never changed: a change of the schema is one more step. All missing steps are taken in one
transaction, so that a crash leaves the old schema or the new one.
"""

from typing import Final

from sqlalchemy import Connection

from backend.jobs.errors import Unavailable

STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """
        CREATE TABLE runs (
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, tags TEXT NOT NULL, status TEXT NOT NULL,
            paused INTEGER NOT NULL, created TEXT NOT NULL, started TEXT, ended TEXT, parent TEXT,
            request TEXT NOT NULL, progress TEXT, error TEXT, last_seq INTEGER NOT NULL
        )
        """,
        # AUTOINCREMENT: a deleted row's number never comes back, so that a stream can resume after any number
        """
        CREATE TABLE events (
            "row" INTEGER PRIMARY KEY AUTOINCREMENT,
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            seq INTEGER NOT NULL, kind TEXT NOT NULL, lane TEXT, step INTEGER, at TEXT NOT NULL, text TEXT NOT NULL,
            UNIQUE (run, seq)
        )
        """,
        "CREATE INDEX events_of_run ON events (run)",  # with the row number inside: replay of one run, in order
        "CREATE INDEX events_of_kind ON events (run, kind)",
        """
        CREATE TABLE idempotency (
            "key" TEXT PRIMARY KEY, body TEXT NOT NULL, run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE
        )
        """,
    ),
)


def migrate(connection: Connection, where: str) -> None:
    """Bring a database to the present schema.

    Args:
        connection: inside a transaction that writes.
        where: the file, for the error's sentence.

    Raises:
        Unavailable: where a later release made the database.
    """
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if version > len(STEPS):
        raise Unavailable(
            f"expected a database of schema version {len(STEPS)} or lower, got version {version}",
            hint="A later release of Gradscape wrote it: install that release, or use another data directory.",
            where=where,
        )
    for step in STEPS[version:]:
        for statement in step:
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA user_version = {len(STEPS)}")
