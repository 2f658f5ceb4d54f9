"""What of a text stands word for word in other texts: the longest span, and how much in all.

Judging shows with it whether an adapter recites what it was trained on.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from retrieval.measures.letters import bare, places
from retrieval.measures.suffixes import suffix_array

LEAST = 20
"""Characters from which equal words are a copy. Chance and idiom make shorter ones; among the
tokens of N. Carlini et al., "Quantifying memorization across neural language models", 2023,
50, it is on the careful side."""

_BETWEEN = "\0"
_NOWHERE = "\ufffe"
_WINDOW = 64
"""Characters beyond what is known to agree that are compared at first."""


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` stands in the source of that number, counted from 0."""

    start: int
    end: int
    source: int


@dataclass(frozen=True, slots=True)
class Copied:
    """`longest` characters in one piece; `share` of all characters stand in copies.

    `spans` are the stretches of the text that copies of at least the least length cover, in
    order and apart; each names the source of the first copy in it. White space is not counted
    but stands inside spans.
    """

    characters: int
    longest: int
    longest_span: Span | None
    share: float
    spans: tuple[Span, ...]


class Copies:
    """An index of texts to look for copies in: a suffix array of all of them together.

    10 MB of text take some seconds to index and 14 bytes a character to keep.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        letters = [bare(source).replace(_BETWEEN, "") for source in sources]
        self._text = _BETWEEN.join(letters)
        self._starts = list(accumulate((len(one) + 1 for one in letters[:-1]), initial=0))
        order = suffix_array(self._text)
        # Indexing a memoryview gives plain integers, many times faster than an array does.
        self._order = order.astype("i" if len(order) < 2**31 else "q").data

    def __len__(self) -> int:
        """Characters in all sources, white space not counted."""
        return len(self._text) - self._text.count(_BETWEEN)

    def copied(self, text: str, least: int = LEAST) -> Copied:
        """O(n log N) comparisons for n characters in N; nothing shorter than `least` is told,
        but `longest` is exact whatever its length."""
        letters, stand = bare(text).replace(_BETWEEN, _NOWHERE), places(text)
        longest, longest_span = 0, None
        covered: list[tuple[int, int, int]] = []
        for start, length, place in self._matches(letters):
            if length > longest:
                longest = length
                longest_span = Span(
                    stand[start], stand[start + length - 1] + 1, self._source(place)
                )
            if length < least:
                continue
            end = start + length
            if covered and start <= covered[-1][1]:
                first, until, source = covered[-1]
                covered[-1] = (first, max(until, end), source)
            else:
                covered.append((start, end, self._source(place)))
        return Copied(
            characters=len(letters),
            longest=longest,
            longest_span=longest_span,
            share=sum(end - start for start, end, _ in covered) / len(letters) if letters else 0.0,
            spans=tuple(Span(stand[a], stand[b - 1] + 1, source) for a, b, source in covered),
        )

    def _matches(self, letters: str) -> Iterator[tuple[int, int, int]]:
        """(start, length, place of a source) of the longest match at each start that has one.

        A match one character further on is at most one shorter, so that all comparisons of
        characters together are O(n) ("matching statistics": W. I. Chang, E. L. Lawler, 1994).
        """
        least = 0
        for start in range(len(letters)):
            length, place = self._longest(letters, start, least)
            if length:
                yield start, length, place
            least = max(0, length - 1)

    def _longest(self, letters: str, start: int, least: int) -> tuple[int, int]:
        """(length, place) of the longest match, which has at least `least` characters."""
        text, order = self._text, self._order
        room = least + _WINDOW
        while True:
            wanted = letters[start : start + room]
            slot = bisect_left(order, wanted, key=lambda place: text[place : place + room])
            # What shares most with a string stands right before or behind its own place.
            beside = (*order[max(0, slot - 1) : slot], *order[slot : slot + 1])
            length, place = max(
                ((_shared(text, place, wanted, least), place) for place in beside), default=(0, 0)
            )
            if length < len(wanted) or len(wanted) < room:
                return length, place
            room *= 2

    def _source(self, place: int) -> int:
        return bisect_right(self._starts, place) - 1


def _shared(text: str, place: int, wanted: str, least: int) -> int:
    """How many characters agree from `place` on; 0 where fewer than `least` do."""
    if text[place : place + least] != wanted[:least]:
        return 0
    length, most = least, min(len(wanted), len(text) - place)
    while length < most and text[place + length] == wanted[length]:
        length += 1
    return length
