"""Every generation is written down: what was asked, sent and answered, and the verdict."""

from typing import Any

from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from server.db import Database
from server.models import Generation, now
from server.rows import OF, fetched

LOOKED_BACK = 8
"""Generations among which the last of a row is looked for: what stands alone settles nothing."""


def last_settled(session: Session, chapter_id: str) -> dict[str, Any]:
    """What settled in the chapter's last prompt that did; {} where none has."""
    rows = fetched(session, _SETTLED, of=chapter_id)
    return next((dict(settled) for (settled,) in rows if settled), {})


_SETTLED = (
    columns(col(Generation.settled))
    .where(col(Generation.chapter_id) == OF)
    .order_by(col(Generation.created_at).desc())
    .limit(LOOKED_BACK)
)


class GenerationLog:
    """Its methods touch the database and belong in a worker thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, generation: Generation) -> None:
        with self._database.session() as session:
            session.add(generation)

    def close(
        self,
        generation_id: str,
        state: str,
        outputs: list[dict[str, Any]],
        usage: dict[str, Any],
        error: str = "",
    ) -> None:
        with self._database.session() as session:
            row = session.get(Generation, generation_id)
            if row is None:
                return  # its work was deleted meanwhile, and the log with it
            row.state, row.outputs, row.usage, row.error = state, outputs, usage, error
            row.finished_at = now()
            session.add(row)

    def mend(self) -> int:
        """Mark what a crash left running as failed; returns how many there were."""
        with self._database.session() as session:
            rows = list(session.exec(select(Generation).where(Generation.state == "running")))
            for row in rows:
                row.state, row.error, row.finished_at = "failed", "server_stopped", now()
                session.add(row)
            return len(rows)
