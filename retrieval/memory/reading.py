"""What a model is given to read: whole where it fits, in pieces where it does not.

A long text is told piece by piece and the tellings are told again (map, then reduce). Where
that would take too many requests, because the window is small or the text very long, its
sentences are condensed to what a few requests hold.
"""

from collections.abc import Sequence

from retrieval.chunk import sentences
from retrieval.memory.extract import condense
from retrieval.types import TokenCounter

MOST_PIECES = 6
MARGIN = 0.9
"""Share of the room that is filled: sentences are counted one by one, and tokens may join."""


def pieces(text: str, room: int, tokens: TokenCounter) -> list[str]:
    """The text in runs of whole sentences of at most `room` tokens, at most MOST_PIECES.

    Raises ValueError where the room is not positive.
    """
    if room <= 0:
        raise ValueError(f"room {room} must be positive")
    if tokens.count([text])[0] <= room:
        return [text]
    packed = _pack(text, int(room * MARGIN) or 1, tokens)
    if len(packed) <= MOST_PIECES:
        return packed
    whole = sum(tokens.count(packed))
    share = room * MARGIN * (MOST_PIECES - 1) / whole
    return _pack(condense([text], int(len(text) * share)), room, tokens)[:MOST_PIECES]


def _pack(text: str, room: int, tokens: TokenCounter) -> list[str]:
    parts = [text[start:end] for start, end in sentences(text)]
    packed: list[str] = []
    held = 0
    for part, size in zip(parts, tokens.count(parts), strict=True):
        for run, cost in _cut(part, size, room):
            if packed and held + cost <= room:
                packed[-1] += run
                held += cost
            else:
                packed.append(run)
                held = cost
    return packed


def _cut(part: str, size: int, room: int) -> Sequence[tuple[str, int]]:
    """A sentence longer than the room in equal runs, each with its share of the tokens."""
    if size <= room:
        return [(part, size)]
    count = -(-size // room)
    step = -(-len(part) // count)
    return [(part[n : n + step], room) for n in range(0, len(part), step)]
