"""Connections to one PostgreSQL, and turns at a work between threads, processes and machines.

The pool is SQLAlchemy's, which the application brings anyway: it is thread-safe, and asks a
connection whether it still lives before it is used, so that a restarted server costs nothing
but the new connection.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Any

import psycopg
from psycopg import errors
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url

from retrieval.errors import IndexFailure
from retrieval.pgvector import refusals, tables

Connection = psycopg.Connection[Any]

_FIRST_WAIT, _LONGEST_WAIT = 0.01, 0.25
"""Between two tries for a turn, seconds."""


class VectorDatabase:
    """Thread-safe; connects when it is first needed, with at most `connections` at once."""

    def __init__(self, url: str, *, connections: int = 6) -> None:
        """`url` as SQLAlchemy reads it, `postgresql://…`."""
        parsed = make_url(url)
        if parsed.get_backend_name() != "postgresql":
            raise IndexFailure("pgvector 只能放在 PostgreSQL 里；请设置 YANCHI_DATABASE_URL。")
        self._engine: Engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=2,
            max_overflow=connections - 2,
            connect_args={"autocommit": True, "connect_timeout": 10},
        )
        event.listen(self._engine, "connect", lambda connection, _: tables.prepare(connection))

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Autocommitting, with the tables there. Raises IndexFailure, in the block as well."""
        with refusals.database_refusals(), self._engine.connect() as held:
            connection = held.connection.driver_connection
            assert isinstance(connection, psycopg.Connection)
            try:
                yield connection
            except (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName):
                # Somebody dropped the tables: connections opened from now on make them again.
                held.invalidate()
                self._engine.dispose()
                raise
            finally:
                if connection.closed and not held.invalidated:
                    held.invalidate()

    @contextmanager
    def turn(self, work: str, what: str, seconds: float) -> Iterator[Connection]:
        """A connection that alone holds `what` of a work, until the block or the connection ends.

        What is written must be written on it: if the lock is lost, so is the writing. Raises
        Busy, an IndexFailure, where somebody else holds it for longer than `seconds`.
        """
        key = f"yanchi_vectors/{work}/{what}"
        with self.connection() as connection:
            self._wait(connection, key, monotonic() + seconds)
            try:
                yield connection
            finally:
                with suppress(psycopg.Error):
                    connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (key,))

    def _wait(self, connection: Connection, key: str, deadline: float) -> None:
        # Asking again and again, where pg_advisory_lock would simply wait: a waiting statement
        # keeps its snapshot, which CREATE INDEX CONCURRENTLY waits for, a deadlock.
        pause = _FIRST_WAIT
        asked = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
        while not one(connection.execute(asked, (key,))):
            if monotonic() >= deadline:
                raise refusals.Busy(refusals.BUSY)
            sleep(min(pause, max(0.0, deadline - monotonic())))
            pause = min(2 * pause, _LONGEST_WAIT)

    def close(self) -> None:
        """Close what is not in use; the next use connects again."""
        self._engine.dispose()


def one(cursor: psycopg.Cursor[Any]) -> Any:
    """The first column of the only row."""
    row = cursor.fetchone()
    assert row is not None
    return row[0]
