"""A work as a reader gets it: title, volumes and chapters in the order of the telling."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlmodel import Session

from server.errors import Invalid, NotFound
from server.manuscript import book_texts, list_chapters, list_volumes
from server.models import Work
from server.titles import counted_titles


@dataclass(frozen=True, slots=True)
class Wish:
    """What of the work is wanted: these volumes and these chapters, all of it without either."""

    volumes: frozenset[str] = frozenset()
    chapters: frozenset[str] = frozenset()
    notes: bool = False
    history: bool = False
    """Of the project: every revision, not only the current one."""


@dataclass(frozen=True, slots=True)
class Told:
    """`volume` is the title of the volume that begins with this chapter, None amid one."""

    title: str
    kind: str
    text: str
    notes: str
    volume: str | None


@dataclass(frozen=True, slots=True)
class Manuscript:
    id: str
    title: str
    author: str
    cover: str
    edited_at: datetime
    chapters: tuple[Told, ...]
    has_volumes: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, without the blanks it is indented with; `apart`: the text leaves a gap above."""

    text: str
    apart: bool


def manuscript(session: Session, work: Work, wish: Wish) -> Manuscript:
    """Raises NotFound for a volume or a chapter that the work has not, Invalid where it is empty."""
    texts = {t.id: t.text for t in book_texts(session, work.id)}
    titles = counted_titles(session, work.id)
    volumes = {v.id: v.title for v in list_volumes(session, work.id)}
    rows = list_chapters(session, work.id)
    if not wish.volumes <= volumes.keys():
        raise NotFound("没有这一卷，它可能已被删除。", code="volume_not_found")
    if not wish.chapters <= {row.id for row in rows}:
        raise NotFound("没有这一章，它可能已被删除。", code="chapter_not_found")
    if wish.volumes or wish.chapters:
        rows = [r for r in rows if r.volume_id in wish.volumes or r.id in wish.chapters]
    if not rows:
        raise Invalid("这部作品里没有可导出的章节，写一章再导出。", code="nothing_to_export")
    told: list[Told] = []
    current: str | None = None
    for row in rows:
        opened = row.volume_id != current and row.volume_id in volumes
        current = row.volume_id if opened else current
        told.append(Told(
            titles.get(row.id, row.title) or f"第{row.position + 1}章",
            row.kind,
            texts.get(row.id, ""),
            row.notes.strip() if wish.notes else "",
            volumes[current] if opened and current else None,
        ))  # fmt: skip
    has_volumes = any(chapter.volume is not None for chapter in told)
    return Manuscript(
        work.id, work.title, work.author, work.cover, work.edited_at, tuple(told), has_volumes
    )


def blocks(text: str) -> Iterator[Block]:
    """The paragraphs of a text. Blank lines between most of them are spacing and say nothing."""
    lines = text.split("\n")
    filled = [n for n, line in enumerate(lines) if line.strip()]
    gaps = sum(after - before > 1 for before, after in pairwise(filled))
    spaced = 2 * gaps > len(filled) - 1
    before = None
    for n in filled:
        apart = before is not None and n - before > 1 and not spaced
        yield Block(printable(lines[n].strip()), apart)
        before = n


def printable(text: str) -> str:
    """Without the characters that no XML may hold."""
    return "".join(c for c in text if _may_stand(ord(c)))


def _may_stand(code: int) -> bool:
    """Production 2 of XML 1.0."""
    return (
        code in (0x9, 0xA, 0xD)
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )
