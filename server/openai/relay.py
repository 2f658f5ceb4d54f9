"""An answer on its way out: whoever goes away ends the engine's work, and what was used is noted
however it ends."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Protocol

import anyio
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from server.errors import YanchiError
from server.openai.errors import from_yanchi
from server.openai.upstream import Answer
from server.openai.usage import Use

STREAM = {"cache-control": "no-cache", "x-accel-buffering": "no"}


class Looks(Protocol):
    """What the bytes pass through (`events`)."""

    def feed(self, chunk: bytes) -> bytes: ...

    def rest(self) -> bytes: ...


class Relay(StreamingResponse):
    """A stream of the engine's. Starlette ends the sending when the reader is gone, but leaves the
    generator to the garbage collector, which would let the engine work on for nobody."""

    def __init__(
        self,
        answer: Answer,
        looks: Looks,
        use: Use,
        done: Callable[[Use], Awaitable[None]],
        ticket: AbstractContextManager[object],
    ) -> None:
        self._ticket = ticket
        self._answer = answer
        self._use = use
        self._done = done
        self._chunks = _passed(answer, looks, use)
        super().__init__(self._chunks, media_type="text/event-stream", headers=STREAM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._ticket:
                await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._chunks.aclose()
                await self._answer.close()
                await self._done(self._use)


async def _passed(answer: Answer, looks: Looks, use: Use) -> AsyncGenerator[bytes]:
    chunks = answer.chunks()
    try:
        async for chunk in chunks:
            if told := looks.feed(chunk):
                yield told
        if told := looks.rest():
            yield told
        use.failed = False
    except YanchiError as error:
        yield from_yanchi(error).event()
    finally:
        await chunks.aclose()


async def whole(answer: Answer) -> bytes:
    """All of an answer that is no stream. Raises YanchiError."""
    chunks = answer.chunks()
    try:
        return b"".join([chunk async for chunk in chunks])
    finally:
        await chunks.aclose()
        await answer.close()
