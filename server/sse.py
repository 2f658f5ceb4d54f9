"""Server-sent events (WHATWG HTML, section 9.2) that end when their reader goes away."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import anyio
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.types import Receive, Scope, Send

PING_SECONDS = 15.0
"""Silence after which a comment keeps proxies from closing the connection."""


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    data: dict[str, Any]


class EventStream(EventSourceResponse):
    """Sends events as they come; closes their source at once when the reader is gone.

    Starlette cancels the sending task on a disconnect but leaves the generator to the
    garbage collector, which would let the engine work on for nobody.
    """

    def __init__(self, events: AsyncGenerator[Event]) -> None:
        self._bytes = _encode(events)
        super().__init__(
            self._bytes, headers={"cache-control": "no-store", "x-accel-buffering": "no"}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._bytes.aclose()


async def _encode(events: AsyncGenerator[Event]) -> AsyncGenerator[bytes]:
    upcoming: asyncio.Task[Event] | None = None
    try:
        while True:
            if upcoming is None:
                upcoming = asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({upcoming}, timeout=PING_SECONDS)
            if not done:
                yield KEEPALIVE_COMMENT
                continue
            try:
                event = upcoming.result()
            except StopAsyncIteration:
                upcoming = None
                return
            upcoming = None
            yield format_sse_event(
                data_str=json.dumps(event.data, ensure_ascii=False), event=event.name
            )
    finally:
        if upcoming is not None:
            upcoming.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
                await upcoming
        await events.aclose()
