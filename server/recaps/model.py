"""A recap by the served model: read, asked, checked.

Requests of people go first: while one runs none is begun, and one that runs is dropped the
moment theirs starts (closing the stream stops the engine), to be asked again later. What was
answered before that is remembered, so that a long chapter's pieces need not be told twice.
"""

import asyncio
import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from retrieval.memory.checks import TOO_LONG, clean, fault
from retrieval.memory.plan import Level
from retrieval.memory.reading import pieces
from retrieval.template import PromptTemplate
from retrieval.types import Message
from server.engines.base import Engine, EngineRequest, Piece, Sampling

LIMITS = {Level.CHAPTER: 200, Level.VOLUME: 350}
SKELETON_A_PART, LONGEST_SKELETON = 160, 650
ATTEMPTS = 2
READ_TOKENS = 6000
"""Most tokens of text in one request, however large the window: more is read less well."""
LEAST_ROOM = 256
TOKENS_PER_CHAR = 1.1
LOOK = 0.02
"""Seconds between two looks at whether somebody wants the engine."""
REMEMBERED = 64
PIECES = "pieces"


def limit_of(level: Level, parts: int = 1) -> int:
    """Characters that a model is asked for; a skeleton grows with the number of parts."""
    if level is Level.BOOK:
        return min(LONGEST_SKELETON, SKELETON_A_PART * parts)
    return LIMITS[level]


class Interrupted(Exception):
    """Somebody wants the engine: ask again later."""


class Unfit(Exception):
    """What the model said is no recap; the message says why, for an author."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A recap of at most `limit` characters to be made of these texts; `names` are what people
    in the book are called."""

    level: Level
    texts: Sequence[str]
    limit: int
    template: PromptTemplate
    names: frozenset[str] = frozenset()


class ModelWriter:
    """Lives on the engine's event loop; `busy` tells whether a person's request runs."""

    def __init__(self, engine: Engine, busy: Callable[[], bool]) -> None:
        self._engine = engine
        self._busy = busy
        self._said: OrderedDict[bytes, str] = OrderedDict()

    async def write(self, ask: Ask) -> str:
        """Raises Interrupted, Unfit or EngineError."""
        template, limit = ask.template, ask.limit
        text = "\n".join(t.strip() for t in ask.texts)
        parts = await asyncio.to_thread(self._pieces, template, ask.level, text, limit)
        if len(parts) == 1:
            return await self._told(template, ask.level, parts[0], limit, ask.names)
        notes = [
            await self._told(
                template, ask.level, part, limit, ask.names, piece=n, pieces=len(parts)
            )
            for n, part in enumerate(parts, 1)
        ]
        return await self._told(template, PIECES, "\n".join(notes), limit, ask.names)

    def _pieces(self, template: PromptTemplate, level: Level, text: str, limit: int) -> list[str]:
        tokens = self._engine.tokens
        frame = tokens.count_messages(_messages(template, level, "", limit, piece=9, pieces=9))
        window = self._engine.status().window
        room = min(READ_TOKENS, window - frame - _max_tokens(limit))
        if room < LEAST_ROOM:
            raise Unfit(f"模型的窗口只有 {window} 词元，读不进一段正文")
        return pieces(text, room, tokens)

    async def _told(
        self,
        template: PromptTemplate,
        level: str,
        text: str,
        limit: int,
        names: frozenset[str],
        *,
        piece: int = 1,
        pieces: int = 1,
    ) -> str:
        messages = _messages(template, level, text, limit, piece=piece, pieces=pieces)
        bare = _messages(template, level, "", limit, piece=piece, pieces=pieces)
        instruction = "\n".join(m.content for m in bare)
        reason = None
        for attempt in range(ATTEMPTS):
            said = clean(await self._ask(messages, limit, attempt), limit)
            may_copy = level != Level.CHAPTER
            reason = fault(said, text, instruction, limit, names, may_copy=may_copy)
            if reason is None:
                return said
        raise Unfit(reason or "")

    async def _ask(self, messages: tuple[Message, ...], limit: int, attempt: int) -> str:
        key = _key(messages, attempt)
        if key not in self._said:
            request = EngineRequest(
                messages,
                _max_tokens(limit),
                # Near to greedy, and the same again for the same text.
                Sampling(temperature=0.2 + 0.4 * attempt, seed=int.from_bytes(key[:4], "big")),
            )
            self._said[key] = await self._stream(request)
            while len(self._said) > REMEMBERED:
                self._said.popitem(last=False)
        return self._said[key]

    async def _stream(self, request: EngineRequest) -> str:
        if self._busy():
            raise Interrupted
        told: list[str] = []
        async with aclosing(self._engine.stream(request)) as stream:
            while True:
                following = asyncio.ensure_future(anext(stream, None))
                piece = await self._unless_busy(following)
                if piece is None:
                    return "".join(told)
                told.append(piece.text)

    async def _unless_busy(self, piece: "asyncio.Future[Piece | None]") -> Piece | None:
        try:
            while not piece.done():
                await asyncio.wait({piece}, timeout=LOOK)
                if self._busy():
                    raise Interrupted
            return piece.result()
        finally:
            if not piece.done():
                piece.cancel()
            await asyncio.gather(piece, return_exceptions=True)


def _messages(
    template: PromptTemplate, level: str, text: str, limit: int, *, piece: int, pieces: int
) -> tuple[Message, ...]:
    told = {"level": str(level), "text": text, "length": limit, "piece": piece, "pieces": pieces}
    return template.render((), told)


def _max_tokens(limit: int) -> int:
    return math.ceil(limit * TOO_LONG * TOKENS_PER_CHAR) + 16


def _key(messages: tuple[Message, ...], attempt: int) -> bytes:
    told = "\0".join([*(m.content for m in messages), str(attempt)])
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()
