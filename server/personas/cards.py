"""Who can be talked to: the personas' rows.

Functions take an open session and leave the transaction to the caller.
"""

import re
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, func, select

from server.errors import Conflict, Invalid, NotFound
from server.manuscript import get_chapter, get_character, get_work
from server.models import Conversation, Member, Persona, new_id, now
from server.pigments import pigment

MAY_BE_NULL = {"work_id", "character_id", "chapter_id", "offset", "adapter"}
"""Fields for which null means something; for the others it means no change."""
_SLUG = re.compile(r"[^a-z0-9]+")


def list_personas(session: Session, *, binned: bool = False) -> list[Persona]:
    query = select(Persona).where(col(Persona.deleted_at).is_not(None) == binned)
    if binned:
        return list(session.exec(query.order_by(col(Persona.deleted_at).desc())))
    return list(session.exec(query.order_by(col(Persona.position), col(Persona.id))))


def get_persona(session: Session, persona_id: str) -> Persona:
    found = session.get(Persona, persona_id)
    if found is None or found.deleted_at is not None:
        raise _missing()
    return found


def get_binned(session: Session, persona_id: str) -> Persona:
    found = session.get(Persona, persona_id)
    if found is None or found.deleted_at is None:
        raise _missing()
    return found


def _missing() -> NotFound:
    return NotFound("没有这个人物，可能已被删除。", code="persona_not_found")


def add_persona(session: Session, fields: Mapping[str, Any]) -> Persona:
    """At the end of the list. Raises NotFound for a work, a place or a character that is not
    there, Conflict for a slug that is taken."""
    place = session.exec(select(func.count()).select_from(Persona)).one()
    told = {k: v for k, v in fields.items() if v is not None}
    slug = told.pop("slug", None) or _free_slug(session, told["name"])
    _check_slug(session, slug)
    persona = Persona(slug=slug, position=place, **{"color": pigment(place), **told})
    _check_place(session, persona)
    session.add(persona)
    session.flush()
    return persona


def change_persona(session: Session, persona: Persona, fields: Mapping[str, Any]) -> None:
    """Raises as `add_persona`."""
    kept = {k: v for k, v in fields.items() if v is not None or k in MAY_BE_NULL}
    if kept.get("slug", persona.slug) != persona.slug:
        _check_slug(session, kept["slug"])
    if "work_id" in kept and kept["work_id"] != persona.work_id:
        kept = {"character_id": None, "chapter_id": None, "offset": None, **kept}
    persona.sqlmodel_update(kept)
    if kept.keys() & {"work_id", "character_id", "chapter_id", "offset"}:
        _check_place(session, persona)
    persona.updated_at = now()
    session.add(persona)


def conversations_of(session: Session) -> dict[str, int]:
    """How many conversations each persona takes part in, those in the bin left out."""
    query = (
        select(Member.persona_id, func.count())
        .join(Conversation)
        .where(col(Conversation.deleted_at).is_(None), col(Member.present))
        .group_by(Member.persona_id)
    )
    return dict(session.exec(query).all())


def _check_slug(session: Session, slug: str) -> None:
    if session.exec(select(Persona.id).where(Persona.slug == slug)).first() is not None:
        raise Conflict(f"名字“{slug}”已有人用了，请另起一个。", code="slug_taken")


def _free_slug(session: Session, name: str) -> str:
    """Of a name in Latin letters these, else a random one."""
    slug = _SLUG.sub("-", name.lower()).strip("-")[:48]
    taken = slug and session.exec(select(Persona.id).where(Persona.slug == slug)).first()
    return f"{slug or 'persona'}-{new_id()[:6]}" if taken or not slug else slug


def _check_place(session: Session, persona: Persona) -> None:
    if persona.work_id is None:
        if persona.character_id or persona.chapter_id:
            raise Invalid("先选作品，再选其中的人物和章节。", code="persona_without_work")
        return
    get_work(session, persona.work_id)
    if persona.character_id is not None:
        get_character(session, persona.work_id, persona.character_id)
    if persona.chapter_id is not None:
        get_chapter(session, persona.work_id, persona.chapter_id)
