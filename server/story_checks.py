"""What rows of the story have in common when an author makes or changes them.

Functions take an open session and leave the transaction to the caller.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from sqlmodel import Session

from retrieval.timeline import Timeline
from server import manuscript, story
from server.errors import Invalid
from server.models import Knowers

Fields = Mapping[str, Any]

MAY_BE_NULL = frozenset(
    {"end", "after_chapter_id", "since_chapter_id", "until_chapter_id", "known_by", "character_id"}
)
"""Fields for which null means something; for the others it means no change."""

TIME = frozenset(
    {"since_chapter_id", "since_offset", "until_chapter_id", "until_offset", "known_by"}
)
"""The fields that say when a row holds and who knows it."""


class OwnedTime(Protocol):
    """A work's row that holds from here to there for those who know it (`story.Timed`)."""

    work_id: str
    since_chapter_id: str | None
    since_offset: int
    until_chapter_id: str | None
    until_offset: int
    known_by: Knowers | None


def changes(fields: Fields) -> dict[str, Any]:
    """Those of the fields that a change means."""
    return {k: v for k, v in fields.items() if v is not None or k in MAY_BE_NULL}


def check_time(session: Session, row: OwnedTime) -> None:
    """Its places lie in chapters of the work, its knowers are people of it, and it begins before
    it ends. Raises NotFound, Invalid."""
    check_place(session, row.work_id, row.since_chapter_id, row.since_offset)
    check_place(session, row.work_id, row.until_chapter_id, row.until_offset)
    for knower in row.known_by or []:
        manuscript.get_character(session, row.work_id, knower["character_id"])
        check_place(session, row.work_id, knower.get("chapter_id"), knower.get("offset") or 0)
    if row.since_chapter_id is not None and row.until_chapter_id is not None:
        _check_order(session, row)


def _check_order(session: Session, row: OwnedTime) -> None:
    """It must begin before it ends, in story time."""
    order = story.order_of(manuscript.list_chapters(session, row.work_id))
    timeline = Timeline(story.load_scenes(session, row.work_id, order))
    holds = story.validity(row, order)
    assert holds.since is not None
    assert holds.until is not None
    if timeline.began(holds.since) >= timeline.began(holds.until):
        raise Invalid("它结束得不比开始晚，永远不会成立，请改正起止的位置。", code="never_holds")


def check_place(session: Session, work_id: str, chapter_id: str | None, offset: int) -> None:
    """Raises NotFound for no chapter of the work, Invalid for an offset behind its end."""
    if chapter_id is None:
        return
    length = chapter_length(session, work_id, chapter_id)
    if offset > length:
        raise Invalid(
            f"位置 {offset} 超出了那一章（有 {length} 字符），请重新选一处。",
            code="offset_out_of_range",
        )


def chapter_length(session: Session, work_id: str, chapter_id: str) -> int:
    """Characters of its current text. Raises NotFound."""
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    return len(manuscript.chapter_text(session, chapter))


def find_words(text: str, words: str, wanted: int | None) -> int:
    """Where they begin: at `wanted` if they do, else where they stand once. Raises Invalid."""
    if wanted is not None and text.startswith(words, wanted):
        return wanted
    start = text.find(words)
    if start < 0:
        raise Invalid(f"那一章里没有“{words[:30]}”这句话，请照原文引。", code="evidence_not_found")
    if wanted is None and text.find(words, start + 1) >= 0:
        raise Invalid(
            f"“{words[:30]}”在那一章里不止一处，请说明是哪一处。", code="evidence_ambiguous"
        )
    return start
