"""Character sheets and their pictures."""

from typing import Annotated

from fastapi import APIRouter, Header, UploadFile, status
from sqlmodel import Session
from starlette.responses import Response

from server import characters, manuscript, portraits
from server.deps import Reading, RowId, WorkId, Writing
from server.models import Character
from server.schemas.characters import CharacterChange, CharacterNew, CharacterOut

router = APIRouter(prefix="/api/works/{work_id}/characters", tags=["characters"])


@router.get("")
def list_characters(work_id: WorkId, session: Reading) -> list[CharacterOut]:
    manuscript.get_work(session, work_id)
    return _told(session, work_id, manuscript.list_characters(session, work_id))


@router.post("", status_code=status.HTTP_201_CREATED)
def create_character(work_id: WorkId, wanted: CharacterNew, session: Writing) -> CharacterOut:
    manuscript.get_work(session, work_id)
    made = characters.add_character(session, work_id, wanted.model_dump())
    return CharacterOut.model_validate(made)


@router.get("/{character_id}")
def get_character(work_id: WorkId, character_id: RowId, session: Reading) -> CharacterOut:
    character = manuscript.get_character(session, work_id, character_id)
    return _told(session, work_id, [character])[0]


@router.patch("/{character_id}")
def change_character(
    work_id: WorkId, character_id: RowId, change: CharacterChange, session: Writing
) -> CharacterOut:
    character = manuscript.get_character(session, work_id, character_id)
    characters.change_character(session, character, change.model_dump(exclude_none=True))
    return _told(session, work_id, [character])[0]


@router.delete("/{character_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_character(work_id: WorkId, character_id: RowId, session: Writing) -> None:
    session.delete(manuscript.get_character(session, work_id, character_id))


@router.put("/{character_id}/portrait")
def put_portrait(
    work_id: WorkId, character_id: RowId, file: UploadFile, session: Writing
) -> CharacterOut:
    """A PNG, JPEG or WebP of at most 2 MB, drawn anew as a WebP of at most 512 pixels a side."""
    character = manuscript.get_character(session, work_id, character_id)
    portraits.put_portrait(session, character, file.file.read(portraits.MOST_BYTES + 1))
    session.flush()
    return _told(session, work_id, [character])[0]


@router.get("/{character_id}/portrait", response_class=Response)
def get_portrait(
    work_id: WorkId,
    character_id: RowId,
    session: Reading,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    character = manuscript.get_character(session, work_id, character_id)
    portrait = portraits.get_portrait(session, character)
    headers = {"etag": f'"{portrait.sha256[:32]}"'}
    if if_none_match == headers["etag"]:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(portrait.image, media_type=portraits.MEDIA_TYPE, headers=headers)


@router.delete("/{character_id}/portrait", status_code=status.HTTP_204_NO_CONTENT)
def delete_portrait(work_id: WorkId, character_id: RowId, session: Writing) -> None:
    character = manuscript.get_character(session, work_id, character_id)
    session.delete(portraits.get_portrait(session, character))


def _told(session: Session, work_id: str, rows: list[Character]) -> list[CharacterOut]:
    pictured = portraits.with_portrait(session, work_id)
    return [
        CharacterOut.model_validate(row).model_copy(update={"portrait": row.id in pictured})
        for row in rows
    ]
