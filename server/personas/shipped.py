"""The personas that come along, put into a desk that never had one.

A file is a card as the API takes it, with `lore` (entries of its own lorebook) and `stands`:
where in a work it stands, by names: `{"work", "character", "chapter"}`, the chapter counted from
1. Where that work is not on the shelf the persona comes without a place. `voice` names the adapter
that comes along for it, once that is there (`server/tuning/shipped.py`).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from server.manuscript import list_chapters, list_characters
from server.models import Persona, Work
from server.personas.cards import add_persona
from server.personas.lore import put_entries
from server.schemas.personas import PersonaEntryIn, PersonaNew


def load_shipped(session: Session, folder: Path) -> list[Persona]:
    """None where a persona is, or ever was, there."""
    if session.exec(select(Persona.id).limit(1)).first() is not None:
        return []
    return [load_card(session, file) for file in sorted(folder.glob("*.json"))]


def load_card(session: Session, file: Path) -> Persona:
    told = json.loads(file.read_text(encoding="utf-8"))
    lore, stands = told.pop("lore", []), told.pop("stands", None)
    told.pop("voice", None)
    wanted = PersonaNew(**told, **_place(session, stands or {}))
    persona = add_persona(session, wanted.model_dump())
    if lore:
        put_entries(session, persona, [PersonaEntryIn(**entry).model_dump() for entry in lore])
    return persona


def give_voice(session: Session, folder: Path, voice: str, adapter: str) -> None:
    """The personas whose cards in `folder` name `voice` speak through `adapter`, those that have
    no adapter of their own."""
    cards = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")]
    slugs = [card["slug"] for card in cards if card.get("voice") == voice]
    mute = select(Persona).where(col(Persona.slug).in_(slugs), col(Persona.adapter).is_(None))
    for persona in session.exec(mute):
        persona.adapter = adapter
        session.add(persona)


def _place(session: Session, stands: Mapping[str, Any]) -> dict[str, str | None]:
    titled = select(Work).where(Work.title == stands.get("work"), col(Work.deleted_at).is_(None))
    work = session.exec(titled).first()
    if work is None:
        return {}
    people = {c.name: c.id for c in list_characters(session, work.id)}
    chapters = list_chapters(session, work.id)
    number = stands.get("chapter")
    return {
        "work_id": work.id,
        "character_id": people.get(stands.get("character", "")),
        "chapter_id": chapters[number - 1].id if number and number <= len(chapters) else None,
    }
