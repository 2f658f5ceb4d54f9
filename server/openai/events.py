"""Bytes of an answer, looked at as they pass: what was used, and what we have to say of them.

A chunk that holds nothing to look at is passed on as it came: that is nearly all of them.
"""

import json
import re
from typing import Any

from pydantic_core import to_json

from server.openai.usage import Use
from server.personas.reply import Reply

ENDS = (b"\n\n", b"\r\n\r\n")
_END = re.compile(rb"\r?\n\r?\n")
_USAGE = re.compile(rb'"usage":\s*\{')
DONE = b"[DONE]"
NO_LENGTH = 10**9
"""Of a reply that its own end alone ends."""


class Events:
    """Whole events out of chunks that are cut anywhere."""

    def __init__(self) -> None:
        self._held = b""

    @property
    def holds(self) -> bool:
        return bool(self._held)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Those that are whole by now, each with its end."""
        self._held += chunk
        found, start = [], 0
        for end in _END.finditer(self._held):
            found.append(self._held[start : end.end()])
            start = end.end()
        self._held = self._held[start:]
        return found

    def rest(self) -> bytes:
        rest, self._held = self._held, b""
        return rest


class Tap:
    """Passes a stream on and notes its usage. `hidden`: the asker did not ask for it, so the
    event that tells of nothing else is left out."""

    def __init__(self, use: Use, *, hidden: bool) -> None:
        self._use = use
        self._hidden = hidden
        self._events = Events()

    def feed(self, chunk: bytes) -> bytes:
        if not self._events.holds and chunk.endswith(ENDS) and not _USAGE.search(chunk):
            return chunk
        return b"".join(event for event in self._events.feed(chunk) if self._passes(event))

    def rest(self) -> bytes:
        return self._events.rest()

    def _passes(self, event: bytes) -> bool:
        told = data(event) if _USAGE.search(event) else None
        if told is None or not isinstance(told.get("usage"), dict):
            return True
        self._use.take(told["usage"])
        return bool(told.get("choices")) or not self._hidden


class Named:
    """A stream of the engine's under the name it was asked for: `yanchi` joins its first event
    with a choice, and a persona's own name at the beginning of an answer is left out."""

    def __init__(
        self, use: Use, model: str, account: dict[str, Any], char: str, *, hidden: bool
    ) -> None:
        self._use = use
        self._model = model
        self._account: dict[str, Any] | None = account
        self._hidden = hidden
        self._replies = _Replies(char)
        self._events = Events()

    def feed(self, chunk: bytes) -> bytes:
        return b"".join(self._named(event) for event in self._events.feed(chunk))

    def rest(self) -> bytes:
        return self._events.rest()

    def _named(self, event: bytes) -> bytes:
        told = data(event)
        if told is None or "error" in told:
            return event
        if isinstance(told.get("usage"), dict):
            self._use.take(told["usage"])
            if not told.get("choices") and self._hidden:
                return b""
        told["model"] = self._model
        for choice in told.get("choices") or ():
            self._replies.chunk(choice)
        if self._account is not None and told.get("choices"):
            told["yanchi"], self._account = self._account, None
        return b"data: " + to_json(told) + b"\n\n"


class _Replies:
    """The candidates' texts without the label that some models begin with."""

    def __init__(self, char: str) -> None:
        self._char = char
        self._replies: dict[int, Reply] = {}

    def chunk(self, choice: dict[str, Any]) -> None:
        delta = choice.get("delta") or {}
        if not self._char:
            return
        index = int(choice.get("index") or 0)
        reply = self._replies.setdefault(index, Reply(self._char, NO_LENGTH))
        text = reply.take(delta.get("content") or "")
        if choice.get("finish_reason"):
            text += reply.rest()
        if text or delta.get("content"):
            choice["delta"] = delta | {"content": text}


def unlabelled(text: str, char: str) -> str:
    """A whole answer, as `Named` tells it."""
    if not char:
        return text
    reply = Reply(char, NO_LENGTH)
    return reply.take(text) + reply.rest()


def data(event: bytes) -> dict[str, Any] | None:
    """An event's JSON object; None for a comment, the end, or anything else."""
    lines = [line[5:].strip() for line in event.splitlines() if line.startswith(b"data:")]
    if not lines or lines == [DONE]:
        return None
    try:
        told = json.loads(b"\n".join(lines))
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
