"""ScriptedEngine: a deterministic fake that ships with the product, for tests and demos.

It writes plausible Chinese from a small phrase grammar and understands nothing. The same
request gives the same text, on every machine; one token is one character. What real engines
do besides (refusing, failing in mid-stream, being slow, being cancelled) it does on request.
"""

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from retrieval.types import Message, TokenCounter
from server.engines.base import (
    Adapter,
    Engine,
    EngineRequest,
    EngineStatus,
    Piece,
    State,
    Usage,
)
from server.engines.phrases import sentences
from server.errors import EngineError, EngineFailed, EngineRefused, EngineStarting, UnknownAdapter

MOST_CHARACTERS_A_PIECE = 4


@dataclass(frozen=True, slots=True)
class Text:
    """Say this instead of the grammar's text, then stop."""

    text: str


@dataclass(frozen=True, slots=True)
class Delay:
    """Be silent for so many seconds before the first token."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    """Raise `error` after so many pieces."""

    error: EngineError
    after: int = 0


Step = Text | Delay | Fail


class ScriptedTokenCounter:
    """One token a character; each message and the whole conversation cost a little more."""

    MESSAGE_OVERHEAD = 4
    CONVERSATION_OVERHEAD = 3

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]

    def count_messages(self, messages: Sequence[Message]) -> int:
        texts = self.count([message.content for message in messages])
        return sum(texts) + len(texts) * self.MESSAGE_OVERHEAD + self.CONVERSATION_OVERHEAD


class ScriptedEngine(Engine):
    """`script`: each request takes the next entry, a step or several steps that hold together;
    when the script is used up, requests are ordinary. `state` may be set to play a part.
    `requests` is what was asked, in order; `running` how many streams are open.
    """

    def __init__(
        self,
        model: str = "scripted",
        window: int = 8192,
        tokens_per_second: float | None = None,
        script: Sequence[Step | Sequence[Step]] | None = None,
    ) -> None:
        self._model = model
        self._window = window
        self._pace = tokens_per_second
        self._script = iter(script or ())
        self._adapters: dict[str, Path] = {}
        self._counter = ScriptedTokenCounter()
        self.state: State = "ready"
        self.requests: list[EngineRequest] = []
        self.running = 0

    async def stream(self, request: EngineRequest) -> AsyncGenerator[Piece]:
        self.running += 1
        try:
            self._check(request)
            self.requests.append(request)
            async with aclosing(self._play(request, self._next_steps())) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self.running -= 1

    def _check(self, request: EngineRequest) -> None:
        if self.state in ("starting", "restarting"):
            raise EngineStarting("引擎还在启动，请稍候再试。")
        if self.state != "ready":
            raise EngineFailed("引擎已经停止，请重新启动 yanchi serve。")
        if request.adapter is not None and request.adapter not in self._adapters:
            raise UnknownAdapter(f"引擎里没有名为「{request.adapter}」的适配器，请先载入它。")
        if request.max_tokens < 1 or request.candidates < 1:
            raise EngineRefused("引擎不接受这次请求：所求的长度和份数都至少是 1。")
        if self._counter.count_messages(request.messages) + request.max_tokens > self._window:
            raise EngineRefused("提示与所求长度超过了模型的窗口，请缩短其一。")

    def _next_steps(self) -> Sequence[Step]:
        entry = next(self._script, ())
        return (entry,) if isinstance(entry, Text | Delay | Fail) else entry

    async def _play(self, request: EngineRequest, steps: Sequence[Step]) -> AsyncGenerator[Piece]:
        said = next((step.text for step in steps if isinstance(step, Text)), None)
        fail = next((step for step in steps if isinstance(step, Fail)), None)
        for step in steps:
            if isinstance(step, Delay):
                await asyncio.sleep(step.seconds)
        answers = [_Answer(request, index, said) for index in range(request.candidates)]
        for told, piece in enumerate(_interleave(answers)):
            if fail is not None and told >= fail.after:
                raise fail.error
            # Also without a pace: whoever waits gets a turn, and can cancel.
            await asyncio.sleep(len(piece.text) / self._pace if self._pace else 0)
            yield piece
        if fail is not None:
            raise fail.error
        yield Piece(usage=self._usage(request, answers))

    def _usage(self, request: EngineRequest, answers: Sequence["_Answer"]) -> Usage:
        return Usage(
            prompt_tokens=self._counter.count_messages(request.messages),
            completion_tokens=sum(len(answer.text) for answer in answers),
            cached_tokens=0,
        )

    @property
    def tokens(self) -> TokenCounter:
        return self._counter

    async def adapters(self) -> list[Adapter]:
        return [Adapter(name, path) for name, path in sorted(self._adapters.items())]

    async def load_adapter(self, name: str, path: Path) -> None:
        self._adapters[name] = path

    async def unload_adapter(self, name: str) -> None:
        if self._adapters.pop(name, None) is None:
            raise UnknownAdapter(f"引擎里没有名为「{name}」的适配器。")

    def status(self) -> EngineStatus:
        return EngineStatus(
            self.state, self._model, self._window, "脚本引擎：文字由短语拼成，只供试用"
        )

    async def start(self) -> None:
        self.state = "ready"

    async def stop(self) -> None:
        self.state = "stopped"


class _Answer:
    """One candidate: its whole text, decided beforehand, and how it is handed out."""

    def __init__(self, request: EngineRequest, index: int, said: str | None) -> None:
        self.index = index
        self._random = random.Random(_seed(request, index))
        if said is None:
            said = _compose(self._random, request.max_tokens)
        stops = [said.find(stop) for stop in request.sampling.stop if stop and stop in said]
        text = said[: min(stops, default=len(said))]
        self.text = text[: request.max_tokens]
        self.finish_reason = "stop" if len(text) < request.max_tokens else "length"

    def pieces(self) -> Iterator[Piece]:
        start = 0
        while start < len(self.text):
            end = start + self._random.randint(1, MOST_CHARACTERS_A_PIECE)
            yield Piece(self.index, self.text[start:end])
            start = end
        yield Piece(self.index, finish_reason=self.finish_reason)


def _interleave(answers: Sequence[_Answer]) -> Iterator[Piece]:
    for row in zip_longest(*(answer.pieces() for answer in answers)):
        yield from (piece for piece in row if piece is not None)


def _seed(request: EngineRequest, index: int) -> int:
    told = [[message.role, message.content] for message in request.messages]
    said = json.dumps([told, index, request.sampling.seed, request.adapter], ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], "big")


def _compose(source: random.Random, characters: int) -> str:
    parts: list[str] = []
    held = 0
    for sentence in sentences(source):
        parts.append(sentence)
        held += len(sentence)
        if held >= characters:
            break
    return "".join(parts)[:characters]
