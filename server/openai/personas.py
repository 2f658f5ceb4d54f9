"""A conversation that a program keeps, with one of our personas: the page's talk without its rows.

What the program says as `system` is an author's note; an assistant's message that stands last is
gone on with. The persona's own scenes and the work up to their place come to mind as on the page;
past talks do not, and what the window drops is told by its own sentences: there is no conversation
of ours to remember or to have told by a model.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session

from retrieval.conversation import Remembered, Turn
from retrieval.errors import RetrievalError
from retrieval.types import Prompt
from server.desk import Desk
from server.engines.base import EngineRequest
from server.errors import from_retrieval
from server.manuscript import get_chapter
from server.models import Conversation, Persona
from server.openai.errors import ApiError
from server.openai.prepared import Prepared
from server.openai.schemas import ChatIn, Message, YanchiIn
from server.openai.window import nothing_said, room_of, too_long
from server.personas.cards import get_persona
from server.personas.memory.recall import Asking
from server.personas.prompt import Said, prompt_for
from server.personas.reply import stops
from server.personas.standing import Standing, standing_of
from server.schemas.personas import TalkSampling
from server.templates import in_use


def prepare_persona(
    session: Session, desk: Desk, persona_id: str, asked: ChatIn, adapter: str | None
) -> Prepared:
    """Raises NotFound, Invalid, Refused, EngineStarting, ApiError."""
    wish = asked.yanchi or YanchiIn()
    persona = _placed(session, get_persona(session, persona_id), wish)
    talk = _talk(persona, asked.messages, wish)
    standing = standing_of(session, persona, talk.user_name)
    if not wish.retrieval:
        standing = Standing(standing.view, knower=standing.knower)
    sampling = TalkSampling()
    limit, output = room_of(desk, asked.most_tokens, sampling.length)
    said = _said(asked.messages)
    template = in_use(session, "persona", persona.work_id).template

    def written(remembered: Remembered) -> Prompt:
        return prompt_for(
            persona, talk, standing, said,
            template=template, tokens=desk.engine.tokens, limit=limit, remembered=remembered,
        )  # fmt: skip

    asking = Asking(persona, talk, standing, said.turns, limit, kept=False)
    try:
        prompt = desk.memories.prompt(session, asking, written, recall=wish.retrieval)
    except RetrievalError as error:
        raise from_retrieval(error) from error
    if wish.overflow == "refuse" and _forgets(prompt):
        raise too_long(limit)
    plain = sampling.plain_for_talk()
    request = EngineRequest(
        messages=prompt.messages,
        max_tokens=output,
        sampling=replace(plain, stop=stops(persona.called, talk.user_name)),
        adapter=adapter,
    )
    return Prepared(request, prompt, persona.called)


def _placed(session: Session, persona: Persona, wish: YanchiIn) -> Persona:
    """The persona at the place of the story that was asked for; the row stays as it is."""
    if wish.position is None:
        return persona
    if persona.work_id is None:
        raise ApiError(
            "This persona belongs to no work, so there is no place to stand at.",
            param="yanchi.position", code="persona_without_work",
        )  # fmt: skip
    chapter = get_chapter(session, persona.work_id, wish.position.chapter)
    place = {"chapter_id": chapter.id, "offset": wish.position.offset}
    return Persona(**persona.model_dump() | place)


def _talk(persona: Persona, messages: Sequence[Message], wish: YanchiIn) -> Conversation:
    told = (m.text for m in messages if m.role in ("system", "developer"))
    notes = [note.strip() for note in (*told, wish.author_note) if note.strip()]
    first = next((m.text for m in messages if m.role == "user"), "")
    return Conversation(
        # What is left to chance falls the same way all through a conversation.
        id=hashlib.sha256(f"{persona.id}\n{first}".encode()).hexdigest()[:32],
        persona_id=persona.id, user_name=wish.user, user_note=wish.user_note,
        author_note="\n".join(notes), author_depth=wish.author_depth,
    )  # fmt: skip


def _said(messages: Sequence[Message]) -> Said:
    turns = [
        Turn(str(n), "assistant" if m.role == "assistant" else "user", m.text)
        for n, m in enumerate(messages)
        if m.role not in ("system", "developer") and m.text.strip()
    ]
    if not turns:
        raise nothing_said()
    begun = turns.pop().text if turns[-1].role == "assistant" else ""
    return Said(turns, begun)


def _forgets(prompt: Prompt) -> bool:
    return any(left.item.id.startswith("turn:") for left in prompt.dropped)
