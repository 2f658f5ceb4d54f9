"""Chapters of a work that has none yet: nothing to number anew, to compare or to move.

`server.manuscript` adds one chapter to a work that lives, and asks for all of it each time.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlmodel import SQLModel

from server.models import Chapter, ChapterRevision, new_id
from server.sizes import chars_of, han_of


@dataclass(frozen=True, slots=True)
class Fresh:
    title: str
    text: str
    volume_id: str | None
    kind: str


def chapter_rows(work_id: str, chapters: Sequence[Fresh]) -> Iterator[SQLModel]:
    """Each chapter's row and, where it has a text, its first revision; in the order of the telling."""
    for position, fresh in enumerate(chapters):
        chapter = Chapter(
            id=new_id(), work_id=work_id, volume_id=fresh.volume_id, position=position,
            title=fresh.title, kind=fresh.kind,
        )  # fmt: skip
        yield chapter
        if fresh.text:
            yield first_revision(chapter, fresh.text)


def first_revision(chapter: Chapter, text: str) -> ChapterRevision:
    """The chapter's only revision; the chapter knows its size from now on."""
    chapter.revision, chapter.chars, chapter.han = 1, chars_of(text), han_of(text)
    return ChapterRevision(
        chapter_id=chapter.id,
        number=1,
        text=text,
        sha256=digest(text),
        origin="import",
        chars=chapter.chars,
        added=chapter.chars,
    )


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
