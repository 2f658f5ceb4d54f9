"""Find and replace over the chapters of a work.

A replaced chapter gets a revision, and what points into it moves by the very words that were
replaced (`places`). A locked chapter is searched and stays as it is. Functions take an open
session and leave the transaction to the caller.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import thread_time
from typing import Any

import regex  # type: ignore[import-untyped, unused-ignore]
from sqlmodel import Session

from retrieval.lore.patterns import BrokenPattern, compiled
from retrieval.types import ChapterText
from server.edits import Edit
from server.errors import Invalid, TooLarge
from server.manuscript import LOCKED, book_texts, get_chapter, save_text
from server.models import Chapter
from server.schemas.common import LONGEST_CHAPTER

SECONDS = 5.0
"""Processor time that one request may search for."""
SHOWN = 200
"""Hits that an answer shows; all are counted and replaced."""
MOST_HITS = 100_000
AROUND = 20
"""Characters shown on either side of a hit."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to find, and what to put there; as a regular expression, `put` is its template."""

    find: str
    put: str
    regex: bool = False
    case: bool = True


@dataclass(frozen=True, slots=True)
class Hit:
    """`text[start:end]` of a chapter, which `put` shall replace."""

    start: int
    end: int
    put: str


@dataclass(slots=True)
class Found:
    """One chapter with hits; `shown` are the first of them."""

    chapter: Chapter
    text: str
    count: int
    shown: list[Hit] = field(default_factory=list)

    @property
    def locked(self) -> bool:
        return self.chapter.status == LOCKED


def replace(
    session: Session,
    work_id: str,
    wanted: Wanted,
    chapters: Sequence[str] | None = None,
    *,
    preview: bool,
) -> list[Found]:
    """Every chapter with hits, in the order of the telling; replaced there unless `preview`.

    `chapters` are those to search, None: all. Raises NotFound for one that is not there,
    Invalid for a pattern that is wrong or slow, TooLarge where a chapter would become so; then
    nothing is to be committed.
    """
    search = _Search(wanted)
    found: list[Found] = []
    room = SHOWN
    for told in _texts(session, work_id, chapters):
        hits = list(search.hits(told.text))
        if not hits:
            continue
        chapter = get_chapter(session, work_id, told.id)
        found.append(Found(chapter, told.text, len(hits), hits[:room]))
        room -= len(found[-1].shown)
        if not preview and not found[-1].locked:
            text = replaced(told.text, hits)
            edits = [
                Edit(h.start, h.end, len(h.put))
                for h in hits
                if h.put != told.text[h.start : h.end]
            ]
            save_text(session, chapter, text, origin="replaced", edits=edits)
    return found


def replaced(text: str, hits: Sequence[Hit]) -> str:
    """The text with every hit replaced; they stand in order and do not overlap."""
    parts, done = [], 0
    for hit in hits:
        parts += [text[done : hit.start], hit.put]
        done = hit.end
    return "".join([*parts, text[done:]])


def context(text: str, hit: Hit) -> tuple[str, str]:
    """What stands before and behind the hit in its paragraph."""
    before = text[max(0, hit.start - AROUND) : hit.start].rpartition("\n")[2]
    behind = text[hit.end : hit.end + AROUND].partition("\n")[0]
    return before, behind


class _Search:
    """One search over many texts: its time and its hits are counted together."""

    def __init__(self, wanted: Wanted) -> None:
        source = wanted.find if wanted.regex else regex.escape(wanted.find)
        try:
            self._pattern = compiled(f"/{source}/{'m' if wanted.case else 'im'}")
        except BrokenPattern as error:
            raise Invalid(f"{error}。", code="bad_pattern") from error
        self._wanted = wanted
        self._until = thread_time() + SECONDS
        self._count = 0

    def hits(self, text: str) -> Iterator[Hit]:
        length = len(text)
        try:
            left = max(0.001, self._until - thread_time())
            for match in self._pattern.finditer(text, timeout=left):
                hit = Hit(match.start(), match.end(), self._put(match))
                length += len(hit.put) - (hit.end - hit.start)
                self._check(length)
                yield hit
        except TimeoutError as error:
            raise Invalid(
                "这样找太慢，已中止，什么也没有改；请把正则表达式写得简单些（避免重复里套重复）。",
                code="pattern_too_slow",
            ) from error

    def _put(self, match: Any) -> str:
        if not self._wanted.regex:
            return self._wanted.put
        try:
            put: str = match.expand(self._wanted.put)
        except (regex.error, IndexError) as error:
            raise Invalid(
                f"替换成的文字写错了（{error}）；反斜杠后面要跟括号的序号，例如 \\1。",
                code="bad_replacement",
            ) from error
        return put

    def _check(self, length: int) -> None:
        self._count += 1
        if self._count > MOST_HITS:
            raise Invalid(
                f"找到的超过 {MOST_HITS} 处，什么也没有改；请把要找的写得更具体，或分几章来换。",
                code="too_many_hits",
            )
        if length > LONGEST_CHAPTER:
            raise TooLarge(
                f"替换后有一章会超过 {LONGEST_CHAPTER} 字符，什么也没有改；请换短一些的文字。"
            )


def _texts(session: Session, work_id: str, chapters: Sequence[str] | None) -> list[ChapterText]:
    texts = book_texts(session, work_id)
    if chapters is None:
        return texts
    wanted = {get_chapter(session, work_id, id).id for id in chapters}
    return [text for text in texts if text.id in wanted]
