"""Summaries of talks by the served model, in the background: one at a time, never in front of a
person's answer or a recap, dropped when the desk closes.

Knows nothing of prompts of conversations.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from retrieval.memory.fresh import AUTHOR
from retrieval.memory.plan import Level
from retrieval.template import load_template
from server.db import Database
from server.engines.base import Engine
from server.errors import EngineError, EngineRefused
from server.models import Conversation, TalkSummary
from server.personas.memory import rolling, summaries
from server.recaps.model import LIMITS, Ask, Interrupted, ModelWriter, Unfit, limit_of

log = logging.getLogger(__name__)

AGAIN = 5.0
"""Seconds until an engine that cannot be asked is looked at again."""
REST = 1.0
"""Seconds to leave the engine alone after somebody else's request."""
REFUSALS = 256


@dataclass(frozen=True, slots=True)
class Wish:
    """A summary that the model should make: of a conversation, up to a message."""

    conversation_id: str
    upto_id: str


@dataclass(frozen=True, slots=True)
class Job:
    wish: Wish
    ask: Ask
    since_id: str | None
    ground: str


class Summaries:
    """Belongs to the engine's event loop; `want` may be called from any thread."""

    def __init__(
        self, database: Database, engine: Engine, busy: Callable[[], bool], *, automatic: bool
    ) -> None:
        """`busy` tells whether somebody else's request runs. `automatic`: the model tells what it
        was not asked for by hand, too."""
        self._database = database
        self._engine = engine
        self._busy = busy
        self._writer = ModelWriter(engine, busy)
        self._automatic = automatic
        self._wanted: dict[str, Wish] = {}
        """By conversation: of one that goes on, the last counts."""
        self._refused: dict[Wish, str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(), name="talk-summaries")

    async def close(self) -> None:
        """Drop what the model is doing; what is written stays, the rest is wanted another time."""
        task, self._task, self._loop = self._task, None, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def want(self, wish: Wish, *, by_hand: bool = False) -> None:
        """Have the model tell it when nobody else asks it anything; returns at once."""
        loop = self._loop
        if loop is None or not (by_hand or (self._automatic and wish not in self._refused)):
            return
        if by_hand:
            self._refused.pop(wish, None)
        self._wanted[wish.conversation_id] = wish
        loop.call_soon_threadsafe(self._changed.set)

    def waiting(self, wish: Wish) -> bool:
        """Whether the model has it to tell."""
        return self._wanted.get(wish.conversation_id) == wish

    def refusal(self, wish: Wish) -> str:
        """Why what the model told could not be used; empty where it was not so."""
        return self._refused.get(wish, "")

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            pause = 0.0
            for wish in list(self._wanted.values()):
                try:
                    pause = max(pause, await self._tell(wish))
                except Exception:
                    # One bad talk must not end it for the others.
                    log.exception("summary of %s failed", wish.conversation_id)
                    self._done(wish)
            if not self._wanted:
                await self._changed.wait()
                # It was wanted for an answer that is about to begin, and goes first.
                pause = REST
            await asyncio.sleep(pause)

    async def _tell(self, wish: Wish) -> float:
        """Seconds to wait before what is left is tried again."""
        if self._engine.status().state != "ready":
            return AGAIN
        if self._busy():
            return REST
        job = await asyncio.to_thread(self._job, wish)
        if job is not None:
            try:
                text = await self._writer.write(job.ask)
            except Interrupted:
                return REST
            except (Unfit, EngineRefused) as error:
                log.info("summary of %s: %s", wish.conversation_id, error)
                self._refuse(wish, str(error))
            except EngineError as error:
                log.warning("summary of %s: %s", wish.conversation_id, error.message)
                return AGAIN
            else:
                await asyncio.to_thread(self._keep, job, text)
        self._done(wish)
        return 0.0

    def _done(self, wish: Wish) -> None:
        # Meanwhile the talk may have gone on, and another one is wanted.
        if self._wanted.get(wish.conversation_id) == wish:
            del self._wanted[wish.conversation_id]

    def _refuse(self, wish: Wish, reason: str) -> None:
        self._refused[wish] = reason
        while len(self._refused) > REFUSALS:
            del self._refused[next(iter(self._refused))]

    def _job(self, wish: Wish) -> Job | None:
        """None where the conversation is gone or somebody has told it."""
        with self._database.reading() as session:
            talk = session.get(Conversation, wish.conversation_id)
            if talk is None or talk.deleted_at is not None:
                return None
            past = summaries.load_past(session, talk, wish.upto_id)
        end = len(past.lines)
        begin, row = past.best(end)
        if begin == end:
            return None
        before = "" if row is None else row.text
        parts = sum(stop <= end for stop in past.stops)
        lines = past.lines[begin:end]
        ask = Ask(
            Level.BOOK if before else Level.CHAPTER,
            [*([before] if before else []), rolling.spoken(lines)],
            LIMITS[Level.CHAPTER] if parts < 2 else limit_of(Level.BOOK, parts),
            load_template("memory"),
            frozenset(past.names),
        )
        since = None if row is None else row.upto_id
        return Job(wish, ask, since, rolling.ground(before, lines))

    def _keep(self, job: Job, text: str) -> None:
        """Write down what was told, unless what it read has changed or the author wrote it."""
        now = self._job(job.wish)
        if now is None or now.ground != job.ground:
            return
        with self._database.session() as session:
            row = summaries.find(session, job.wish.conversation_id, job.wish.upto_id)
            if row is not None and row.maker == AUTHOR:
                return
            made = TalkSummary(
                conversation_id=job.wish.conversation_id, upto_id=job.wish.upto_id,
                since_id=job.since_id, text=text, maker=self._engine.status().model,
                source_hash=job.ground,
            )  # fmt: skip
            summaries.put(session, made)
