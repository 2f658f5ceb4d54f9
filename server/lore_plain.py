"""Lorebooks as retrieval reads them: chapter ids become places in the telling."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_
from sqlmodel import Session, col, select

from retrieval import lore
from retrieval.lore import turns_of
from retrieval.types import StoryPosition
from server.errors import Invalid
from server.kept import Kept
from server.manuscript import chapter_text, get_chapter, list_chapters
from server.models import Lorebook, LoreEntry
from server.rows import OF, Rows
from server.story import Order, order_of, validity

_ENABLED = (col(Lorebook.work_id) == OF, col(Lorebook.enabled))
_BOOKS = Rows(Lorebook, and_(*_ENABLED), col(Lorebook.position), col(Lorebook.id))
_ENTRIES = Rows(
    LoreEntry,
    col(LoreEntry.lorebook_id).in_(select(Lorebook.id).where(*_ENABLED)),
    col(LoreEntry.position),
    col(LoreEntry.id),
)


def load_lore(
    session: Session, work_id: str, order: Order | None = None
) -> Sequence[lore.Lorebook]:
    """The work's enabled books with their entries: the same objects while nothing has changed.

    `order` saves reading the chapters again.
    """
    placed = order_of(list_chapters(session, work_id)) if order is None else order
    told = _BOOKS.of(session, work_id), _ENTRIES.of(session, work_id), placed
    return _books.of(work_id, told)


def as_books(
    books: Sequence[Lorebook], rows: Sequence[LoreEntry], order: Order
) -> list[lore.Lorebook]:
    return [
        lore.Lorebook(
            book.id,
            book.name,
            [as_entry(row, order) for row in rows if row.lorebook_id == book.id],
            book.enabled,
            book.scan_depth,
            book.token_budget,
            book.recursive,
            book.max_recursion,
        )
        for book in books
    ]


def as_entry(row: LoreEntry, order: Order) -> lore.LoreEntry:
    return lore.LoreEntry(
        id=row.id,
        name=row.name,
        content=row.content,
        enabled=row.enabled,
        constant=row.constant,
        keys=tuple(row.keys),
        secondary_keys=tuple(row.secondary_keys),
        logic=lore.Logic(row.logic),
        case_sensitive=row.case_sensitive,
        whole_words=row.whole_words,
        scan_depth=row.scan_depth,
        order=row.order,
        priority=row.priority,
        placement=lore.Placement(row.placement),
        depth=row.depth,
        role=row.role,
        probability=row.probability,
        exclude_recursion=row.exclude_recursion,
        prevent_recursion=row.prevent_recursion,
        delay_until_recursion=row.delay_until_recursion,
        group=row.group,
        group_override=row.group_override,
        group_weight=row.group_weight,
        sticky=row.sticky,
        cooldown=row.cooldown,
        delay=row.delay,
        validity=validity(row, order),
    )


_Told = tuple[Sequence[Lorebook], Sequence[LoreEntry], Order]
_books: Kept[_Told, Sequence[lore.Lorebook]] = Kept(lambda told: as_books(*told))


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a work lore is asked for: the turns, the place in the telling, the seed."""

    turns: tuple[str, ...]
    position: StoryPosition | None
    seed: str


def spot_in_chapter(
    session: Session, work_id: str, chapter_id: str, offset: int | None, beat: str
) -> Spot:
    """The chapter from its start to the offset (its end when None), then the beat.

    Raises NotFound, or Invalid for an offset outside the chapter.
    """
    chapter = get_chapter(session, work_id, chapter_id)
    text = chapter_text(session, chapter)
    place = len(text) if offset is None else offset
    if place > len(text):
        raise Invalid(
            f"位置 {place} 不在本章之内（本章有 {len(text)} 字符），请重新选一处。",
            code="offset_out_of_range",
        )
    position = StoryPosition(chapter.position, place)
    return Spot(turns_of(text[:place], beat), position, chapter.id)
