"""The candidates of one generation as they grow, each ended near its length."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from server.engines.base import Piece, Usage
from server.writing.length import LengthGate


class Candidates:
    """What each candidate has written, and why it ended."""

    def __init__(self, count: int, length: int, prompt_tokens: int, *, new_line: bool) -> None:
        self._gates = [LengthGate(length, new_line) for _ in range(count)]
        self._texts = ["" for _ in range(count)]
        self._reasons: list[str | None] = [None] * count
        self._prompt_tokens = prompt_tokens
        self._usage: Usage | None = None

    @property
    def complete(self) -> bool:
        return all(self._reasons)

    def take(self, piece: Piece) -> str:
        """Account for one piece; returns the text that the reader gets."""
        if piece.usage is not None:
            self._usage = piece.usage
        if piece.index >= len(self._gates) or self._reasons[piece.index]:
            return ""
        gate = self._gates[piece.index]
        text = gate.take(piece.text) if piece.text else ""
        self._texts[piece.index] += text
        if gate.full:
            self._reasons[piece.index] = "length"
        elif piece.finish_reason:
            self._reasons[piece.index] = piece.finish_reason
        return text

    def result(self, count: Callable[[str], int]) -> dict[str, Any]:
        """The wire shape of what there is; `count` counts tokens where no usage came."""
        written = [
            {"text": text, "finish_reason": reason}
            for text, reason in zip(self._texts, self._reasons, strict=True)
        ]
        usage = self._usage or Usage(self._prompt_tokens, sum(count(t) for t in self._texts))
        return {
            "text": self._texts[0],
            "finish_reason": self._reasons[0],
            "candidates": written,
            "usage": asdict(usage),
        }
