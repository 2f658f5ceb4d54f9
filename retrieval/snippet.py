"""The part of a passage that a query is about, for windows that cannot hold all of it."""

import re
from collections.abc import Sequence
from itertools import pairwise

from retrieval.chunk import sentences
from retrieval.types import TokenCounter


def focus(text: str, query: str) -> int:
    """Where the sentence begins that shares most pairs of characters with the query, for its
    length; 0 where none does."""
    wanted = _pairs(query)
    best, best_score = 0, 0.0
    for start, end in sentences(text):
        pairs = _pairs(text[start:end])
        score = len(pairs & wanted) / (len(pairs) + 8) if pairs else 0.0
        if score > best_score:
            best, best_score = start, score
    return best


def around(text: str, place: int, room: int, tokens: TokenCounter) -> tuple[str, int]:
    """Whole sentences around the one at `place`, as many as `room` tokens hold, and their
    count; what follows joins before what precedes. ("", 0) where not even that one fits."""
    spans = sentences(text)
    sizes = tokens.count([text[start:end] for start, end in spans]) if spans else []
    here = next((n for n, (_, end) in enumerate(spans) if place < end), None)
    if here is None or sizes[here] > room:
        return "", 0
    first, last = _grown(sizes, here, room)
    piece = text[spans[first][0] : spans[last][1]].strip()
    # Tokens of the parts need not add up to those of the whole.
    while (count := tokens.count([piece])[0]) > room and first < last:
        last -= 1
        piece = text[spans[first][0] : spans[last][1]].strip()
    return (piece, count) if count <= room else ("", 0)


def _grown(sizes: Sequence[int], here: int, room: int) -> tuple[int, int]:
    first = last = here
    used = sizes[here]
    while True:
        if last + 1 < len(sizes) and used + sizes[last + 1] <= room:
            last += 1
            used += sizes[last]
        elif first > 0 and used + sizes[first - 1] <= room:
            first -= 1
            used += sizes[first]
        else:
            return first, last


def _pairs(text: str) -> set[str]:
    words = _BETWEEN.sub("", text)
    return {a + b for a, b in pairwise(words)}


_BETWEEN = re.compile(r"[\W_]+")
"""What is neither letter nor number."""
