"""What is asked for in a conversation, and the turns that it is about: who speaks next, after
which words, and how these stand in that persona's prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session

from retrieval.conversation import Turn
from server.errors import Invalid
from server.models import ChatMessage, Conversation, Persona
from server.personas import tree
from server.personas.members import members, speaker, turn_of
from server.personas.prompt import Said

CUE = "轮到{{char}}说。"


@dataclass(frozen=True, slots=True)
class Asked:
    """`say`: an answer to `text`, said after `message_id`. `speak`: somebody's words after it,
    the user saying nothing. `again`: another answer in the place of that one, or to it.
    `continue`: that answer, gone on with."""

    conversation_id: str
    how: Literal["say", "speak", "again", "continue"]
    message_id: str | None
    text: str = ""
    speaker_id: str | None = None
    """The persona who is to speak; None: whose turn it is."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the prompt is made of."""

    persona: Persona
    said: Said
    parent_id: str | None
    """What is answered; where the user has just spoken, what they answered."""
    others: Sequence[Persona]
    """Who is there besides, those in the bin left out."""
    names: list[str]
    """Of everybody whom the persona does not speak for, the user first."""


def question(session: Session, talk: Conversation, asked: Asked) -> Question:
    """Raises NotFound, or Invalid where there is nothing to answer or to go on with, or nobody
    who could."""
    company = members(session, talk.id)
    path, begun, own = _path(session, talk, asked)
    chosen = asked.speaker_id or own or turn_of(session, company, path, asked.text)
    persona = speaker(session, company, chosen)
    others = [m.persona for m in company if m.here and m.persona and m.persona.id != persona.id]
    names = {m.row.persona_id: m.called for m in company}
    names.pop(persona.id)
    turns = turns_of(talk, path, names)
    if asked.text:
        turns.append(Turn("said", "user", asked.text, talk.user_name if names else ""))
    waits = not turns or turns[-1].role == "assistant"
    said = Said(turns, begun, CUE if waits and not begun else "")
    parent_id = path[-1].id if path else None
    return Question(persona, said, parent_id, others, [talk.user_name, *names.values()])


def turns_of(talk: Conversation, path: Sequence[ChatMessage], others: dict[str, str]) -> list[Turn]:
    """The messages as one persona reads them: whoever else speaks by name, where there are
    `others` (their names by their personas' ids)."""

    def turn(row: ChatMessage) -> Turn:
        if row.role == "user":
            return Turn(row.id, "user", row.text, talk.user_name if others else "")
        name = others.get(row.persona_id or talk.persona_id)
        return Turn(row.id, "user" if name else "assistant", row.text, name or "")

    return [turn(row) for row in path]


def _path(
    session: Session, talk: Conversation, asked: Asked
) -> tuple[list[ChatMessage], str, str | None]:
    """(what stands before the answer, what has begun of it, whose it is if that is settled)."""
    rows = tree.messages(session, talk.id)
    if asked.message_id is None:
        return [], "", None
    at = tree.get_message(session, talk.id, asked.message_id)
    if asked.how in ("say", "speak"):
        return tree.path(rows, at.id), "", None
    if asked.how == "again":
        if at.role == "user":
            return tree.path(rows, at.id), "", None
        if at.parent_id is None:
            raise Invalid("开场白写在人物卡里，另写请改人物卡。", code="greeting_is_written")
        return tree.path(rows, at.parent_id), "", at.persona_id
    if at.role != "assistant":
        raise Invalid("只有对方说的话可以接着说。", code="not_an_answer")
    return tree.path(rows, at.parent_id), at.text, at.persona_id
