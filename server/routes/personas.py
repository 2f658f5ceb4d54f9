"""Personas: their cards, pictures and lore, and what they know where they stand."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, UploadFile, status
from sqlmodel import Session, col, select
from starlette.responses import Response

from retrieval.lore.formats import Format
from server import portraits
from server.deps import Reading, RowId, TheDesk, Writing
from server.importing.uploads import uploaded
from server.lore_files import read_lore_file
from server.manuscript import list_chapters
from server.models import Persona, Work, now
from server.personas import avatars, cards
from server.personas import files as persona_files
from server.personas import lore as persona_lore
from server.personas.interchange.files import EXTENSIONS, MEDIA_TYPES, Form
from server.personas.standing import knowledge, standing_of
from server.routes.lore import book_response
from server.schemas.personas import (
    KnowledgeOut,
    KnownOut,
    PersonaChange,
    PersonaEntry,
    PersonaImported,
    PersonaLoreIn,
    PersonaNew,
    PersonaOut,
)
from server.titles import full_titles

router = APIRouter(prefix="/api/personas", tags=["personas"])


@router.get("")
def list_personas(session: Reading, bin: bool = False) -> list[PersonaOut]:
    """Who can be talked to, or with `bin` who was deleted, the latest first."""
    return _told(session, cards.list_personas(session, binned=bin))


@router.post("", status_code=status.HTTP_201_CREATED)
def create_persona(wanted: PersonaNew, session: Writing) -> PersonaOut:
    return _out(session, cards.add_persona(session, wanted.model_dump()))


@router.post("/import", status_code=status.HTTP_201_CREATED)
def import_card(file: UploadFile, session: Writing, desk: TheDesk) -> PersonaImported:
    """A character card, V1, V2 or V3, as JSON, PNG or CHARX, with its lorebook and picture.

    It is read as data: nothing in it is run, and no address in it is asked for.
    """
    data = uploaded(file, desk.settings.max_import_bytes)
    persona, left = persona_files.import_card(session, data, file.filename or "")
    return PersonaImported(persona=_out(session, persona), left=left)


@router.get("/{persona_id}/export")
def export_card(
    persona_id: RowId, session: Reading, form: Annotated[Form, Query(alias="format")] = "png"
) -> Response:
    """As a character card: JSON of V1, V2 or V3, a PNG that holds V2 and V3, or a CHARX."""
    persona = cards.get_persona(session, persona_id)
    name = quote(f"{persona.name}.{EXTENSIONS[form]}", safe="")
    return Response(
        persona_files.export_card(session, persona, form),
        media_type=MEDIA_TYPES[form],
        headers={"content-disposition": f"attachment; filename*=UTF-8''{name}"},
    )


@router.get("/{persona_id}")
def get_persona(persona_id: RowId, session: Reading) -> PersonaOut:
    return _out(session, cards.get_persona(session, persona_id))


@router.patch("/{persona_id}")
def change_persona(persona_id: RowId, change: PersonaChange, session: Writing) -> PersonaOut:
    persona = cards.get_persona(session, persona_id)
    cards.change_persona(session, persona, change.model_dump(exclude_unset=True))
    return _out(session, persona)


@router.delete("/{persona_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_persona(persona_id: RowId, session: Writing) -> None:
    """Into the bin, with what was talked about."""
    persona = cards.get_persona(session, persona_id)
    persona.deleted_at = now()
    session.add(persona)


@router.post("/{persona_id}/restore")
def restore_persona(persona_id: RowId, session: Writing) -> PersonaOut:
    persona = cards.get_binned(session, persona_id)
    persona.deleted_at = None
    session.add(persona)
    return _out(session, persona)


@router.get("/{persona_id}/knowledge")
def get_knowledge(persona_id: RowId, session: Reading) -> KnowledgeOut:
    persona = cards.get_persona(session, persona_id)
    known, unknown = knowledge(standing_of(session, persona))
    return KnowledgeOut(
        known=[KnownOut.model_validate(one) for one in known],
        unknown=[KnownOut.model_validate(one) for one in unknown],
    )


@router.get("/{persona_id}/lore")
def list_lore(persona_id: RowId, session: Reading) -> list[PersonaEntry]:
    persona = cards.get_persona(session, persona_id)
    rows = persona_lore.entries_of(session, persona)
    return [PersonaEntry.model_validate(row) for row in rows]


@router.put("/{persona_id}/lore")
def put_lore(persona_id: RowId, wanted: PersonaLoreIn, session: Writing) -> list[PersonaEntry]:
    """The whole list: entries with an id are changed, those not named are deleted."""
    persona = cards.get_persona(session, persona_id)
    entries = [entry.model_dump() for entry in wanted.entries]
    rows = persona_lore.put_entries(session, persona, entries)
    return [PersonaEntry.model_validate(row) for row in rows]


@router.post("/{persona_id}/lore/import")
def import_lore(
    persona_id: RowId, file: UploadFile, session: Writing, desk: TheDesk
) -> list[PersonaEntry]:
    """The entries of a lorebook of any kind that a work takes, behind those that there are."""
    persona = cards.get_persona(session, persona_id)
    data = uploaded(file, desk.settings.max_import_bytes)
    persona_lore.add_file(session, persona, read_lore_file(data))
    return [PersonaEntry.model_validate(r) for r in persona_lore.entries_of(session, persona)]


@router.get("/{persona_id}/lore/export")
def export_lore(
    persona_id: RowId,
    session: Reading,
    form: Annotated[Format, Query(alias="format")] = "world_info",
) -> Response:
    """As a work's lorebook."""
    persona = cards.get_persona(session, persona_id)
    return book_response(session, persona_lore.book_of(session, persona), form)


@router.put("/{persona_id}/avatar")
def put_avatar(persona_id: RowId, file: UploadFile, session: Writing) -> PersonaOut:
    """A PNG, JPEG or WebP of at most 2 MB, drawn anew as a WebP of at most 512 pixels a side."""
    persona = cards.get_persona(session, persona_id)
    avatars.put_avatar(session, persona, file.file.read(portraits.MOST_BYTES + 1))
    session.flush()
    return _out(session, persona)


@router.get("/{persona_id}/avatar", response_class=Response)
def get_avatar(
    persona_id: RowId,
    session: Reading,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    avatar = avatars.get_avatar(session, cards.get_persona(session, persona_id))
    headers = {"etag": f'"{avatar.sha256[:32]}"'}
    if if_none_match == headers["etag"]:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(avatar.image, media_type=portraits.MEDIA_TYPE, headers=headers)


@router.delete("/{persona_id}/avatar", status_code=status.HTTP_204_NO_CONTENT)
def delete_avatar(persona_id: RowId, session: Writing) -> None:
    session.delete(avatars.get_avatar(session, cards.get_persona(session, persona_id)))


def _out(session: Session, persona: Persona) -> PersonaOut:
    return _told(session, [persona])[0]


def _told(session: Session, rows: list[Persona]) -> list[PersonaOut]:
    pictured = avatars.with_avatar(session)
    talks = cards.conversations_of(session)
    works = _works(session, rows)
    places = {work.id: full_titles(work, list_chapters(session, work.id)) for work in works}
    titles = {work.id: work.title for work in works}
    return [
        PersonaOut.model_validate(row).model_copy(
            update={
                "avatar": row.id in pictured,
                "conversations": talks.get(row.id, 0),
                "work": titles.get(row.work_id or "", ""),
                "place": places.get(row.work_id or "", {}).get(row.chapter_id or "", ""),
            }
        )
        for row in rows
    ]


def _works(session: Session, rows: list[Persona]) -> list[Work]:
    wanted = {row.work_id for row in rows if row.work_id is not None}
    return list(session.exec(select(Work).where(col(Work.id).in_(wanted)))) if wanted else []
