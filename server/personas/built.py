"""A persona that was built from a script, taken in from its folder.

The folder holds `card.json` (a card as `shipped` reads them) and `scenes.md`, which becomes a
document of the persona: its scenes can be searched and asked about.
"""

import json
from pathlib import Path

from sqlmodel import Session, select

from server.documents.reading import read_document
from server.documents.rows import Owner, add_document, list_documents
from server.errors import Conflict
from server.models import Persona
from server.personas.cards import change_persona
from server.personas.lore import put_entries
from server.personas.shipped import load_card
from server.schemas.personas import PersonaChange, PersonaEntryIn

CARD, SCENES = "card.json", "scenes.md"


def check_free(session: Session, slug: str) -> None:
    """Raises Conflict where a persona, the bin's included, goes by that name."""
    there = _found(session, slug)
    if there is not None:
        raise Conflict(
            f"已经有人叫 persona/{slug}（{there.name}）；请用 --slug 另起一个，或加 --replace 换掉。",
            code="slug_taken",
        )


def take_in(session: Session, folder: Path) -> Persona:
    """A new persona, or the one of that slug changed; their talks stay, the scenes are anew."""
    card = folder / CARD
    there = _found(session, json.loads(card.read_text("utf-8"))["slug"])
    persona = load_card(session, card) if there is None else _changed(session, there, card)
    owner = Owner("persona", persona.id)
    for document in list_documents(session, owner):
        if document.filename == SCENES:
            session.delete(document)
    session.flush()
    add_document(session, owner, *read_document(owner, (folder / SCENES).read_bytes(), SCENES))
    return persona


def _changed(session: Session, persona: Persona, card: Path) -> Persona:
    told = json.loads(card.read_text("utf-8"))
    lore = told.pop("lore", [])
    wanted = PersonaChange(**told)
    change_persona(session, persona, wanted.model_dump(exclude_unset=True))
    persona.deleted_at = None
    put_entries(session, persona, [PersonaEntryIn(**entry).model_dump() for entry in lore])
    return persona


def _found(session: Session, slug: str) -> Persona | None:
    return session.exec(select(Persona).where(Persona.slug == slug)).first()
