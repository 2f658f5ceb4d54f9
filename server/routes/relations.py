"""What people are to each other, for the whole book or as it stands at one place."""

from fastapi import APIRouter, status

from server import manuscript, relations, story
from server.deps import Reading, RowId, WorkId, Writing
from server.schemas.common import Id, Offset
from server.schemas.relations import RelationChange, RelationNew, RelationOut

router = APIRouter(prefix="/api/works/{work_id}/relations", tags=["relations"])


@router.get("")
def list_relations(
    work_id: WorkId,
    session: Reading,
    character_id: Id | None = None,
    chapter_id: Id | None = None,
    offset: Offset = 0,
    viewpoint: Id | None = None,
) -> list[RelationOut]:
    """All of them, or with a chapter those that hold at its offset, for the author or through
    one character's eyes."""
    manuscript.get_work(session, work_id)
    rows = relations.list_relations(session, work_id, character_id)
    if chapter_id is not None:
        view, order = story.view_at(session, work_id, chapter_id, offset, viewpoint)
        rows = relations.standing_rows(rows, order, view)
    return [RelationOut.model_validate(row) for row in rows]


@router.post("", status_code=status.HTTP_201_CREATED)
def create_relation(work_id: WorkId, wanted: RelationNew, session: Writing) -> RelationOut:
    manuscript.get_work(session, work_id)
    row = relations.add_relation(session, work_id, wanted.model_dump())
    return RelationOut.model_validate(row)


@router.patch("/{relation_id}")
def change_relation(
    work_id: WorkId, relation_id: RowId, change: RelationChange, session: Writing
) -> RelationOut:
    row = relations.get_relation(session, work_id, relation_id)
    relations.change_relation(session, row, change.model_dump(exclude_unset=True))
    return RelationOut.model_validate(row)


@router.delete("/{relation_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_relation(work_id: WorkId, relation_id: RowId, session: Writing) -> None:
    session.delete(relations.get_relation(session, work_id, relation_id))
