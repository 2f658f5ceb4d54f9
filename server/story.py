"""Scenes, progressions, relations and facts: rows to what retrieval understands, and most of the
rows themselves (relations are `relations.py`'s).

Functions take an open session and leave the transaction to the caller. Places are a chapter's id
and an offset in the tables, `StoryPosition` in retrieval; `places.py` keeps the offsets true.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlmodel import Session, col, select

from retrieval import types
from retrieval.relations import Relation, with_relations
from retrieval.states import Standing, standing
from retrieval.timeline import View
from retrieval.types import StoryPosition, Validity
from server import models
from server.errors import NotFound
from server.kept import Kept
from server.manuscript import get_chapter, get_character, list_chapters
from server.models import Chapter, Fact, Knowers, Progression, Scene
from server.rows import OF, Rows

Order = Mapping[str, int]
"""Each living chapter's place in the telling, by id."""


class Timed(Protocol):
    """A row that begins and ends in the telling and that somebody knows."""

    since_chapter_id: str | None
    since_offset: int
    until_chapter_id: str | None
    until_offset: int
    known_by: Knowers | None


@dataclass(frozen=True, slots=True)
class Story:
    """What has its own time in a work, as retrieval takes it."""

    scenes: tuple[types.Scene, ...]
    states: Mapping[str, Sequence[types.SheetState]]
    """Of each character's sheet, by the character's id."""
    facts: tuple[types.Fact, ...]
    relations: Mapping[str, Sequence[Relation]]
    """Those that bear on a character's sheet, by the character's id."""

    def sheet(
        self, character_id: str, sheet: Mapping[str, str], names: Mapping[str, str], view: View
    ) -> Standing:
        """A sheet as it stands for the view, relations to whom `names` has included."""
        own = standing(character_id, sheet, self.states.get(character_id, ()), view)
        bonds = self.relations.get(character_id, ())
        return with_relations(own, character_id, bonds, names, view) if bonds else own


_SCENES = Rows(Scene, col(Scene.work_id) == OF, col(Scene.start), col(Scene.id))
_PROGRESSIONS = Rows(
    Progression, col(Progression.work_id) == OF, col(Progression.created_at), col(Progression.id)
)
_RELATIONS = Rows(
    models.Relation,
    col(models.Relation.work_id) == OF,
    col(models.Relation.created_at),
    col(models.Relation.id),
)
_FACTS = Rows(Fact, col(Fact.work_id) == OF, col(Fact.created_at), col(Fact.id))


def order_of(chapters: Iterable[Chapter]) -> dict[str, int]:
    return {chapter.id: chapter.position for chapter in chapters}


def load_story_time(session: Session, work_id: str, order: Order | None = None) -> Story:
    """All of a work's scenes, states and facts; `order` saves reading the chapters again."""
    placed = order_of(list_chapters(session, work_id)) if order is None else order
    told = (
        _SCENES.of(session, work_id),
        _PROGRESSIONS.of(session, work_id),
        _FACTS.of(session, work_id),
        _RELATIONS.of(session, work_id),
        placed,
    )
    return _stories.of(work_id, told)


def _story(told: "_Told") -> Story:
    scenes, progressions, facts, relations, order = told
    states: dict[str, list[types.SheetState]] = {}
    for state in progressions:
        states.setdefault(state.character_id, []).append(as_state(state, order))
    bonds: dict[str, list[Relation]] = {}
    for row in relations:
        for character_id in (row.a, row.b) if row.mutual else (row.a,):
            bonds.setdefault(character_id, []).append(as_relation(row, order))
    return Story(
        tuple(_in_order(scenes, order)),
        states,
        tuple(as_fact(row, order) for row in facts),
        bonds,
    )


_Told = tuple[
    Sequence[Scene], Sequence[Progression], Sequence[Fact], Sequence[models.Relation], Order
]
_stories: Kept[_Told, Story] = Kept(_story)


def view_at(
    session: Session, work_id: str, chapter_id: str, offset: int, viewpoint: str | None = None
) -> tuple[View, Order]:
    """What may be seen at a place, by the author or through one character's eyes. Raises
    NotFound."""
    if viewpoint is not None:
        get_character(session, work_id, viewpoint)
    chapter = get_chapter(session, work_id, chapter_id)
    order = order_of(list_chapters(session, work_id))
    scenes = load_scenes(session, work_id, order)
    return View(StoryPosition(chapter.position, offset), viewpoint, scenes), order


def load_scenes(session: Session, work_id: str, order: Order) -> list[types.Scene]:
    """The scenes of the chapters that are there; what every `View` of the work wants."""
    return _in_order(_SCENES.of(session, work_id), order)


def _in_order(rows: Iterable[Scene], order: Order) -> list[types.Scene]:
    there = [row for row in rows if row.chapter_id in order]
    return [as_scene(row, order) for row in sorted(there, key=lambda row: order[row.chapter_id])]


def as_scene(row: Scene, order: Order) -> types.Scene:
    """When it happens is unknown where the chapter it follows is gone."""
    if row.after_chapter_id is None:
        when: float | None = 0
    else:
        after = order.get(row.after_chapter_id)
        when = None if after is None else after + 1
    chapter = order[row.chapter_id]
    return types.Scene(chapter, row.start, row.end, when, row.rank, row.backstory)


def validity(row: Timed, order: Order) -> Validity:
    """When it holds and who knows it; a knower whose place of learning is gone does not."""
    ids = [i for i in (row.since_chapter_id, row.until_chapter_id) if i is not None]
    return Validity(
        _place(row.since_chapter_id, row.since_offset, order),
        _place(row.until_chapter_id, row.until_offset, order),
        None if row.known_by is None else _knowers(row.known_by, order),
        all(i in order for i in ids),
    )


def as_state(row: Progression, order: Order) -> types.SheetState:
    return types.SheetState(row.id, row.character_id, row.label, row.text, validity(row, order))


def as_relation(row: models.Relation, order: Order) -> Relation:
    return Relation(row.id, row.a, row.b, row.label, row.mutual, validity(row, order))


def as_fact(row: Fact, order: Order) -> types.Fact:
    return types.Fact(
        row.id, row.entity, row.attribute, row.value, validity(row, order),
        row.character_id, row.evidence,
    )  # fmt: skip


def list_scenes(session: Session, work_id: str) -> list[Scene]:
    """In the order of the telling; those of chapters in the bin as well."""
    query = select(Scene, Chapter.position).join(Chapter).where(Scene.work_id == work_id)
    rows = session.exec(query.order_by(col(Chapter.position), col(Scene.start), col(Scene.id)))
    return [scene for scene, _ in rows]


def list_progressions(
    session: Session, work_id: str, character_id: str | None = None
) -> list[Progression]:
    query = select(Progression).where(Progression.work_id == work_id)
    if character_id is not None:
        query = query.where(Progression.character_id == character_id)
    return list(session.exec(query.order_by(col(Progression.created_at), col(Progression.id))))


def list_facts(session: Session, work_id: str, character_id: str | None = None) -> list[Fact]:
    query = select(Fact).where(Fact.work_id == work_id)
    if character_id is not None:
        query = query.where(Fact.character_id == character_id)
    return list(session.exec(query.order_by(col(Fact.created_at), col(Fact.id))))


def get_scene(session: Session, work_id: str, scene_id: str) -> Scene:
    missing = NotFound("没有这个场景，它可能已被删除。", code="scene_not_found")
    return _of_work(session, Scene, work_id, scene_id, missing)


def get_progression(session: Session, work_id: str, progression_id: str) -> Progression:
    missing = NotFound("人物设定里没有这一条变化，它可能已被删除。", code="progression_not_found")
    return _of_work(session, Progression, work_id, progression_id, missing)


def get_fact(session: Session, work_id: str, fact_id: str) -> Fact:
    missing = NotFound("没有这条设定事实，它可能已被删除。", code="fact_not_found")
    return _of_work(session, Fact, work_id, fact_id, missing)


Owned = TypeVar("Owned", Scene, Progression, Fact)


def _of_work(
    session: Session, table: type[Owned], work_id: str, row_id: str, missing: NotFound
) -> Owned:
    """The row, when it belongs to this work; another work's row is as absent as none."""
    row = session.get(table, row_id)
    if row is None or row.work_id != work_id:
        raise missing
    return row


def _place(chapter_id: str | None, offset: int, order: Order) -> StoryPosition | None:
    if chapter_id is None or chapter_id not in order:
        return None
    return StoryPosition(order[chapter_id], offset)


def _knowers(known_by: Knowers, order: Order) -> dict[str, StoryPosition | None]:
    return {
        one["character_id"]: _place(one.get("chapter_id"), int(one.get("offset") or 0), order)
        for one in known_by
        if one.get("chapter_id") is None or one["chapter_id"] in order
    }
