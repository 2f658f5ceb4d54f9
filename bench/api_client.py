"""Many streams at once, as a client sees them: when its first token came, and how long it waited
between those that came after.

On bare sockets without parsing more than it must, so that what it measures is not itself;
`Round.client_cpu` says how busy it was.
"""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import uvloop

TOKEN = b'"content":'
END = b"[DONE]"
LONGEST = max(len(TOKEN), len(END))


@dataclass(frozen=True)
class Stream:
    """Seconds. Tokens that came in one read came at once: they make one gap."""

    began: float
    first: float
    last: float
    gaps: list[float]
    tokens: int


@dataclass(frozen=True)
class Round:
    """Every stream of one round."""

    seconds: float
    streams: list[Stream]
    client_cpu: float
    """The measuring process's share of one core."""


def measure(url: str, model: str, streams: int, tokens: int) -> Round:
    """Raises RuntimeError where a stream brings fewer than `tokens`."""
    return uvloop.run(_round(url, model, streams, tokens))


async def _round(url: str, model: str, streams: int, tokens: int) -> Round:
    began, spent = time.perf_counter(), time.process_time()
    found = await asyncio.gather(*(_ask(url, model, tokens) for _ in range(streams)))
    seconds, spent = time.perf_counter() - began, time.process_time() - spent
    return Round(seconds, found, spent / seconds)


async def _ask(url: str, model: str, tokens: int) -> Stream:
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    transport, reader = await loop.create_connection(
        _Reader, parts.hostname or "", parts.port or 80
    )
    reader.began = time.perf_counter()
    transport.write(_request(url, model, tokens))
    try:
        await reader.ended
    finally:
        transport.close()
    if reader.tokens < tokens:
        raise RuntimeError(f"{url} sent {reader.tokens} tokens of {tokens}: {reader.tail!r}")
    return Stream(reader.began, reader.first, reader.last, reader.gaps, tokens)


def _request(url: str, model: str, tokens: int) -> bytes:
    parts = urlsplit(url)
    body = (
        f'{{"model":"{model}","messages":[{{"role":"user","content":"go"}}],'
        f'"max_tokens":{tokens},"stream":true}}'
    ).encode()
    head = (
        f"POST {parts.path}/chat/completions HTTP/1.1\r\nhost: {parts.netloc}\r\n"
        "authorization: Bearer none\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class _Reader(asyncio.Protocol):
    """One answer, and the times of what comes."""

    began: float = 0.0
    first: float = 0.0
    last: float = 0.0
    tokens: int = 0
    gaps: list[float] = field(default_factory=list)
    tail: bytes = b""
    """Of the last read: a word may be cut between two."""

    def __post_init__(self) -> None:
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        read = self.tail + data
        if found := read.count(TOKEN):
            if self.tokens:
                self.gaps.append(now - self.last)
            else:
                self.first = now
            self.tokens, self.last = self.tokens + found, now
        if END in read:
            self._end()
        self.tail = read[1 - LONGEST :]

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self._end()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
