"""An answer in a conversation, from what is asked to the row that keeps it.

`prepare` does everything that can be refused; `events` writes: `message` (what the user said, as
it is kept), `prompt`, `delta`…, `done` or `error`. What was written is kept however it ends.
`several` goes on with whose turn it is then: `prompt`, `delta`…, `done` for each of them.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from sqlmodel import Session

from retrieval.conversation import Remembered
from retrieval.errors import RetrievalError
from retrieval.types import Prompt
from server.db import Database
from server.engines.base import Engine, EngineRequest
from server.errors import EngineLost, UnknownAdapter, YanchiError, as_body, from_retrieval
from server.models import Conversation, new_id
from server.personas import tree
from server.personas.asked import Asked, Question, question
from server.personas.memory.memories import Memories
from server.personas.memory.past_talks import STANDS, stands
from server.personas.memory.recall import Asking
from server.personas.prompt import prompt_for
from server.personas.reply import Reply, stops
from server.personas.standing import standing_of
from server.schemas.personas import SaidOut, TalkSampling
from server.sse import Event
from server.templates import in_use
from server.tuning.shipped import adapter_of
from server.writing.explain import describe
from server.writing.room import room_for
from server.writing.running import Ticket
from server.writing.streaming import Writer, next_piece

GROUNDS = ("cast", "lore", "recap", "passages")
"""Groups of the prompt that an answer can be traced to."""
MOST_GROUNDS = 12
GROUND_CHARS = 160


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
    length: int
    speaker_id: str
    char: str
    others: list[str]
    """Whom the answer must not speak for."""
    begun: str = ""
    details: dict[str, Any] = field(default_factory=dict)


class Stopped(YanchiError):
    """The user has read enough."""

    status = 409
    code = "answer_stopped"


class Talker:
    """Writes the answers with one engine; whoever else writes sees it at work."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        writer: Writer,
        memories: Memories,
        *,
        prompt_tokens: int,
    ) -> None:
        self._database = database
        self._engine = engine
        self._writer = writer
        self._memories = memories
        self._prompt_tokens = prompt_tokens

    async def prepare(self, asked: Asked) -> Ready:
        """Raises NotFound, Invalid, Refused, UnknownAdapter, EngineStarting …"""
        self._writer.require_engine()
        loaded = {adapter.name for adapter in await self._engine.adapters()}
        return await asyncio.to_thread(self._prepare, asked, loaded)

    def _prepare(self, asked: Asked, loaded: set[str]) -> Ready:
        with self._database.reading() as session:
            talk = tree.get_conversation(session, asked.conversation_id)
            asks = question(session, talk, asked)
            persona = asks.persona
            adapter = adapter_of(persona, loaded)
            if adapter is not None and adapter not in loaded:
                raise UnknownAdapter(
                    f"{persona.name}要用适配器“{adapter}”，它还没有载入；"
                    "请载入它，或在人物卡里改用底座。"
                )
            sampling = TalkSampling.model_validate(talk.sampling)
            limit, output = room_for(self._engine.status(), self._prompt_tokens, sampling.length)
            prompt = self._prompt(session, talk, asks, limit)
        plain = sampling.plain_for_talk()
        request = EngineRequest(
            messages=prompt.messages,
            max_tokens=output,
            sampling=replace(plain, stop=(*plain.stop, *stops(persona.called, *asks.names))),
            adapter=adapter,
        )
        details = {
            "model": adapter or self._engine.status().model,
            "grounds": _grounds(prompt),
            "withheld": _withheld(prompt),
            "prompt_tokens": prompt.tokens,
            STANDS: stands(persona),
        }
        return Ready(
            new_id(), asked, asks.parent_id, prompt, request, sampling.length,
            persona.id, persona.called, asks.names, asks.said.begun, details,
        )  # fmt: skip

    def _prompt(self, session: Session, talk: Conversation, asks: Question, limit: int) -> Prompt:
        persona = asks.persona
        standing = standing_of(session, persona, talk.user_name)
        template = in_use(session, "persona", persona.work_id).template

        def written(remembered: Remembered) -> Prompt:
            return prompt_for(
                persona,
                talk,
                standing,
                asks.said,
                template=template,
                tokens=self._engine.tokens,
                limit=limit,
                others=asks.others,
                remembered=remembered,
            )

        asking = Asking(persona, talk, standing, asks.said.turns, limit)
        try:
            return self._memories.prompt(session, asking, written)
        except RetrievalError as error:
            raise from_retrieval(error) from error

    async def events(self, ready: Ready) -> AsyncGenerator[Event]:
        """The stream; always ends with `done` or `error`, unless its reader closes it."""
        reply = Reply(ready.char, ready.length, ready.begun, ready.others)
        outcome: dict[str, Any] = {"state": "cancelled", "finish_reason": None}
        parent_id = ready.parent_id
        row: SaidOut | None = None
        kept = False
        try:
            if ready.asked.how == "say":
                spoken = await asyncio.to_thread(self._keep_said, ready.asked)
                parent_id = spoken.id
                yield Event("message", spoken.model_dump(mode="json"))
            about = {"message_id": ready.id, "persona_id": ready.speaker_id}
            yield Event("prompt", about | describe(ready.prompt))
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

    async def several(self, ready: Ready, turns: int) -> AsyncGenerator[Event]:
        """Up to so many answers, each to the one before, by whose turn it is then. Whoever stops
        one of them stops them all."""
        with self._writer.running.ticket(new_id(), ready.asked.conversation_id) as ticket:
            while True:
                last: Event | None = None
                async with aclosing(self.events(ready)) as events:
                    async for last in events:
                        yield last
                turns -= 1
                said = last.data["message"] if last and last.name == "done" else None
                if turns < 1 or said is None or ticket.reason is not None:
                    return
                following = Asked(ready.asked.conversation_id, "speak", said["id"])
                try:
                    ready = await self.prepare(following)
                except YanchiError as error:
                    yield Event("error", {**as_body(error), "message": None})
                    return

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
                outcome["finish_reason"] = reply.ended or piece.finish_reason
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
                persona_id=ready.speaker_id, details=ready.details | outcome, prompt=describe(ready.prompt),
            )  # fmt: skip
            return SaidOut.model_validate(row)


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
