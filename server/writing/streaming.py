"""One generation while it is written: stream, stop, log. Knows nothing of HTTP, nor of what was
asked for.

`events` yields `prompt`, `delta`…, and `done` or `error`. Closing it stops the engine.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from retrieval.types import Prompt
from server.db import Database
from server.engines.base import Engine, EngineRequest, Piece
from server.errors import (
    ChapterGone,
    EngineError,
    EngineFailed,
    EngineLost,
    EngineStarting,
    NotFound,
    YanchiError,
    as_body,
)
from server.manuscript import get_chapter
from server.models import Generation
from server.sse import Event
from server.writing.candidates import Candidates
from server.writing.log import GenerationLog
from server.writing.running import Running, Ticket


@dataclass(frozen=True, slots=True)
class Prepared:
    """A generation that may be written: all that can be refused has been looked at."""

    row: Generation
    """As it is logged."""
    prompt: Prompt
    request: EngineRequest
    length: int
    """Characters after which a candidate ends with its sentence."""
    new_line: bool
    """Whether it begins a line, so that blanks before it are dropped."""

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def chapter_id(self) -> str:
        assert self.row.chapter_id is not None
        return self.row.chapter_id


class Writer:
    """Writes what has been prepared with one engine, into one log."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self._database = database
        self._engine = engine
        self._log = GenerationLog(database)
        self.running = Running()

    def require_engine(self) -> None:
        """Raises EngineStarting or EngineFailed while nothing could be written."""
        status = self._engine.status()
        if status.state == "failed":
            raise EngineFailed(f"模型没能启动：{status.detail or '请看数据目录 logs/ 里的日志'}。")
        if status.state != "ready":
            raise EngineStarting(f"模型还在启动（{status.detail or '请稍候'}），过一会儿再试。")

    async def events(self, prepared: Prepared) -> AsyncGenerator[Event]:
        """The stream; always ends with `done` or `error`, unless its reader closes it."""
        writing = Candidates(
            prepared.request.candidates, prepared.length, prepared.prompt.tokens,
            new_line=prepared.new_line,
        )  # fmt: skip
        opening = asyncio.ensure_future(asyncio.to_thread(self._log.open, prepared.row))
        state, failure = "cancelled", ""
        try:
            yield Event("prompt", {"generation": prepared.id, **prepared.row.prompt})
            with self.running.ticket(prepared.id, prepared.chapter_id) as ticket:
                async for index, text in self._write(prepared, writing, ticket):
                    yield Event("delta", {"index": index, "text": text})
            await asyncio.to_thread(self._check_chapter, prepared)
            state = "done"
            yield Event("done", {"generation": prepared.id, **writing.result(self._count)})
        except YanchiError as error:
            state, failure = "failed", error.code
            yield Event(
                "error",
                {"generation": prepared.id, **as_body(error), **writing.result(self._count)},
            )
        finally:
            await asyncio.shield(self._close(opening, prepared.id, state, writing, failure))

    async def complete(self, prepared: Prepared) -> dict[str, Any]:
        """The whole result at once. Raises what `events` would have told."""
        events = self.events(prepared)
        last: Event | None = None
        try:
            async for event in events:
                last = event
        finally:
            await events.aclose()
        assert last is not None
        if last.name == "error":
            raise _Told(last.data["error"])
        return {**last.data, "prompt": prepared.row.prompt}

    async def _write(
        self, prepared: Prepared, writing: Candidates, ticket: Ticket
    ) -> AsyncIterator[tuple[int, str]]:
        stream = self._engine.stream(prepared.request)
        stopped = asyncio.ensure_future(ticket.stopped.wait())
        try:
            while not writing.complete:
                piece = await next_piece(stream, stopped)
                if ticket.reason is not None:
                    raise ticket.reason
                if piece is None:
                    break
                text = writing.take(piece)
                if text:
                    yield piece.index, text
        finally:
            stopped.cancel()
            await stream.aclose()
        if not writing.complete:
            raise EngineLost("模型没写完就断开了，已写的部分已留下，请再试一次。")

    def _check_chapter(self, prepared: Prepared) -> None:
        try:
            with self._database.reading() as session:
                get_chapter(session, prepared.row.work_id, prepared.chapter_id)
        except NotFound as error:
            raise ChapterGone("续写时这一章被删除了，写出的文字留在生成记录里。") from error

    def _count(self, text: str) -> int:
        try:
            return self._engine.tokens.count([text])[0]
        except EngineError:
            return 0

    async def _close(
        self,
        opening: "asyncio.Future[None]",
        generation_id: str,
        state: str,
        writing: Candidates,
        failure: str,
    ) -> None:
        await opening
        result = writing.result(self._count)
        await asyncio.to_thread(
            self._log.close, generation_id, state, result["candidates"], result["usage"], failure
        )


class _Told(YanchiError):
    """An error that already has its wire shape."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(body["message"], code=body["code"])
        self.retryable = body["retryable"]
        self.status = 503 if body["retryable"] else 409 if body["code"] == "chapter_gone" else 502


async def next_piece(stream: AsyncGenerator[Piece], stopped: "asyncio.Future[Any]") -> Piece | None:
    """The next piece, or None at the end or when somebody stopped the generation."""
    piece = asyncio.ensure_future(anext(stream, None))
    try:
        await asyncio.wait({piece, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return piece.result() if piece.done() else None
    finally:
        if not piece.done():
            piece.cancel()
            await asyncio.gather(piece, return_exceptions=True)
