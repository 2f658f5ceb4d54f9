"""What a chapter is called: its label (第十二章), its name (雨夜) and both together.

Where the work has its `own` numbering, a chapter's title says everything. Where it is `auto`,
chapters are counted in the order of the telling, over volumes; prefaces, extras and afterwords
have no number, and one that the title begins with does not count.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sqlmodel import Session, col, select

from retrieval.heading_lines import split_title
from retrieval.numerals import chinese_of
from server.models import Chapter, Work

AUTO = "auto"
COUNTED = "chapter"
"""The kind of chapter that has a number."""


@dataclass(frozen=True, slots=True)
class Called:
    label: str
    name: str


class Titled(Protocol):
    """A row with a chapter's title."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def title(self) -> str: ...


class TitleRow(NamedTuple):
    id: str
    kind: str
    title: str


def called(work: Work, chapters: Iterable[Titled]) -> dict[str, Called]:
    """By id. `chapters` are all of the work's living ones in the order of the telling."""
    return {c.id: _called(work, c, number) for c, number in _counted(chapters)}


def called_in_bin(work: Work, chapter: Titled) -> Called:
    """A chapter that has no place in the telling, so no number by count."""
    return _called(work, chapter, None)


def call(session: Session, work: Work, chapter: Chapter) -> Called:
    """What one living chapter is called."""
    rows = _counted(_rows(session, work.id))
    return next(_called(work, row, number) for row, number in rows if row.id == chapter.id)


def full_titles(work: Work, chapters: Iterable[Titled]) -> dict[str, str]:
    """Label and name as one line, by id, for prompts, search and export; chapters as in `called`.

    A title that begins with the very label stays as the author wrote it.
    """
    if work.numbering != AUTO:
        return {c.id: c.title for c in chapters}
    return {c.id: _full(work, c, number) for c, number in _counted(chapters)}


def counted_titles(session: Session, work_id: str) -> dict[str, str]:
    """The full titles of a work whose chapters are counted; {} where their own titles are all."""
    work = session.get(Work, work_id)
    if work is None or work.numbering != AUTO:
        return {}
    return full_titles(work, _rows(session, work_id))


def _rows(session: Session, work_id: str) -> list[TitleRow]:
    query = (
        select(Chapter.id, Chapter.kind, Chapter.title)
        .where(Chapter.work_id == work_id, col(Chapter.deleted_at).is_(None))
        .order_by(col(Chapter.position))
    )
    return [TitleRow(*row) for row in session.exec(query)]


def _counted(chapters: Iterable[Titled]) -> Iterator[tuple[Titled, int | None]]:
    number = 0
    for chapter in chapters:
        number += chapter.kind == COUNTED
        yield chapter, number if chapter.kind == COUNTED else None


def _called(work: Work, chapter: Titled, number: int | None) -> Called:
    if chapter.kind != COUNTED:
        return Called("", chapter.title)
    label, _, name = split_title(chapter.title)
    if work.numbering == AUTO:
        label = "" if number is None else f"第{chinese_of(number)}{work.unit}"
    return Called(label, name)


def _full(work: Work, chapter: Titled, number: int | None) -> str:
    told = _called(work, chapter, number)
    if told.label == split_title(chapter.title)[0]:
        return chapter.title
    return f"{told.label} {told.name}".strip()
