"""From rows to a Brief: everything that is known at one point of one chapter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_
from sqlmodel import Session, col

from retrieval import tail, types
from retrieval.context import Brief, OutlineNote
from retrieval.lore import Lorebook, turns_of
from retrieval.states import Hidden
from retrieval.timeline import View
from retrieval.types import StoryPosition
from server import voices
from server.errors import Invalid, StaleRevision
from server.lore_plain import load_lore
from server.manuscript import chapter_text, get_chapter, get_character, get_work
from server.models import Chapter, Character, OutlineNode, Work
from server.recaps.notes import recap_notes
from server.rows import OF, Rows
from server.story import Order, Story, load_story_time, order_of
from server.threads import load_threads
from server.titles import full_titles

TAIL_CHARS = 12_000
"""More of the chapter than any prompt's tail will hold."""
SEAM_CHARS = 1500
"""How much of the chapter before a chapter that begins is shown."""


_WORKS = Rows(Work, and_(col(Work.id) == OF, col(Work.deleted_at).is_(None)))
_CHAPTERS = Rows(
    Chapter,
    and_(col(Chapter.work_id) == OF, col(Chapter.deleted_at).is_(None)),
    col(Chapter.position),
)
_CHARACTERS = Rows(
    Character, col(Character.work_id) == OF, col(Character.position), col(Character.id)
)
_OUTLINE = Rows(
    OutlineNode, col(OutlineNode.work_id) == OF, col(OutlineNode.position), col(OutlineNode.id)
)


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
    viewpoint: str | None = None
    """The id of the character through whose eyes it is told; None: nothing is kept from it."""
    written: str = ""
    """What follows there and is not in the chapter yet; the next words come behind it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    brief: Brief
    position: StoryPosition
    chapter_id: str
    revision: int
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What the author set for the whole work."""
    lorebooks: Sequence[Lorebook] = ()
    turns: tuple[str, ...] = ()
    """What lore is searched for in: the chapter's paragraphs and the beat."""


def load_brief(session: Session, place: Place, *, automatic_recaps: bool = True) -> Loaded:
    """Raises NotFound, StaleRevision, or Invalid for an offset outside the chapter."""
    work = next(iter(_WORKS.of(session, place.work_id)), None)
    if work is None:
        work = get_work(session, place.work_id)
    if place.viewpoint is not None:
        get_character(session, work.id, place.viewpoint)
    chapters = _CHAPTERS.of(session, work.id)
    chapter = next((c for c in chapters if c.id == place.chapter_id), None)
    if chapter is None:
        chapter = get_chapter(session, place.work_id, place.chapter_id)
    check_revision(chapter, place.revision)
    text = chapter_text(session, chapter)
    offset = len(text) if place.offset is None else place.offset
    if not 0 <= offset <= len(text):
        raise Invalid(
            f"续写位置 {offset} 不在本章之内（本章有 {len(text)} 字符），请在 0 到 {len(text)} 之间选。",
            code="offset_out_of_range",
        )
    titles = full_titles(work, chapters)
    order = order_of(chapters)
    story = load_story_time(session, work.id, order)
    position = StoryPosition(chapter.position, offset)
    view = View(position, place.viewpoint, story.scenes)
    before = text[tail.beginning(offset, TAIL_CHARS) : offset] + place.written
    opens = False
    if not before.strip():
        before, opens = _previous_ending(session, chapters, view), True
    recaps = recap_notes(session, work.id, view, automatic=automatic_recaps)
    cast, hidden = cast_at(_CHARACTERS.of(session, work.id), story, order, view)
    return Loaded(
        Brief(
            title=work.title,
            chapter_title=titles[chapter.id],
            before=before,
            opens_chapter=opens,
            style=work.style,
            synopsis=work.synopsis,
            beat=place.beat,
            length=place.length,
            cast=cast,
            hidden=hidden,
            facts=story.facts,
            view=view,
            recaps=recaps,
            threads=load_threads(session, work.id, order, titles),
            outline=outline_notes(
                _OUTLINE.of(session, work.id), chapters, chapter, view, titles, told=bool(recaps)
            ),
            pinned=place.pinned | (_chosen(chapter, "pinned") - place.excluded),
            excluded=place.excluded | (_chosen(chapter, "excluded") - place.pinned),
        ),
        position,
        chapter.id,
        chapter.revision,
        work.defaults,
        load_lore(session, work.id, order),
        turns_of(before if opens else text[:offset] + place.written, place.beat),
    )


def check_revision(chapter: Chapter, looked_at: int | None) -> None:
    """Raises StaleRevision where the author looked at another one than the current."""
    if looked_at is not None and looked_at != chapter.revision:
        raise StaleRevision(
            f"这一章已是第 {chapter.revision} 版，续写请求基于第 {looked_at} 版，请先刷新再续写。"
        )


def _chosen(chapter: Chapter, choice: str) -> frozenset[str]:
    """What the author pinned or excluded for the whole chapter; a request may say otherwise."""
    return frozenset(chapter.context.get(choice, ()))


def cast_at(
    rows: Sequence[Character], story: Story, order: Order, view: View
) -> tuple[list[types.Character], list[Hidden]]:
    """Everybody with the sheet that stands here, and what of it may not be shown."""
    cast: list[types.Character] = []
    hidden: list[Hidden] = []
    names = {row.id: row.name for row in rows}
    for row in rows:
        sheet = story.sheet(row.id, row.sheet, names, view)
        voice = voices.shown(row.voice, order, view)
        cast.append(
            types.Character(row.id, row.name, tuple(row.aliases), row.role, sheet.text, voice)
        )
        hidden += sheet.hidden
    return cast, hidden


def outline_notes(
    nodes: Iterable[OutlineNode],
    chapters: Sequence[Chapter],
    here: Chapter,
    view: View,
    titles: Mapping[str, str],
    told: bool = False,
) -> list[OutlineNote]:
    """The volume's and this chapter's plan and what the chapter before did; never later ones.

    Where the chapter before happens later in story time, what it did is not told either, nor
    where a recap has `told` it.
    """
    nodes = list(nodes)
    by_id = {n.id: n for n in nodes}
    notes: list[OutlineNote] = []
    previous = next((c for c in chapters if c.position == here.position - 1), None)
    if told or (previous is not None and not _sees_chapter(view, previous)):
        previous = None
    for node in nodes:
        if node.kind != "chapter" or node.chapter_id is None:
            continue
        if previous is not None and node.chapter_id == previous.id and node.summary:
            notes.append(
                OutlineNote(
                    node.id, "上一章的提纲", f"上一章（{titles[previous.id]}）：{node.summary}", 50
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


def _previous_ending(session: Session, chapters: Sequence[Chapter], view: View) -> str:
    """The end of the last chapter before that has text and may be seen from here."""
    assert view.position is not None
    for chapter in reversed([c for c in chapters if c.position < view.position.chapter]):
        text = chapter_text(session, chapter).rstrip()
        start = max(0, len(text) - SEAM_CHARS)
        begins, ends = (StoryPosition(chapter.position, n) for n in (start, len(text)))
        if text and view.sees(ends, begins):
            return text[start:]
    return ""


def _sees_chapter(view: View, chapter: Chapter) -> bool:
    begins, behind = StoryPosition(chapter.position), StoryPosition(chapter.position + 1)
    return view.sees(behind, begins)
