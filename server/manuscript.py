"""Works, chapters and their revisions: the only code that writes a book's text.

Functions take an open session and leave the transaction to the caller. A save adds a
revision; nothing is overwritten, and deleting puts a row in the bin.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy
from sqlalchemy import bindparam, case, func, update
from sqlmodel import Session, col, select

from retrieval import types
from retrieval.types import ChapterText
from server.edits import Edit, edits_between
from server.errors import Conflict, NotFound, StaleRevision
from server.models import (
    Chapter,
    ChapterRevision,
    Character,
    Generation,
    OutlineNode,
    Volume,
    Work,
    now,
)
from server.places import move_places
from server.rows import fetched
from server.sizes import changed_chars, chars_of, han_of
from server.titles import counted_titles

LOCKED = "locked"


def get_work(session: Session, work_id: str) -> Work:
    work = session.get(Work, work_id)
    if work is None or work.deleted_at is not None:
        raise NotFound("没有这部作品，它可能已被删除。", code="work_not_found")
    return work


def find_work(session: Session, name: str) -> Work:
    """By id, by the id's beginning (four characters or more) or by title."""
    alive = select(Work).where(col(Work.deleted_at).is_(None))
    found = list(session.exec(alive.where((Work.id == name) | (Work.title == name))))
    if not found and len(name) >= 4:
        found = list(session.exec(alive.where(col(Work.id).startswith(name, autoescape=True))))
    if not found:
        raise NotFound(f"没有名为“{name}”的作品，可用 yanchi works 查看。", code="work_not_found")
    if len(found) > 1:
        ids = "、".join(w.id[:8] for w in found)
        raise Conflict(
            f"有 {len(found)} 部作品叫“{name}”，请改用编号：{ids}。", code="ambiguous_work"
        )
    return found[0]


def list_works(session: Session) -> list[Work]:
    query = select(Work).where(col(Work.deleted_at).is_(None))
    return list(session.exec(query.order_by(col(Work.updated_at).desc())))


def list_binned_works(session: Session) -> list[Work]:
    query = select(Work).where(col(Work.deleted_at).is_not(None))
    return list(session.exec(query.order_by(col(Work.deleted_at).desc())))


def get_binned_work(session: Session, work_id: str) -> Work:
    work = session.get(Work, work_id)
    if work is None or work.deleted_at is None:
        raise NotFound("回收处没有这部作品。", code="work_not_found")
    return work


@dataclass(frozen=True, slots=True)
class Size:
    """How much a work holds: `chars` without blanks, `han` Chinese characters alone.

    `done` are those of its chapters that are finished or locked.
    """

    chapters: int = 0
    done: int = 0
    chars: int = 0
    han: int = 0


def work_sizes(session: Session, work_ids: Sequence[str]) -> dict[str, Size]:
    """Of those works that have chapters, what is in the bin not counted."""
    done = func.sum(case((col(Chapter.status).in_(("done", "locked")), 1), else_=0))
    chapters, chars, han = func.count(), func.sum(Chapter.chars), func.sum(Chapter.han)
    query = (
        sqlalchemy.select(col(Chapter.work_id), chapters, done, chars, han)
        .where(col(Chapter.work_id).in_(work_ids), col(Chapter.deleted_at).is_(None))
        .group_by(Chapter.work_id)
    )
    return {work: Size(*sums) for work, *sums in session.execute(query)}


def get_chapter(session: Session, work_id: str, chapter_id: str) -> Chapter:
    chapter = session.get(Chapter, chapter_id)
    if chapter is None or chapter.work_id != work_id or chapter.deleted_at is not None:
        raise NotFound("没有这一章，它可能已被删除。", code="chapter_not_found")
    return chapter


def list_chapters(session: Session, work_id: str) -> list[Chapter]:
    query = select(Chapter).where(Chapter.work_id == work_id, col(Chapter.deleted_at).is_(None))
    return list(session.exec(query.order_by(col(Chapter.position))))


def list_binned_chapters(session: Session, work_id: str) -> list[Chapter]:
    query = select(Chapter).where(Chapter.work_id == work_id, col(Chapter.deleted_at).is_not(None))
    return list(session.exec(query.order_by(col(Chapter.deleted_at).desc())))


def chapter_text(session: Session, chapter: Chapter, number: int | None = None) -> str:
    """The chapter's current text, or an earlier revision's."""
    if number is None and chapter.revision == 0:
        return ""
    wanted = chapter.revision if number is None else number
    for (text,) in fetched(session, _TEXT, chapter=chapter.id, number=wanted):
        return str(text)
    raise _no_revision(wanted)


_TEXT = sqlalchemy.select(col(ChapterRevision.text)).where(
    col(ChapterRevision.chapter_id) == bindparam("chapter"),
    col(ChapterRevision.number) == bindparam("number"),
)


def get_revision(session: Session, chapter: Chapter, number: int) -> ChapterRevision:
    query = select(ChapterRevision).where(
        ChapterRevision.chapter_id == chapter.id, ChapterRevision.number == number
    )
    revision = session.exec(query).first()
    if revision is None:
        raise _no_revision(number)
    return revision


def _no_revision(number: int) -> NotFound:
    return NotFound(f"这一章没有第 {number} 版。", code="revision_not_found")


def add_chapter(
    session: Session,
    work: Work,
    title: str,
    *,
    text: str = "",
    volume_id: str | None = None,
    kind: str = "chapter",
    position: int | None = None,
    origin: str = "typed",
) -> Chapter:
    """A new chapter at `position` (the end when None); later ones move on by one."""
    end = len(list_chapters(session, work.id))
    place = end if position is None else max(0, min(position, end))
    if place < end:
        session.execute(
            update(Chapter)
            .where(col(Chapter.work_id) == work.id, col(Chapter.position) >= place)
            .values(position=Chapter.position + 1)
        )
    chapter = Chapter(work_id=work.id, title=title, volume_id=volume_id, kind=kind, position=place)
    session.add(chapter)
    session.flush()
    if text:
        save_text(session, chapter, text, origin=origin)
    work.updated_at = now()
    return chapter


def save_text(
    session: Session,
    chapter: Chapter,
    text: str,
    *,
    base: int | None = None,
    origin: str = "typed",
    generation_id: str | None = None,
    candidate: int = 0,
    edits: Sequence[Edit] | None = None,
) -> ChapterRevision | None:
    """Add a revision; None when the text is what it was. Places in it move along (`places`).

    `edits` are what turns the current text into this one, where the caller knows better than
    comparing would tell. `base` is the revision the author was looking at: another one current raises
    StaleRevision, so that a conflict becomes a choice and not a loss.
    """
    if base is not None and base != chapter.revision:
        raise StaleRevision(
            f"这一章在别处也改过（现在是第 {chapter.revision} 版，您的改动基于第 {base} 版），"
            "请选择留下哪一份。"
        )
    if chapter.status == LOCKED:
        raise Conflict("这一章已锁定，先解锁再修改。", code="chapter_locked")
    digest = hashlib.sha256(text.encode()).hexdigest()
    current = get_revision(session, chapter, chapter.revision) if chapter.revision else None
    if current is not None and current.sha256 == digest:
        return None
    revision = ChapterRevision(
        chapter_id=chapter.id,
        number=chapter.revision + 1,
        text=text,
        sha256=digest,
        origin=origin,
        generation_id=generation_id,
        candidate=candidate,
        chars=chars_of(text),
    )
    old = current.text if current is not None else ""
    changes = edits_between(old, text) if edits is None else edits
    revision.added, revision.removed = changed_chars(old, text, changes)
    move_places(session, chapter, changes, text, revision.number)
    chapter.revision, chapter.chars, chapter.han = revision.number, revision.chars, han_of(text)
    chapter.updated_at = now()
    work = session.get_one(Work, chapter.work_id)
    work.updated_at = work.edited_at = now()
    session.add(revision)
    session.add(chapter)
    return revision


def book_texts(session: Session, work_id: str) -> list[ChapterText]:
    """Every chapter's current text in the order of the telling, as the index reads it."""
    query = (
        select(Chapter, ChapterRevision.text)
        .join(
            ChapterRevision,
            (col(ChapterRevision.chapter_id) == Chapter.id)
            & (col(ChapterRevision.number) == Chapter.revision),
        )
        .where(Chapter.work_id == work_id, col(Chapter.deleted_at).is_(None))
        .order_by(col(Chapter.position))
    )
    rows = session.exec(query).all()
    titles = counted_titles(session, work_id)
    return [ChapterText(c.id, c.position, titles.get(c.id, c.title), text) for c, text in rows]


def list_volumes(session: Session, work_id: str) -> list[Volume]:
    query = select(Volume).where(Volume.work_id == work_id)
    return list(session.exec(query.order_by(col(Volume.position))))


def get_volume(session: Session, work_id: str, volume_id: str) -> Volume:
    missing = NotFound("没有这一卷，它可能已被删除。", code="volume_not_found")
    return _of_work(session, Volume, work_id, volume_id, missing)


def list_characters(session: Session, work_id: str) -> list[Character]:
    query = select(Character).where(Character.work_id == work_id)
    return list(session.exec(query.order_by(col(Character.position), col(Character.id))))


def cast_names(session: Session, work_id: str) -> list[types.Character]:
    """Everybody by all their names, as recall wants to know them; without their sheets."""
    rows = list_characters(session, work_id)
    return [types.Character(row.id, row.name, tuple(row.aliases)) for row in rows]


def get_character(session: Session, work_id: str, character_id: str) -> Character:
    missing = NotFound("没有这个人物，他可能已被删除。", code="character_not_found")
    return _of_work(session, Character, work_id, character_id, missing)


def list_outline(session: Session, work_id: str) -> list[OutlineNode]:
    query = select(OutlineNode).where(OutlineNode.work_id == work_id)
    return list(session.exec(query.order_by(col(OutlineNode.position), col(OutlineNode.id))))


def get_node(session: Session, work_id: str, node_id: str) -> OutlineNode:
    missing = NotFound("大纲里没有这一条，它可能已被删除。", code="outline_not_found")
    return _of_work(session, OutlineNode, work_id, node_id, missing)


def get_generation(session: Session, work_id: str, generation_id: str) -> Generation:
    missing = NotFound("没有这次续写的记录。", code="generation_not_found")
    return _of_work(session, Generation, work_id, generation_id, missing)


Owned = TypeVar("Owned", Volume, Character, OutlineNode, Generation)


def _of_work(
    session: Session, table: type[Owned], work_id: str, row_id: str, missing: NotFound
) -> Owned:
    """The row, when it belongs to this work; another work's row is as absent as none."""
    row = session.get(table, row_id)
    if row is None or row.work_id != work_id:
        raise missing
    return row
