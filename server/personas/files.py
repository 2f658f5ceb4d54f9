"""Cards and chats of other tools into rows and out of them.

Functions take an open session and leave the transaction to the caller.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from retrieval.lore.formats import write_lore
from server.errors import Invalid, YanchiError
from server.models import Avatar, ChatMessage, Conversation, Lorebook, Persona, new_id
from server.personas import tree
from server.personas.avatars import put_avatar
from server.personas.cards import add_persona, list_personas
from server.personas.interchange import chats
from server.personas.interchange.cards import Version, write_card
from server.personas.interchange.files import Form, read_card_file, write_card_file
from server.personas.interchange.pictures import as_png
from server.personas.lore import add_file, entries_of
from server.personas.members import MOST, seat
from server.schemas.personas import PersonaNew

KEPT = "card"
"""Where a persona's `extra` has the card as it came."""
MOST_PICTURE = 32 * 2**20
"""Bytes of a card's picture, which is drawn anew, small, like every other."""


def import_card(session: Session, data: bytes, filename: str) -> tuple[Persona, list[str]]:
    """(the persona, what of the file was not taken). Raises Invalid, Refused, TooLarge."""
    file = read_card_file(data)
    columns = _checked(file.card.columns, PurePath(filename).stem)
    persona = add_persona(session, columns)
    persona.extra = {KEPT: file.card.kept}
    if file.card.lore is not None:
        add_file(session, persona, file.card.lore)
    left = list(file.left)
    if file.picture is not None:
        try:
            put_avatar(session, persona, file.picture, MOST_PICTURE)
        except YanchiError as error:
            left.insert(0, error.message)
    session.flush()
    return persona, left


def export_card(session: Session, persona: Persona, form: Form) -> bytes:
    """Its place in a work and its adapter are this desk's own and stay here."""
    kept = persona.extra.get(KEPT, {})
    book = _book(session, persona)

    def told(version: Version, *, embedded: bool = False) -> dict[str, Any]:
        return write_card(persona.model_dump(), kept, book, version, embedded=embedded)

    def picture() -> bytes:
        found = session.get(Avatar, persona.id)
        return as_png(found.image if found else None)

    return write_card_file(form, told, picture)


def import_chat(session: Session, persona: Persona, data: bytes, filename: str) -> Conversation:
    """A new conversation with the persona; of a chat of several those whom we know by name take
    part in it. Raises Invalid, TooLarge."""
    chat = chats.read_chat(data)
    title = " ".join(PurePath(filename).stem.split())[:200]
    talk = Conversation(persona_id=persona.id, title=title, **chat.columns)
    session.add(talk)
    session.flush()
    known = _speakers(session, persona, chat)
    seat(session, talk, list({who.id: who for who in (persona, *known.values())}.values()))
    parent: str | None = None
    number = 0
    for place, said in enumerate(chat.said):
        rows = [
            _row(talk, parent, number + n, said, text, known.get(said.name, persona), place == 0)
            for n, text in enumerate(said.versions)
        ]
        chosen = rows[said.chosen]
        chosen.details = {chats.KEPT: said.kept}
        session.add_all(rows)
        number, parent = number + len(rows), chosen.id
    talk.leaf_id = parent
    session.flush()
    return talk


def _speakers(session: Session, persona: Persona, chat: chats.Chat) -> dict[str, Persona]:
    """Who is meant by the file's names. Of one name alone it is the persona, whatever they are
    called there; of several a name that nobody here has is the persona's too."""
    names = dict.fromkeys(said.name for said in chat.said if said.role == "assistant")
    if len(names) < 2:
        return {}
    others = (other for other in list_personas(session) if other.id != persona.id)
    found = {other.name: other for other in others if other.name in names}
    found |= {persona.name: persona}
    return dict(list(found.items())[: MOST - 1])


def export_chat(names: Mapping[str, str], talk: Conversation, rows: Sequence[ChatMessage]) -> str:
    """The path that is on the page, with every version of its messages. `names`: of the
    members, the first of them first, by their personas' ids."""
    versions: dict[str | None, list[ChatMessage]] = {}
    for row in rows:
        versions.setdefault(row.parent_id, []).append(row)
    character = names[talk.persona_id]
    said = [
        _said(row, versions[row.parent_id], names.get(row.persona_id or "", character))
        for row in tree.path(rows, talk.leaf_id)
    ]
    return chats.write_chat(talk.model_dump(), character, said)


def _said(row: ChatMessage, versions: Sequence[ChatMessage], name: str) -> chats.Said:
    # A swipe is the same speaker's: what else was said there is another branch.
    same = [v for v in versions if (v.role, v.persona_id) == (row.role, row.persona_id)]
    none: dict[str, Any] = {}
    kept = next((v.details[chats.KEPT] for v in same if chats.KEPT in v.details), none)
    texts = [v.text for v in same]
    return chats.Said(row.role, texts, same.index(row), kept, row.created_at, name)


def _row(
    talk: Conversation,
    parent: str | None,
    number: int,
    said: chats.Said,
    text: str,
    speaker: Persona,
    first: bool,
) -> ChatMessage:
    theirs = "greeting" if first else "generated"
    when: dict[str, Any] = {"created_at": said.at} if said.at else {}
    return ChatMessage(
        id=new_id(), conversation_id=talk.id, parent_id=parent, number=number, role=said.role,
        text=text, origin="typed" if said.role == "user" else theirs,
        persona_id=None if said.role == "user" else speaker.id, **when,
    )  # fmt: skip


def _book(session: Session, persona: Persona) -> dict[str, Any] | None:
    book = session.get(Lorebook, persona.lorebook_id) if persona.lorebook_id else None
    entries = [row.model_dump() for row in entries_of(session, persona)]
    if book is None or not (entries or book.extra):
        return None
    told: dict[str, Any] = write_lore("character_book", book.model_dump(), entries)["data"]
    return told


WORDS = {
    "description": "“是谁”",
    "personality": "“性格”",
    "scenario": "“情境”",
    "first_message": "“开场白”",
    "alternates": "“别的开场白”",
    "system_prompt": "“开头的指令”",
    "post_history": "“最后的嘱咐”",
    "notes": "“备注”",
}


def _checked(columns: Mapping[str, Any], otherwise: str) -> dict[str, Any]:
    """The card's columns within the sizes of every card. Raises Invalid."""
    named = dict(columns) | {"name": columns["name"] or otherwise.strip()[:100] or "无名"}
    try:
        return PersonaNew(**named).model_dump()
    except ValidationError as error:
        where = str(error.errors()[0]["loc"][0])
        raise Invalid(
            f"这张卡的{WORDS.get(where, where)}太长或太多（一栏最多 2 万字，别的开场白最多 "
            "50 段），没有导入；请先改短再导入。"
        ) from error
