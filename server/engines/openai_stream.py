"""An OpenAI-compatible event stream, read strictly: bytes in, pieces out.

Server-sent events by the WHATWG specification (HTML, section 9.2). `[DONE]` alone is no
success: every candidate must have finished. An error may come after HTTP 200, in mid-stream.
"""

import codecs
import json
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from dataclasses import dataclass
from typing import Any

from server.engines.base import Piece, Usage
from server.engines.openai_errors import from_payload
from server.errors import EngineError, EngineLost

DONE = "[DONE]"
# vLLM's words for a candidate that did not end by itself.
BROKEN_OFF = frozenset({"abort", "error"})


@dataclass(frozen=True, slots=True)
class Event:
    type: str
    data: str


class EventParser:
    """Feed it bytes as they arrive; lines end in LF, CR or CRLF and nothing else.

    `str.splitlines` (and so httpx's `aiter_lines`) also breaks at U+2028, U+0085 and others,
    which JSON may hold unescaped.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._type = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        self._rest += self._decode.decode(chunk)
        for line in self._whole_lines():
            if line:
                self._field(line)
            else:
                yield from self._dispatch()

    def _whole_lines(self) -> list[str]:
        text = self._rest
        # A CR at the very end may be the first half of a CRLF.
        held = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        *lines, rest = text.split("\n")
        self._rest = rest + held
        return lines

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value

    def _dispatch(self) -> Iterator[Event]:
        if self._data:
            yield Event(self._type or "message", "\n".join(self._data))
        self._data, self._type = [], ""


class _Stream:
    """What has come of one answer so far."""

    def __init__(self, candidates: int) -> None:
        self.unfinished = set(range(candidates))
        self.usage: Usage | None = None

    def pieces(self, chunk: dict[str, Any]) -> Iterator[Piece]:
        if usage := chunk.get("usage"):
            self.usage = _usage(usage)
        for choice in chunk.get("choices") or ():
            index = int(choice.get("index") or 0)
            reason = choice.get("finish_reason")
            if reason in BROKEN_OFF:
                raise EngineLost("引擎中途放弃了这次生成，请重试。")
            text = (choice.get("delta") or {}).get("content") or ""
            if reason:
                self.unfinished.discard(index)
            if text or reason:
                yield Piece(index=index, text=text, finish_reason=reason or None)

    def end(self) -> Iterator[Piece]:
        if self.unfinished:
            raise EngineLost("引擎的回答没有结束就断了，请重试。")
        if self.usage is not None:
            yield Piece(usage=self.usage)


def _usage(usage: dict[str, Any]) -> Usage:
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    return Usage(
        prompt_tokens=int(usage.get("prompt_tokens") or 0),
        completion_tokens=int(usage.get("completion_tokens") or 0),
        cached_tokens=None if cached is None else int(cached),
    )


def _chunk(event: Event) -> dict[str, Any]:
    """Raises the event's own error, or EngineError when it is no JSON object."""
    try:
        chunk = json.loads(event.data)
    except ValueError:
        chunk = None
    if event.type == "error":
        raise from_payload(chunk if isinstance(chunk, dict) else {"error": event.data})
    if not isinstance(chunk, dict):
        raise EngineError("引擎的回答不是可以识别的格式，请检查引擎地址。")
    if chunk.get("error"):
        raise from_payload(chunk)
    return chunk


async def read_pieces(body: AsyncIterable[bytes], candidates: int) -> AsyncGenerator[Piece]:
    """Pieces of the answer; usage once, last.

    Raises EngineLost when the answer stops before every candidate has finished, EngineError
    when it is no event stream of the protocol, and the engine's own error where it sends one.
    """
    parser, stream = EventParser(), _Stream(candidates)
    async for chunk in body:
        for event in parser.feed(chunk):
            if event.data == DONE:
                for piece in stream.end():
                    yield piece
                return
            try:
                pieces = list(stream.pieces(_chunk(event)))
            except (TypeError, ValueError, AttributeError) as error:
                raise EngineError("引擎的回答不是可以识别的格式，请检查引擎地址。") from error
            for piece in pieces:
                yield piece
    for piece in stream.end():
        yield piece
