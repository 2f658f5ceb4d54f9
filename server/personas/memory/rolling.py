"""The words of a rolling summary: a talk cut into stretches, each told upon what was told before.

Where a stretch ends depends on nothing behind it, so that a summary once made stays true while the
talk goes on, and is shared by every branch that begins with the same words. Without a model the
sentences are the talk's own (`retrieval.memory.extract`). Knows nothing of rows.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from retrieval.chunk import sentences
from retrieval.memory.extract import extract
from retrieval.memory.fresh import digest
from retrieval.memory.plan import Level

STRETCH = 1000
"""Characters after which a stretch ends with the next answer: it leaves the prompt as a whole, so
that the turns begin at the same one for a while and the engine finds the same prefix again."""
_STOPS = "。！？!?…—；;）)”’」』"


@dataclass(frozen=True, slots=True)
class Line:
    """What one of them said."""

    id: str
    """Of the message."""
    name: str
    text: str
    user: bool
    """Whether it is the user's."""


def ends(lines: Sequence[Line]) -> list[int]:
    """Where the stretches end: how many lines stand before each of their ends, ascending."""
    found: list[int] = []
    size = 0
    for n, line in enumerate(lines, 1):
        size += len(line.text)
        if size >= STRETCH and not line.user:
            found.append(n)
            size = 0
    return found


def spoken(lines: Sequence[Line]) -> str:
    """The lines as a model reads them."""
    return "\n".join(f"{line.name}：{line.text.strip()}" for line in lines)


def roll(before: str, lines: Sequence[Line], stops: Sequence[int], begin: int, end: int) -> str:
    """A summary of the first `end` lines from `before`, one of the first `begin`, by extraction.

    `stops` are the talk's `ends`. Each stretch goes in by itself, so that what is told of the
    older ones is the same however far the talk has come.
    """
    for parts, stop in enumerate(stops, 1):
        if begin < stop <= end:
            before = _added(before, _labelled(lines[begin:stop]), parts)
            begin = stop
    return before


def shown(text: str, names: Collection[str]) -> str:
    """The summary for its reader: who speaks is said where another one begins."""
    if not names:
        return text
    last = ""

    def once(found: re.Match[str]) -> str:
        nonlocal last
        said, last = found[0] == last, found[0]
        return "" if said else found[0]

    longest_first = sorted(names, key=len, reverse=True)
    return re.sub(f"(?:{'|'.join(map(re.escape, longest_first))})：", once, text)


def ground(before: str, lines: Sequence[Line]) -> str:
    """SHA-256 over the words that a summary of `before` and the lines is made from; what the
    speakers are called may change."""
    return digest("\n".join([digest(before), *(digest(line.text) for line in lines)]))


@lru_cache(maxsize=512)
def _added(before: str, stretch: str, parts: int) -> str:
    """Kept, since every answer of a long talk asks for the same stretches again."""
    if not before:
        return extract(Level.CHAPTER, [stretch])
    return extract(Level.BOOK, [before, stretch], max(parts, 2))


def _labelled(lines: Sequence[Line]) -> str:
    """Every sentence on its own with who said it, since any of them may be left out."""
    return "\n".join(
        f"{line.name}：{_ended(line.text[start:end].strip())}"
        for line in lines
        for start, end in sentences(line.text)
        if line.text[start:end].strip()
    )


def _ended(sentence: str) -> str:
    return sentence if sentence[-1] in _STOPS else f"{sentence}。"
