"""An answer in a conversation, from what is asked to the row that keeps it.

`prepare` does everything that can be refused; `events` writes: `message` (what the user said, as
it is kept), `prompt`, `delta`…, `done` or `error`. What was written is kept however it ends.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlmodel import Session

from retrieval.conversation import Turn
from retrieval.errors import RetrievalError
from retrieval.types import Prompt
from server.db import Database
from server.engines.base import Engine, EngineRequest
from server.errors import EngineLost, Invalid, UnknownAdapter, YanchiError, as_body, from_retrieval
from server.models import ChatMessage, Conversation, Persona, new_id
from server.personas import tree
from server.personas.cards import get_persona
from server.personas.prompt import Said, prompt_for
from server.personas.reply import Reply, stops
from server.personas.standing import standing_of
from server.schemas.personas import SaidOut, TalkSampling
from server.sse import Event
from server.templates import in_use
from server.writing.explain import describe
from server.writing.room import room_for
from server.writing.running import Ticket
from server.writing.streaming import Writer, next_piece

GROUNDS = ("cast", "lore")
"""Groups of the prompt that an answer can be traced to."""
MOST_GROUNDS = 12
GROUND_CHARS = 160


@dataclass(frozen=True, slots=True)
class Asked:
    """`say`: an answer to `text`, said after `message_id`. `again`: another answer in the place
    of that one, or to it. `continue`: that answer, gone on with."""

    conversation_id: str
    how: Literal["say", "again", "continue"]
    message_id: str | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """An answer that may be written."""

    id: str
    """Of the message that it becomes."""
    asked: Asked
    parent_id: str | None
    """What it answers; where the user has just spoken, what they answered."""
    prompt: Prompt
    request: EngineRequest
    char: str
    length: int
    begun: str = ""
    details: dict[str, Any] = field(default_factory=dict)


class Stopped(YanchiError):
    """The user has read enough."""

    status = 409
    code = "answer_stopped"


class Talker:
    """Writes the answers with one engine; whoever else writes sees it at work."""

    def __init__(
        self, database: Database, engine: Engine, writer: Writer, *, prompt_tokens: int
    ) -> None:
        self._database = database
        self._engine = engine
        self._writer = writer
        self._prompt_tokens = prompt_tokens

    async def prepare(self, asked: Asked) -> Ready:
        """Raises NotFound, Invalid, Refused, UnknownAdapter, EngineStarting …"""
        self._writer.require_engine()
        loaded = {adapter.name for adapter in await self._engine.adapters()}
        return await asyncio.to_thread(self._prepare, asked, loaded)

    def _prepare(self, asked: Asked, loaded: set[str]) -> Ready:
        with self._database.reading() as session:
            talk = tree.get_conversation(session, asked.conversation_id)
            persona = get_persona(session, talk.persona_id)
            if persona.adapter is not None and persona.adapter not in loaded:
                raise UnknownAdapter(
                    f"{persona.name}要用适配器“{persona.adapter}”，它还没有载入；"
                    "请载入它，或在人物卡里改用底座。"
                )
            said, parent_id = _said(session, talk, asked)
            sampling = TalkSampling.model_validate(talk.sampling)
            limit, output = room_for(self._engine.status(), self._prompt_tokens, sampling.length)
            prompt = self._prompt(session, persona, talk, said, limit)
        plain = sampling.plain_for_talk()
        request = EngineRequest(
            messages=prompt.messages,
            max_tokens=output,
            sampling=replace(
                plain, stop=(*plain.stop, *stops(persona.name, talk.user_name))
            ),
            adapter=persona.adapter,
        )  # fmt: skip
        details = {
            "model": persona.adapter or self._engine.status().model,
            "grounds": _grounds(prompt),
            "withheld": _withheld(prompt),
            "prompt_tokens": prompt.tokens,
        }
        return Ready(
            new_id(), asked, parent_id, prompt, request, persona.name, sampling.length,
            said.begun, details,
        )  # fmt: skip

    def _prompt(
        self, session: Session, persona: Persona, talk: Conversation, said: Said, limit: int
    ) -> Prompt:
        try:
            return prompt_for(
                persona,
                talk,
                standing_of(session, persona),
                said,
                template=in_use(session, "persona", persona.work_id).template,
                tokens=self._engine.tokens,
                limit=limit,
            )
        except RetrievalError as error:
            raise from_retrieval(error) from error

    async def events(self, ready: Ready) -> AsyncGenerator[Event]:
        """The stream; always ends with `done` or `error`, unless its reader closes it."""
        reply = Reply(ready.char, ready.length, ready.begun)
        outcome: dict[str, Any] = {"state": "cancelled", "finish_reason": None}
        parent_id = ready.parent_id
        row: SaidOut | None = None
        kept = False
        try:
            if ready.asked.how == "say":
                spoken = await asyncio.to_thread(self._keep_said, ready.asked)
                parent_id = spoken.id
                yield Event("message", spoken.model_dump(mode="json"))
            yield Event("prompt", {"message_id": ready.id, **describe(ready.prompt)})
            with self._writer.running.ticket(ready.id, ready.asked.conversation_id) as ticket:
                async for text in self._write(ready, reply, ticket, outcome):
                    yield Event("delta", {"text": text})
            outcome["state"] = "done"
            kept = True
            row = await asyncio.to_thread(self._keep, ready, parent_id, reply, outcome)
            yield Event("done", {"message": row.model_dump(mode="json") if row else None})
        except YanchiError as error:
            outcome |= {"state": "failed", "error": error.code}
            kept = True
            row = await asyncio.to_thread(self._keep, ready, parent_id, reply, outcome)
            told = row.model_dump(mode="json") if row else None
            yield Event("error", {**as_body(error), "message": told})
        finally:
            if not kept:
                await asyncio.shield(
                    asyncio.to_thread(self._keep, ready, parent_id, reply, outcome)
                )

    def stop(self, conversation_id: str) -> int:
        """End what is being written in this conversation; what there is stays."""
        return self._writer.running.stop_chapter(conversation_id, Stopped("您停下了这次回答。"))

    async def _write(
        self, ready: Ready, reply: Reply, ticket: Ticket, outcome: dict[str, Any]
    ) -> AsyncIterator[str]:
        stream = self._engine.stream(ready.request)
        stopped = asyncio.ensure_future(ticket.stopped.wait())
        try:
            while outcome["finish_reason"] is None:
                piece = await next_piece(stream, stopped)
                if ticket.reason is not None:
                    outcome["finish_reason"] = "stopped"
                    break
                if piece is None:
                    raise EngineLost("模型没写完就断开了，已写的部分已留下，请再试一次。")
                told = reply.take(piece.text)
                if told:
                    yield told
                outcome["finish_reason"] = "length" if reply.full else piece.finish_reason
            rest = reply.rest()
            if rest:
                yield rest
        finally:
            stopped.cancel()
            await stream.aclose()

    def _keep_said(self, asked: Asked) -> SaidOut:
        with self._database.session() as session:
            talk = tree.get_conversation(session, asked.conversation_id)
            row = tree.add(session, talk, asked.message_id, "user", asked.text, "typed")
            return SaidOut.model_validate(row)

    def _keep(
        self, ready: Ready, parent_id: str | None, reply: Reply, outcome: dict[str, Any]
    ) -> SaidOut | None:
        """The answer as a row; None where nothing was written or the conversation is gone."""
        reply.rest()
        text = reply.text.rstrip()
        if not text.strip() or text == ready.begun:
            return None
        with self._database.session() as session:
            talk = session.get(Conversation, ready.asked.conversation_id)
            if talk is None:
                return None
            row = tree.add(
                session, talk, parent_id, "assistant", text, "generated", id=ready.id,
                details=ready.details | outcome, prompt=describe(ready.prompt),
            )  # fmt: skip
            return SaidOut.model_validate(row)


def _said(session: Session, talk: Conversation, asked: Asked) -> tuple[Said, str | None]:
    """The turns that are answered, and the message that the answer hangs under. Raises NotFound,
    or Invalid where there is nothing to answer or to go on with."""
    rows = tree.messages(session, talk.id)
    if asked.message_id is not None:
        at = tree.get_message(session, talk.id, asked.message_id)
    if asked.how == "say":
        turns = _turns(tree.path(rows, asked.message_id))
        return Said([*turns, Turn("said", "user", asked.text)]), asked.message_id
    if asked.how == "again":
        parent_id = at.id if at.role == "user" else at.parent_id
        if parent_id is None:
            raise Invalid("开场白写在人物卡里，另写请改人物卡。", code="greeting_is_written")
        return Said(_turns(tree.path(rows, parent_id))), parent_id
    if at.role != "assistant":
        raise Invalid("只有对方说的话可以接着说。", code="not_an_answer")
    return Said(_turns(tree.path(rows, at.parent_id)), at.text), at.parent_id


def _turns(rows: list[ChatMessage]) -> list[Turn]:
    return [Turn(row.id, "user" if row.role == "user" else "assistant", row.text) for row in rows]


def _grounds(prompt: Prompt) -> list[dict[str, str]]:
    """What of the story and the lore stood before it, for its reader."""
    return [
        {"title": kept.item.source, "text": kept.text[:GROUND_CHARS], "why": kept.item.why}
        for kept in prompt.kept
        if kept.item.group.value in GROUNDS and not kept.item.id.startswith("voice:")
    ][:MOST_GROUNDS]


def _withheld(prompt: Prompt) -> list[dict[str, str]]:
    """What was asked about and may not be known there."""
    return [
        {"title": left.item.source, "reason": left.reason}
        for left in prompt.dropped
        if left.item.id.startswith(("fact:", "sheet:")) and not left.reason.startswith("放不下")
    ][:MOST_GROUNDS]
