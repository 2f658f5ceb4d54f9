"""Which generations are under way, so that a deleted chapter or a stop can end them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from server.errors import YanchiError


@dataclass(eq=False)
class Ticket:
    """One generation under way; `ended` carries the reason once somebody stopped it."""

    id: str
    chapter_id: str
    loop: asyncio.AbstractEventLoop
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    reason: YanchiError | None = None


class Running:
    def __init__(self) -> None:
        self._tickets: dict[str, Ticket] = {}

    def __len__(self) -> int:
        return len(self._tickets)

    @contextmanager
    def ticket(self, generation_id: str, chapter_id: str) -> Iterator[Ticket]:
        ticket = Ticket(generation_id, chapter_id, asyncio.get_running_loop())
        self._tickets[generation_id] = ticket
        try:
            yield ticket
        finally:
            self._tickets.pop(generation_id, None)

    def stop_chapter(self, chapter_id: str, reason: YanchiError) -> int:
        """End every generation in this chapter; callable from any thread."""
        hit = [t for t in list(self._tickets.values()) if t.chapter_id == chapter_id]
        for ticket in hit:
            ticket.reason = reason
            ticket.loop.call_soon_threadsafe(ticket.stopped.set)
        return len(hit)
