"""Lorebooks of a work: their rows, kept, ordered and checked.

Functions take an open session and leave the transaction to the caller.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlmodel import Session, col, select

from server import manuscript
from server.errors import Invalid, NotFound
from server.models import Lorebook, LoreEntry, now

MAY_BE_NULL = {"token_budget", "scan_depth", "since_chapter_id", "until_chapter_id", "known_by"}
"""Fields of an entry for which null means something; for the others it means no change."""


def list_books(session: Session, work_id: str) -> list[Lorebook]:
    query = select(Lorebook).where(Lorebook.work_id == work_id)
    return list(session.exec(query.order_by(col(Lorebook.position), col(Lorebook.id))))


def get_book(session: Session, work_id: str, book_id: str) -> Lorebook:
    book = session.get(Lorebook, book_id)
    if book is None or book.work_id != work_id:
        raise NotFound("没有这本设定集，它可能已被删除。", code="lorebook_not_found")
    return book


def add_book(session: Session, work_id: str, fields: Mapping[str, Any]) -> Lorebook:
    place = len(list_books(session, work_id))
    book = Lorebook(work_id=work_id, position=place, **fields)
    session.add(book)
    session.flush()
    return book


def change_book(session: Session, book: Lorebook, fields: Mapping[str, Any]) -> None:
    kept = {k: v for k, v in fields.items() if v is not None or k == "token_budget"}
    book.sqlmodel_update(kept)
    book.updated_at = now()
    session.add(book)


def list_entries(session: Session, book_ids: Sequence[str]) -> list[LoreEntry]:
    """Of these books together, each book's in its own order."""
    query = select(LoreEntry).where(col(LoreEntry.lorebook_id).in_(book_ids))
    return list(session.exec(query.order_by(col(LoreEntry.position), col(LoreEntry.id))))


def get_entry(session: Session, work_id: str, book_id: str, entry_id: str) -> LoreEntry:
    get_book(session, work_id, book_id)
    entry = session.get(LoreEntry, entry_id)
    if entry is None or entry.lorebook_id != book_id:
        raise NotFound("设定集里没有这一条，它可能已被删除。", code="lore_entry_not_found")
    return entry


def add_entry(session: Session, book: Lorebook, fields: Mapping[str, Any]) -> LoreEntry:
    """At the end of the book. Raises NotFound, Invalid for places and knowers that are not."""
    _check_when(session, book, fields)
    entry = LoreEntry(lorebook_id=book.id, position=_end(session, book.id), **fields)
    session.add(entry)
    session.flush()
    return entry


def change_entry(
    session: Session, book: Lorebook, entry: LoreEntry, fields: Mapping[str, Any]
) -> None:
    """`lorebook_id` among the fields moves it to the end of another book of the work."""
    kept = {k: v for k, v in fields.items() if v is not None or k in MAY_BE_NULL}
    now_told = {name: getattr(entry, name) for name in _WHEN} | kept
    if _WHEN & kept.keys():
        _check_when(session, book, {k: v for k, v in now_told.items() if k in _touched(kept)})
    target = kept.get("lorebook_id", book.id)
    if target != book.id:
        assert book.work_id is not None
        kept["position"] = _end(session, get_book(session, book.work_id, target).id)
    entry.sqlmodel_update(kept)
    entry.updated_at = now()
    session.add(entry)


Ordered = TypeVar("Ordered", Lorebook, LoreEntry)


def reorder(session: Session, rows: Sequence[Ordered], ids: Sequence[str]) -> list[Ordered]:
    """The rows in the order of these ids. Raises Invalid unless every row is named once."""
    by_id = {row.id: row for row in rows}
    if len(ids) != len(by_id) or set(ids) != by_id.keys():
        raise Invalid(
            f"排序要把 {len(by_id)} 条的编号各写一次，请刷新后再试。", code="incomplete_order"
        )
    for place, id in enumerate(ids):
        by_id[id].position = place
        session.add(by_id[id])
    return [by_id[id] for id in ids]


_WHEN = {"since_chapter_id", "since_offset", "until_chapter_id", "until_offset", "known_by"}


def _touched(fields: Mapping[str, Any]) -> set[str]:
    """A place is two fields: who changes one is checked for both, and for nothing else."""
    touched = {name for name in fields if name in _WHEN}
    for edge in ("since", "until"):
        pair = {f"{edge}_chapter_id", f"{edge}_offset"}
        touched |= pair if touched & pair else set()
    return touched


def _check_when(session: Session, book: Lorebook, fields: Mapping[str, Any]) -> None:
    """A place must lie in a chapter of the work, and who knows must be of its people."""
    assert book.work_id is not None
    for edge in ("since", "until"):
        place = fields.get(f"{edge}_chapter_id"), fields.get(f"{edge}_offset") or 0
        _check_place(session, book.work_id, *place)
    for knower in fields.get("known_by") or []:
        manuscript.get_character(session, book.work_id, knower["character_id"])
        _check_place(session, book.work_id, knower.get("chapter_id"), knower.get("offset") or 0)


def _check_place(session: Session, work_id: str, chapter_id: str | None, offset: int) -> None:
    if chapter_id is None:
        return
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    length = len(manuscript.chapter_text(session, chapter))
    if offset > length:
        raise Invalid(
            f"位置 {offset} 不在《{chapter.title}》之内（有 {length} 字符），请重新选一处。",
            code="offset_out_of_range",
        )


def _end(session: Session, book_id: str) -> int:
    query = select(LoreEntry.position).where(LoreEntry.lorebook_id == book_id)
    return max(session.exec(query).all(), default=-1) + 1
