"""One question to several adapters at once, each answer as it is written."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from server.engines.base import Engine, EngineRequest
from server.errors import EngineError, as_body
from server.sse import Event


async def compare(
    engine: Engine, request: EngineRequest, adapters: Sequence[str | None]
) -> AsyncGenerator[Event]:
    """`delta` with `side` and `text`, `done` or `error` for each side; then it ends.

    Whoever closes it ends every answer.
    """
    events: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=256)

    async def ask(side: int, adapter: str | None) -> None:
        try:
            async with aclosing(engine.stream(replace(request, adapter=adapter))) as pieces:
                async for piece in pieces:
                    if piece.text:
                        await events.put(Event("delta", {"side": side, "text": piece.text}))
                    if piece.finish_reason:
                        told = {"side": side, "finish_reason": piece.finish_reason}
                        await events.put(Event("done", told))
        except EngineError as error:
            await events.put(Event("error", {"side": side, **as_body(error)}))

    async def ask_all() -> None:
        async with asyncio.TaskGroup() as group:
            for side, adapter in enumerate(adapters):
                group.create_task(ask(side, adapter))
        await events.put(None)

    asking = asyncio.create_task(ask_all())
    try:
        while (event := await events.get()) is not None:
            yield event
        await asking
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
