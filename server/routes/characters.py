"""Character sheets."""

from fastapi import APIRouter, status

from server import manuscript
from server.deps import Reading, RowId, WorkId, Writing
from server.models import Character, now
from server.schemas.manuscript import CharacterChange, CharacterNew, CharacterOut

router = APIRouter(prefix="/api/works/{work_id}/characters", tags=["characters"])


@router.get("")
def list_characters(work_id: WorkId, session: Reading) -> list[CharacterOut]:
    manuscript.get_work(session, work_id)
    return [CharacterOut.model_validate(c) for c in manuscript.list_characters(session, work_id)]


@router.post("", status_code=status.HTTP_201_CREATED)
def create_character(work_id: WorkId, wanted: CharacterNew, session: Writing) -> CharacterOut:
    manuscript.get_work(session, work_id)
    place = len(manuscript.list_characters(session, work_id))
    character = Character(work_id=work_id, position=place, **wanted.model_dump())
    session.add(character)
    session.flush()
    return CharacterOut.model_validate(character)


@router.get("/{character_id}")
def get_character(work_id: WorkId, character_id: RowId, session: Reading) -> CharacterOut:
    return CharacterOut.model_validate(manuscript.get_character(session, work_id, character_id))


@router.patch("/{character_id}")
def change_character(
    work_id: WorkId, character_id: RowId, change: CharacterChange, session: Writing
) -> CharacterOut:
    character = manuscript.get_character(session, work_id, character_id)
    character.sqlmodel_update(change.model_dump(exclude_none=True))
    character.updated_at = now()
    session.add(character)
    return CharacterOut.model_validate(character)


@router.delete("/{character_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_character(work_id: WorkId, character_id: RowId, session: Writing) -> None:
    session.delete(manuscript.get_character(session, work_id, character_id))
