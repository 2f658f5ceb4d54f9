"""From rows to a Brief: everything that is known at one point of one chapter."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session

from retrieval import types
from retrieval.context import Brief, OutlineNote
from retrieval.types import StoryPosition
from server.errors import Invalid, StaleRevision
from server.manuscript import (
    chapter_text,
    get_chapter,
    get_work,
    list_chapters,
    list_characters,
    list_outline,
)
from server.models import Chapter, Character, OutlineNode

CURRENT_STATE = "此刻"
"""The sheet's label that is true only at the end of what is written."""

TAIL_CHARS = 12_000
"""More of the chapter than any prompt's tail will hold."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next words go, and what they were asked to be."""

    work_id: str
    chapter_id: str
    offset: int | None = None
    revision: int | None = None
    beat: str = ""
    length: int = 0
    pinned: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Loaded:
    brief: Brief
    position: StoryPosition
    revision: int


def load_brief(session: Session, place: Place) -> Loaded:
    """Raises NotFound, StaleRevision, or Invalid for an offset outside the chapter."""
    work = get_work(session, place.work_id)
    chapter = get_chapter(session, place.work_id, place.chapter_id)
    if place.revision is not None and place.revision != chapter.revision:
        raise StaleRevision(
            f"这一章已是第 {chapter.revision} 版，续写请求基于第 {place.revision} 版，请先刷新再续写。"
        )
    text = chapter_text(session, chapter)
    offset = len(text) if place.offset is None else place.offset
    if not 0 <= offset <= len(text):
        raise Invalid(
            f"续写位置 {offset} 不在本章之内（本章有 {len(text)} 字符），请在 0 到 {len(text)} 之间选。",
            code="offset_out_of_range",
        )
    chapters = list_chapters(session, work.id)
    before, opens = text[:offset][-TAIL_CHARS:], False
    if not before.strip():
        before, opens = _previous_ending(session, chapters, chapter), True
    at_end = offset == len(text) and chapter.position == len(chapters) - 1
    return Loaded(
        Brief(
            title=work.title,
            chapter_title=chapter.title,
            before=before,
            opens_chapter=opens,
            style=work.style,
            synopsis=work.synopsis,
            beat=place.beat,
            length=place.length,
            cast=[as_character(c, at_end) for c in list_characters(session, work.id)],
            outline=outline_notes(list_outline(session, work.id), chapters, chapter),
            pinned=place.pinned,
            excluded=place.excluded,
        ),
        StoryPosition(chapter.position, offset),
        chapter.revision,
    )


def as_character(row: Character, at_end: bool) -> types.Character:
    """A sheet as plain data; its present state only where it is the present."""
    sheet = "；".join(
        f"{label}：{text.strip()}"
        for label, text in row.sheet.items()
        if text.strip() and (at_end or label != CURRENT_STATE)
    )
    return types.Character(row.id, row.name, tuple(row.aliases), row.role, sheet)


def outline_notes(
    nodes: Iterable[OutlineNode], chapters: list[Chapter], here: Chapter
) -> list[OutlineNote]:
    """The volume's and this chapter's plan and what the chapter before did; never later ones."""
    nodes = list(nodes)
    by_id = {n.id: n for n in nodes}
    notes: list[OutlineNote] = []
    previous = next((c for c in chapters if c.position == here.position - 1), None)
    for node in nodes:
        if node.kind != "chapter" or node.chapter_id is None:
            continue
        if previous is not None and node.chapter_id == previous.id and node.summary:
            notes.append(
                OutlineNote(
                    node.id, "上一章的提纲", f"上一章（{previous.title}）：{node.summary}", 50
                )
            )
        if node.chapter_id == here.id:
            volume = by_id.get(node.parent_id or "")
            if volume is not None and volume.summary:
                notes.insert(
                    0,
                    OutlineNote(
                        volume.id, "本卷提纲", f"本卷（{volume.title}）：{volume.summary}", 45
                    ),
                )
            beats = [n.summary for n in nodes if n.parent_id == node.id and n.kind == "beat"]
            plan = "\n".join([node.summary, *(f"{i + 1}. {b}" for i, b in enumerate(beats))])
            if plan.strip():
                notes.append(OutlineNote(node.id, "本章提纲", f"本章提纲：{plan.strip()}", 70))
    return notes


def _previous_ending(session: Session, chapters: list[Chapter], here: Chapter) -> str:
    for chapter in reversed([c for c in chapters if c.position < here.position]):
        text = chapter_text(session, chapter)
        if text.strip():
            return text.rstrip()[-1500:]
    return ""
