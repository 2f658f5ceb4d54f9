"""What a persona has said with people, as an index reads it: one exchange is one chapter.

An exchange is what the user said and what the persona answered; what other members of a
conversation said is theirs. Functions take an open session.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from retrieval.timeline import View
from retrieval.types import ChapterText, StoryPosition
from server.manuscript import list_chapters
from server.models import ChatMessage, Conversation, Member, Persona

STANDS = "stands"
"""Where in a work the persona stood, in a generated message's details."""


@dataclass(frozen=True, slots=True)
class Exchange:
    id: str
    """Of its last message: the path to it is its own."""
    text: str


def index_of(persona_id: str) -> str:
    """The name of the index in the library."""
    return f"talk-{persona_id}"


def stands(persona: Persona) -> dict[str, Any]:
    """Where they stand now, for the details of what they say."""
    return {
        "work": persona.work_id, "character": persona.character_id,
        "chapter": persona.chapter_id, "offset": persona.offset,
    }  # fmt: skip


def talks_of(session: Session, persona_id: str) -> list[Conversation]:
    """The conversations that the persona took part in, those in the bin left out."""
    query = (
        select(Conversation)
        .join(Member)
        .where(Member.persona_id == persona_id, col(Conversation.deleted_at).is_(None))
        .order_by(col(Conversation.created_at), col(Conversation.id))
    )
    return list(session.exec(query))


def heard_by(session: Session, conversation_id: str) -> list[str]:
    """The personas who ever took part."""
    query = select(Member.persona_id).where(Member.conversation_id == conversation_id)
    return list(session.exec(query))


def exchanges(
    session: Session, persona: Persona, talks: Mapping[str, Conversation],
    upto: Mapping[str, str | None],
) -> list[ChapterText]:  # fmt: skip
    """Those of the talks, each up to the message that is named for it, as an index reads them."""
    asked = columns(
        col(ChatMessage.conversation_id), col(ChatMessage.id), col(ChatMessage.parent_id),
        col(ChatMessage.role), col(ChatMessage.persona_id), col(ChatMessage.text),
    ).where(col(ChatMessage.conversation_id).in_(talks))  # fmt: skip
    rows: dict[str, dict[str, Any]] = {id: {} for id in talks}
    for told, id, *row in session.execute(asked):
        rows[told][id] = row
    found = [
        exchange
        for id, talk in talks.items()
        for exchange in _on_path(rows[id], upto[id], persona, talk.user_name)
    ]
    return [ChapterText(one.id, n, "", one.text) for n, one in enumerate(found)]


def _on_path(
    rows: Mapping[str, Any], leaf: str | None, persona: Persona, user: str
) -> Iterator[Exchange]:
    path = []
    while leaf is not None and leaf in rows:
        parent, role, speaker, text = rows[leaf]
        if role == "user" or speaker == persona.id:
            path.append((leaf, role == "user", text.strip()))
        leaf = parent
    said: list[tuple[str, bool, str]] = []
    for line in reversed(path):
        if line[1] and said and not said[-1][1]:
            yield _exchange(said, persona.called, user)
            said = []
        # What opens a conversation is the card's.
        if line[1] or said:
            said.append(line)
    if said and not said[-1][1]:
        yield _exchange(said, persona.called, user)


def _exchange(said: Sequence[tuple[str, bool, str]], char: str, user: str) -> Exchange:
    text = "\n".join(f"{user if mine else char}：{words}" for _, mine, words in said)
    return Exchange(said[-1][0], text)


class Before:
    """Whether what was said in another conversation may be known where the persona stands now."""

    def __init__(self, session: Session, persona: Persona, view: View) -> None:
        self._persona = persona
        self._view = view
        chapters = list_chapters(session, persona.work_id) if persona.work_id else []
        self._order = {chapter.id: chapter.position for chapter in chapters}

    def __call__(self, details: Mapping[str, Any]) -> bool:
        """`details` are the answer's. What was said nobody knows where may come from the end."""
        here, there = stands(self._persona), details.get(STANDS)
        if here["work"] is None or there == here:
            return True
        if there is None:
            return self._view.position is None and self._view.knower is None
        if there["work"] is None:
            return True
        knew = here["character"] in (None, there["character"])
        return there["work"] == here["work"] and knew and self._passed(there)

    def _passed(self, there: Mapping[str, Any]) -> bool:
        if self._view.position is None:
            return True
        order = self._order.get(there["chapter"])
        if order is None:
            return False
        if there["offset"] is not None:
            return self._view.passed(StoryPosition(order, there["offset"]))
        return self._view.sees(StoryPosition(order + 1), StoryPosition(order))
