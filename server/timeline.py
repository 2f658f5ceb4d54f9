"""A work's time as one list: chapters, scenes, and whatever begins, ends or comes up at a place.

What holds from the beginning on is no moment and is left out; so is what begins in a chapter
that is gone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite

from sqlmodel import Session

from retrieval import types
from retrieval.timeline import Began, Timeline
from retrieval.types import StoryPosition
from server import manuscript
from server.models import Chapter, Scene
from server.relations import list_relations
from server.story import Timed, as_scene, list_facts, list_progressions, list_scenes, order_of
from server.threads import list_events, list_threads
from server.titles import full_titles

BETWEEN = 0.1
"""The first part of a chapter's span, where scenes stand that happen right before it."""

EVENTS = {"plant": "埋下", "advance": "提到", "resolve": "收束"}


@dataclass(frozen=True, slots=True)
class Moment:
    """Something at a place of the telling; `story_order` as `MomentOut` says."""

    place: StoryPosition
    chapter_id: str
    story_order: float | None
    began: Began
    kind: str
    id: str
    title: str
    text: str = ""
    character_ids: Sequence[str] = field(default_factory=list)
    ends: bool = False
    thread_id: str | None = None


def timeline(session: Session, work_id: str) -> list[Moment]:
    """Every moment, in the order in which they happen; what nobody can date comes last."""
    chapters = manuscript.list_chapters(session, work_id)
    order = order_of(chapters)
    rows = [row for row in list_scenes(session, work_id) if row.chapter_id in order]
    scenes = {row.id: as_scene(row, order) for row in rows}
    clock = _Clock(chapters, Timeline(list(scenes.values())))
    titles = full_titles(manuscript.get_work(session, work_id), chapters)
    found = [*_told(titles, rows, scenes, clock), *_held(session, work_id, clock)]
    found += _threads(session, work_id, clock)
    return sorted(found, key=lambda m: (m.story_order is None, m.began, KINDS.index(m.kind), m.id))


KINDS = ("chapter", "scene", "progression", "relation", "fact", "thread")
"""The order of what happens at one place."""


class _Clock:
    """When a place of the telling happens."""

    def __init__(self, chapters: Sequence[Chapter], scenes: Timeline) -> None:
        self.chapters = {chapter.id: chapter for chapter in chapters}
        self._scenes = scenes

    def moment(
        self, kind: str, id: str, chapter_id: str, offset: int, title: str, text: str = "",
        people: Sequence[str] = (), *, ends: bool = False, thread_id: str | None = None,
        scene: types.Scene | None = None,
    ) -> Moment:  # fmt: skip
        """At a place; a `scene` begins when it says, whatever else touches its border."""
        place = StoryPosition(self.chapters[chapter_id].position, offset)
        began = self._scenes.began(place)
        if scene is not None:
            began = (-inf if scene.when is None else scene.when, scene.rank), place
        return Moment(
            place, chapter_id, self._number(chapter_id, offset, began), began, kind, id, title,
            text, list(people), ends, thread_id,
        )  # fmt: skip

    def _number(self, chapter_id: str, offset: int, began: Began) -> float | None:
        """Chapters by how far they are told, scenes by their rank within BETWEEN."""
        when, rank = began[0]
        if not isfinite(when):
            return None
        if isfinite(rank):
            return when + BETWEEN * (0.5 + 0.49 * rank / (1 + abs(rank)))
        length = max(self.chapters[chapter_id].chars, offset) + 1
        return when + BETWEEN + (1 - BETWEEN) * offset / length


def _told(
    titles: Mapping[str, str],
    rows: Sequence[Scene],
    scenes: Mapping[str, types.Scene],
    clock: _Clock,
) -> Iterator[Moment]:
    for chapter in clock.chapters.values():
        yield clock.moment("chapter", chapter.id, chapter.id, 0, titles[chapter.id])
    for row in rows:
        yield clock.moment(
            "scene", row.id, row.chapter_id, row.start, row.label, scene=scenes[row.id]
        )


def _held(session: Session, work_id: str, clock: _Clock) -> Iterator[Moment]:
    names = {c.id: c.name for c in manuscript.list_characters(session, work_id)}
    for state in list_progressions(session, work_id):
        title = f"{names[state.character_id]}：{state.label}"
        people = [state.character_id]
        yield from _span(clock, state, "progression", state.id, title, state.text, people)
    for bond in list_relations(session, work_id):
        title = f"{names[bond.a]}与{names[bond.b]}"
        people = [bond.a, bond.b]
        yield from _span(clock, bond, "relation", bond.id, title, bond.label, people)
    for fact in list_facts(session, work_id):
        title = f"{fact.entity}（{fact.attribute}）"
        people = [fact.character_id] if fact.character_id is not None else []
        yield from _span(clock, fact, "fact", fact.id, title, fact.value, people)


def _span(
    clock: _Clock, row: Timed, kind: str, id: str, title: str, text: str, people: Sequence[str]
) -> Iterator[Moment]:
    """Where it begins and where it ends to hold."""
    since, until = row.since_chapter_id, row.until_chapter_id
    if since in clock.chapters:
        yield clock.moment(kind, id, since, row.since_offset, title, text, people)
    if until in clock.chapters:
        yield clock.moment(kind, id, until, row.until_offset, title, text, people, ends=True)


def _threads(session: Session, work_id: str, clock: _Clock) -> Iterator[Moment]:
    events = list_events(session, work_id)
    for thread in list_threads(session, work_id):
        for event in events.get(thread.id, []):
            if event.chapter_id in clock.chapters:
                yield clock.moment(
                    "thread", event.id, event.chapter_id, event.offset,
                    f"{thread.title}（{EVENTS[event.kind]}）", event.note or event.quote,
                    thread_id=thread.id,
                )  # fmt: skip
