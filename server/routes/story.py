"""Story time: scenes told out of order, progressions of sheets, facts and who knows them."""

from collections.abc import Sequence

from fastapi import APIRouter, status
from sqlmodel import Session

from retrieval.facts import sentence
from retrieval.states import standing
from retrieval.timeline import UNKNOWN, View
from server import manuscript, relations, story, story_rows
from server.deps import Reading, RowId, WorkId, Writing
from server.models import Character, Fact
from server.schemas.common import Id, Offset
from server.schemas.story import (
    BondOut,
    FactChange,
    FactNew,
    FactOut,
    FactsIn,
    HiddenOut,
    ParagraphOut,
    ProgressionChange,
    ProgressionNew,
    ProgressionOut,
    SceneChange,
    SceneNew,
    SceneOut,
    StandingOut,
)

router = APIRouter(prefix="/api/works/{work_id}", tags=["story time"])


@router.get("/scenes")
def list_scenes(work_id: WorkId, session: Reading) -> list[SceneOut]:
    manuscript.get_work(session, work_id)
    return [SceneOut.model_validate(s) for s in story.list_scenes(session, work_id)]


@router.post("/scenes", status_code=status.HTTP_201_CREATED)
def create_scene(work_id: WorkId, wanted: SceneNew, session: Writing) -> SceneOut:
    manuscript.get_work(session, work_id)
    return SceneOut.model_validate(story_rows.add_scene(session, work_id, wanted.model_dump()))


@router.patch("/scenes/{scene_id}")
def change_scene(
    work_id: WorkId, scene_id: RowId, change: SceneChange, session: Writing
) -> SceneOut:
    scene = story.get_scene(session, work_id, scene_id)
    story_rows.change_scene(session, scene, change.model_dump(exclude_unset=True))
    return SceneOut.model_validate(scene)


@router.delete("/scenes/{scene_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_scene(work_id: WorkId, scene_id: RowId, session: Writing) -> None:
    """The text stays; it only loses its own time."""
    session.delete(story.get_scene(session, work_id, scene_id))


@router.get("/progressions")
def list_progressions(
    work_id: WorkId, session: Reading, character_id: Id | None = None
) -> list[ProgressionOut]:
    manuscript.get_work(session, work_id)
    rows = story.list_progressions(session, work_id, character_id)
    return [ProgressionOut.model_validate(p) for p in rows]


@router.post("/progressions", status_code=status.HTTP_201_CREATED)
def create_progression(work_id: WorkId, wanted: ProgressionNew, session: Writing) -> ProgressionOut:
    manuscript.get_work(session, work_id)
    row = story_rows.add_progression(session, work_id, wanted.model_dump())
    return ProgressionOut.model_validate(row)


@router.patch("/progressions/{progression_id}")
def change_progression(
    work_id: WorkId, progression_id: RowId, change: ProgressionChange, session: Writing
) -> ProgressionOut:
    row = story.get_progression(session, work_id, progression_id)
    story_rows.change_progression(session, row, change.model_dump(exclude_unset=True))
    return ProgressionOut.model_validate(row)


@router.delete("/progressions/{progression_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_progression(work_id: WorkId, progression_id: RowId, session: Writing) -> None:
    session.delete(story.get_progression(session, work_id, progression_id))


@router.get("/characters/{character_id}/standing")
def sheet_standing(
    work_id: WorkId,
    character_id: RowId,
    session: Reading,
    chapter_id: Id,
    offset: Offset = 0,
    viewpoint: Id | None = None,
) -> StandingOut:
    """The sheet as it stands at a place, for the author or through one character's eyes."""
    character = manuscript.get_character(session, work_id, character_id)
    view, order = story.view_at(session, work_id, chapter_id, offset, viewpoint)
    told = story.load_story_time(session, work_id, order)
    own = View(view.position, character.id, view.scenes)
    reasons = [(sentence(fact), own.refuses(fact.validity)) for fact in told.facts]
    sheet = standing(character.id, character.sheet, told.states.get(character.id, ()), view)
    return StandingOut(
        paragraphs=[ParagraphOut.model_validate(p) for p in sheet.paragraphs],
        hidden=[
            HiddenOut(id=h.paragraph.id, label=h.paragraph.label, text=h.paragraph.text,
                      reason=h.reason)
            for h in sheet.hidden
        ],
        relations=_bonds(session, character, order, view),
        known=[text for text, reason in reasons if reason is None],
        unknown=[text for text, reason in reasons if reason == UNKNOWN],
    )  # fmt: skip


def _bonds(session: Session, character: Character, order: story.Order, view: View) -> list[BondOut]:
    """Whom a character is related to where the view is, from their side."""
    names = {c.id: c.name for c in manuscript.list_characters(session, character.work_id)}
    rows = relations.list_relations(session, character.work_id, character.id)
    return [
        BondOut(character_id=other, name=names[other], label=row.label, note=row.note)
        for row in relations.standing_rows(rows, order, view)
        if (other := story.as_relation(row, order).other(character.id)) is not None
    ]


@router.get("/facts")
def list_facts(work_id: WorkId, session: Reading, character_id: Id | None = None) -> list[FactOut]:
    manuscript.get_work(session, work_id)
    return _told(session, work_id, story.list_facts(session, work_id, character_id))


@router.post("/facts", status_code=status.HTTP_201_CREATED)
def create_fact(work_id: WorkId, wanted: FactNew, session: Writing) -> FactOut:
    manuscript.get_work(session, work_id)
    fact = story_rows.add_fact(session, work_id, wanted.model_dump(exclude_unset=True))
    return _told(session, work_id, [fact])[0]


@router.post("/facts/import", status_code=status.HTTP_201_CREATED)
def import_facts(work_id: WorkId, wanted: FactsIn, session: Writing) -> list[FactOut]:
    """All of them or, where one cannot be, none."""
    manuscript.get_work(session, work_id)
    fields = [fact.model_dump(exclude_unset=True) for fact in wanted.facts]
    return _told(session, work_id, story_rows.add_facts(session, work_id, fields))


@router.patch("/facts/{fact_id}")
def change_fact(work_id: WorkId, fact_id: RowId, change: FactChange, session: Writing) -> FactOut:
    fact = story.get_fact(session, work_id, fact_id)
    story_rows.change_fact(session, fact, change.model_dump(exclude_unset=True))
    return _told(session, work_id, [fact])[0]


@router.delete("/facts/{fact_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_fact(work_id: WorkId, fact_id: RowId, session: Writing) -> None:
    session.delete(story.get_fact(session, work_id, fact_id))


def _told(session: Session, work_id: str, facts: Sequence[Fact]) -> list[FactOut]:
    changed = story_rows.changed_evidence(session, work_id, facts)
    return [
        FactOut.model_validate(f).model_copy(update={"evidence_changed": f.id in changed})
        for f in facts
    ]
