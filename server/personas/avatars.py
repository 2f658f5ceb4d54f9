"""Pictures of personas, drawn anew like a character's (`server.portraits`)."""

import hashlib

from sqlmodel import Session, select

from server.errors import NotFound
from server.models import Avatar, Persona, now
from server.portraits import MOST_BYTES, drawn


def get_avatar(session: Session, persona: Persona) -> Avatar:
    found = session.get(Avatar, persona.id)
    if found is None:
        raise NotFound("这个人物还没有画像。", code="portrait_not_found")
    return found


def put_avatar(
    session: Session, persona: Persona, data: bytes, most_bytes: int = MOST_BYTES
) -> Avatar:
    """Raises TooLarge, or Invalid where the bytes are no picture."""
    image = drawn(data, most_bytes)
    digest = hashlib.sha256(image).hexdigest()
    row = session.get(Avatar, persona.id) or Avatar(
        persona_id=persona.id, image=image, sha256=digest
    )
    row.image, row.sha256, row.updated_at = image, digest, now()
    session.add(row)
    return row


def with_avatar(session: Session) -> set[str]:
    """The ids of the personas that have one."""
    return set(session.exec(select(Avatar.persona_id)))
