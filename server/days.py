"""What was written on which day of this machine's calendar.

What a save made longer counts, on the side of the hand or of the model; one that made a text
shorter takes nothing back. Imported, pasted, restored and replaced text was not written.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from server.models import Chapter, ChapterRevision

TYPED = frozenset({"typed", "synced"})
ACCEPTED = frozenset({"accepted", "rewritten"})


@dataclass(slots=True)
class Written:
    """Characters without blanks."""

    typed: int = 0
    accepted: int = 0

    @property
    def all(self) -> int:
        return self.typed + self.accepted

    def add(self, origin: str, chars: int) -> None:
        if origin in TYPED:
            self.typed += chars
        else:
            self.accepted += chars


def today() -> date:
    return datetime.now().astimezone().date()


def written_by_day(session: Session, work_id: str, days: int) -> dict[date, Written]:
    """The last `days` days, the oldest first, today the last; days without a word as well."""
    last = today()
    written = {last - timedelta(days=n): Written() for n in reversed(range(days))}
    query = (
        select(ChapterRevision.created_at, ChapterRevision.origin, _growth())
        .join(Chapter, col(ChapterRevision.chapter_id) == Chapter.id)
        .where(Chapter.work_id == work_id, *_grew_since(min(written)))
    )
    for when, origin, chars in session.exec(query):
        day = when.astimezone().date()
        if day in written:
            written[day].add(origin, chars)
    return written


def written_today(session: Session) -> dict[str, Written]:
    """Of every work in which something was written today, by id."""
    query = (
        select(Chapter.work_id, ChapterRevision.origin, func.sum(_growth()))
        .join(Chapter, col(ChapterRevision.chapter_id) == Chapter.id)
        .where(*_grew_since(today()))
        .group_by(col(Chapter.work_id), col(ChapterRevision.origin))
    )
    found: dict[str, Written] = {}
    for work, origin, chars in session.exec(query):
        found.setdefault(work, Written()).add(origin, chars)
    return found


def together(written: Iterable[Written]) -> Written:
    whole = Written()
    for one in written:
        whole.typed += one.typed
        whole.accepted += one.accepted
    return whole


def _growth() -> ColumnElement[int]:
    return col(ChapterRevision.added) - col(ChapterRevision.removed)


def _grew_since(day: date) -> tuple[ColumnElement[bool], ...]:
    begins = datetime.combine(day, time.min).astimezone(UTC)
    return (
        col(ChapterRevision.created_at) >= begins,
        col(ChapterRevision.origin).in_(TYPED | ACCEPTED),
        col(ChapterRevision.added) > col(ChapterRevision.removed),
    )
