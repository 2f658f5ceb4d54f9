"""What was said in a conversation: a tree of messages, of which one path is on the page.

Functions take an open session and leave the transaction to the caller.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from server.errors import Invalid, NotFound
from server.models import ChatMessage, Conversation, Persona, now
from server.personas.macros import fill
from server.personas.members import seat

TITLE_CHARS = 24


def get_conversation(session: Session, conversation_id: str) -> Conversation:
    found = session.get(Conversation, conversation_id)
    if found is None or found.deleted_at is not None:
        raise NotFound("没有这段对谈，它可能已被删除。", code="conversation_not_found")
    return found


def get_message(session: Session, conversation_id: str, message_id: str) -> ChatMessage:
    found = session.get(ChatMessage, message_id)
    if found is None or found.conversation_id != conversation_id:
        raise NotFound("这段对谈里没有这句话。", code="message_not_found")
    return found


def messages(session: Session, conversation_id: str) -> list[ChatMessage]:
    """In the order in which they were made; their prompts are read when asked for."""
    query = select(ChatMessage).where(ChatMessage.conversation_id == conversation_id)
    query = query.options(defer(ChatMessage.prompt)).order_by(col(ChatMessage.number))  # type: ignore[arg-type]
    return list(session.exec(query))


def path(rows: Sequence[ChatMessage], leaf_id: str | None) -> list[ChatMessage]:
    """From the first message to the leaf."""
    by_id = {row.id: row for row in rows}
    found: list[ChatMessage] = []
    while leaf_id is not None and leaf_id in by_id:
        found.append(by_id[leaf_id])
        leaf_id = found[-1].parent_id
    return found[::-1]


def newest_below(rows: Sequence[ChatMessage], message_id: str) -> str:
    """The leaf that is reached by always going on with what was said last."""
    newest = {row.parent_id: row.id for row in rows}
    while message_id in newest:
        message_id = newest[message_id]
    return message_id


def begin(
    session: Session,
    persona: Persona,
    fields: Mapping[str, Any],
    greeting: int = 0,
    others: Sequence[Persona] = (),
) -> Conversation:
    """A conversation that opens with one of the persona's first messages, the others beside it.

    `others` take part in it too. Raises Invalid where there is no such greeting.
    """
    talk = Conversation(persona_id=persona.id, **fields)
    session.add(talk)
    session.flush()
    seat(session, talk, [persona, *others])
    told = [persona.first_message, *persona.alternates]
    greetings = [fill(text, persona.called, talk.user_name) for text in told if text.strip()]
    if greeting and greeting >= len(greetings):
        raise Invalid("没有这一种开场白，请另选一种。", code="no_such_greeting")
    rows = [
        add(session, talk, None, "assistant", text, "greeting", persona_id=persona.id)
        for text in greetings
    ]
    talk.leaf_id = rows[greeting].id if rows else None
    return talk


def add(
    session: Session,
    talk: Conversation,
    parent_id: str | None,
    role: str,
    text: str,
    origin: str,
    **more: Any,
) -> ChatMessage:
    """A message at the end of what was made, which the conversation now stands at."""
    if parent_id is not None:
        get_message(session, talk.id, parent_id)
    counted = select(func.max(ChatMessage.number)).where(ChatMessage.conversation_id == talk.id)
    number = session.exec(counted).one()
    row = ChatMessage(
        conversation_id=talk.id, parent_id=parent_id, number=0 if number is None else number + 1,
        role=role, text=text, origin=origin, **more,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if role == "user" and not talk.title:
        talk.title = " ".join(text.split())[:TITLE_CHARS]
    stand_at(session, talk, row.id)
    return row


def stand_at(session: Session, talk: Conversation, message_id: str) -> None:
    talk.leaf_id = message_id
    talk.updated_at = now()
    session.add(talk)


def edit(session: Session, talk: Conversation, message: ChatMessage, text: str) -> ChatMessage:
    """What it should have said, beside what it said."""
    return add(
        session, talk, message.parent_id, message.role, text, "edited",
        persona_id=message.persona_id,
    )  # fmt: skip
