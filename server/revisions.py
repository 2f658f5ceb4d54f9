"""A chapter's revisions: leafed through, by sittings, and those that are kept.

Nothing here writes text or deletes any; functions leave the transaction to the caller.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import func
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from server.errors import Invalid, NotFound
from server.manuscript import get_revision
from server.models import Chapter, ChapterRevision

BREAK = timedelta(minutes=5)
"""Typed revisions closer than this are of one sitting."""
AUTHOR = "author"


@dataclass(slots=True)
class Listed:
    """One line of the history: a revision, or the last one of a sitting with its sums."""

    revision: ChapterRevision
    length: int
    added: int
    removed: int
    count: int
    began: datetime
    """When the first of them was saved."""


def list_revisions(
    session: Session,
    chapter: Chapter,
    *,
    before: int | None = None,
    limit: int = 50,
    kept: bool = False,
    sittings: bool = False,
) -> list[Listed]:
    """Newest first, those with a number below `before`; the texts are not loaded.

    Of a sitting the last revision is listed; a kept one begins another line. The revision
    before a line is `number - count`.
    """
    query = (
        select(ChapterRevision, func.length(ChapterRevision.text))
        .options(defer(col(ChapterRevision.text)))  # type: ignore[arg-type]
        .where(ChapterRevision.chapter_id == chapter.id)
        .order_by(col(ChapterRevision.number).desc())
    )
    if before is not None:
        query = query.where(ChapterRevision.number < before)
    if kept:
        query = query.where(ChapterRevision.snapshot != "")
    rows = session.exec(query.execution_options(yield_per=200))
    lines = (Listed(r, n, r.added, r.removed, 1, r.created_at) for r, n in rows)
    with rows:
        return list(islice(_by_sitting(lines) if sittings else lines, limit))


def keep(
    session: Session, chapter: Chapter, label: str, kind: str, number: int | None = None
) -> ChapterRevision:
    """Mark a revision, the current one when `number` is None, so that it is found again.

    What the author kept stays the author's. Raises Invalid for a chapter without a text.
    """
    if chapter.revision == 0:
        raise Invalid("这一章还没有文字，写一点再留存。", code="nothing_to_keep")
    revision = get_revision(session, chapter, number or chapter.revision)
    if kind == AUTHOR or revision.snapshot != AUTHOR:
        revision.snapshot, revision.label = kind, label
        session.add(revision)
    return revision


def let_go(session: Session, chapter: Chapter, number: int) -> None:
    """Take the mark away; the revision stays in the history."""
    revision = get_revision(session, chapter, number)
    if not revision.snapshot:
        raise NotFound("这一版没有留存，可能已在别处取消。", code="snapshot_not_found")
    revision.snapshot, revision.label = "", ""
    session.add(revision)


def _by_sitting(lines: Iterable[Listed]) -> Iterator[Listed]:
    """`lines` newest first, one revision each."""
    later: Listed | None = None
    for line in lines:
        if later is not None and _of_one_sitting(line, later):
            later.added += line.added
            later.removed += line.removed
            later.count += 1
            later.began = line.began
            continue
        if later is not None:
            yield later
        later = line
    if later is not None:
        yield later


def _of_one_sitting(line: Listed, later: Listed) -> bool:
    typed = line.revision.origin == later.revision.origin == "typed"
    return typed and not line.revision.snapshot and later.began - line.began < BREAK
