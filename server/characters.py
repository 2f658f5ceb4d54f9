"""Character sheets as the author keeps them.

Functions take an open session and leave the transaction to the caller.
"""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from server import manuscript, voices
from server.models import Character, now
from server.pigments import pigment

Fields = Mapping[str, Any]


def add_character(session: Session, work_id: str, fields: Fields) -> Character:
    """At the end of the cast, in the next colour where none is given."""
    place = len(manuscript.list_characters(session, work_id))
    color = fields.get("color") or pigment(place)
    told = {**_kept(session, work_id, fields), "color": color, "position": place}
    character = Character(work_id=work_id, **told)
    session.add(character)
    session.flush()
    return character


def change_character(session: Session, character: Character, fields: Fields) -> None:
    character.sqlmodel_update(_kept(session, character.work_id, fields))
    character.updated_at = now()


def _kept(session: Session, work_id: str, fields: Fields) -> dict[str, Any]:
    """The columns that are meant; lines of the voice with their places in the book."""
    told = {k: v for k, v in fields.items() if v is not None}
    if "voice" in told:
        told["voice"] = voices.placed(session, work_id, told["voice"])
    return told
