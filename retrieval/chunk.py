"""Chapters to passages, and texts to sentences, without losing a character.

Both are partitions: the pieces are in order, touch each other and together are the text.
Passages prefer to end with a paragraph, then a sentence, then a clause, and do not cut
through a quotation that fits into one of them. Knows nothing of embeddings or indexes.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache

from retrieval.types import ChapterText, Passage

_CLOSERS = "”’」』）)】》〉〕］]\"'"
_OPENERS = "“‘「『（(【《〈〔［["
_SENTENCE_END = "。！？!?…‥⋯"
_CLAUSE_END = "，、；：,;:—"
_PAIRS = {"“": "”", "‘": "’", "「": "」", "『": "』", "（": "）", "(": ")"}
_ENDS = {close: start for start, close in _PAIRS.items()}

_PARAGRAPH = re.compile(r"\n(?:[^\S\n]*+\n)*+")
_SENTENCE = re.compile(
    rf"(?:[{_SENTENCE_END}]++|\.{{3,}}+|(?<=[A-Za-z0-9{re.escape(_CLOSERS)}])\.++(?=[{re.escape(_CLOSERS)}]*+(?:\s|$)))"
    rf"[{re.escape(_CLOSERS)}]*+[^\S\n]*+"
)
_CLAUSE = re.compile(rf"[{_CLAUSE_END}]++[{re.escape(_CLOSERS)}]*+[^\S\n]*+")
_QUOTE = re.compile(rf"[\n\"{re.escape(''.join((*_PAIRS, *_ENDS)))}]")
_SPEECH_STARTS = "“‘「『"


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans (start, end) of the sentences, a partition of `text`; [] for the empty text.

    A sentence ends after 。！？…… or Latin .!? together with the closing quotes and brackets
    that follow, or at the end of a paragraph; the white space after it belongs to it, up to
    the last line break. Quoted speech is split like any other.
    """
    return list(_sentences(text))


@lru_cache(maxsize=64)
def _sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Kept, since making one prompt asks of the same few texts again and again."""
    breaks = _breaks_between(text, [*_sentence_ends(text), *_ends(_PARAGRAPH, text)])
    starts = [0, *breaks] if text else []
    return tuple(zip(starts, [*breaks, len(text)], strict=False))


def last_sentence_end(text: str) -> int:
    """The offset after the last finished sentence; 0 where no sentence is finished.

    White space after the sentence is not counted; a paragraph's end alone finishes nothing.
    """
    ends = _sentence_ends(text)
    return len(text[: ends[-1]].rstrip()) if ends else 0


def chunk_chapter(chapter: ChapterText, target: int = 400, maximum: int = 600) -> list[Passage]:
    """Passages of about `target` and at most `maximum` characters, a partition of the text.

    No passage is empty or blank; a blank chapter gives []. `maximum` is passed only where a
    run of white space is longer than half of it, since blank passages are worse.

    Raises ValueError unless 0 < target <= maximum.
    """
    if not 0 < target <= maximum:
        raise ValueError(f"target {target} must be positive and at most maximum {maximum}")
    if not chapter.text.strip():
        return []
    cuts = [*_Cutter(chapter.text, target, maximum).cuts()]
    return [
        Passage(chapter.id, chapter.order, chapter.title, start, end, chapter.text[start:end])
        for start, end in zip([0, *cuts], [*cuts, len(chapter.text)], strict=True)
    ]


def _ends(pattern: re.Pattern[str], text: str) -> list[int]:
    return [match.end() for match in pattern.finditer(text)]


def _sentence_ends(text: str) -> list[int]:
    """Ends of sentences; a straight quote closes one only if it closes a quotation."""
    if '"' not in text:
        return _ends(_SENTENCE, text)
    opening = _straight_openings(text)
    ends: list[int] = []
    for match in _SENTENCE.finditer(text):
        quote = match[0].find('"') + match.start()
        ends.append(quote if quote in opening else match.end())
    return ends


def _straight_openings(text: str) -> frozenset[int]:
    """Every other straight quote of a paragraph opens."""
    openings: set[int] = set()
    is_open = False
    for match in re.finditer(r'["\n]', text):
        if match[0] == "\n":
            is_open = False
            continue
        if not is_open:
            openings.add(match.start())
        is_open = not is_open
    return frozenset(openings)


def _breaks_between(text: str, positions: Sequence[int]) -> list[int]:
    """The positions, in order, with text before the first, between any two and after the last."""
    kept: list[int] = []
    stop = len(text.rstrip())
    for position in sorted(set(positions)):
        if 0 < position < stop and text[kept[-1] if kept else 0 : position].strip():
            kept.append(position)
    return kept


class _Cutter:
    """Chooses where the passages of one text end."""

    def __init__(self, text: str, target: int, maximum: int) -> None:
        self.text, self.target, self.maximum = text, target, maximum
        self.stop = len(text.rstrip())
        self.quotes = _quotations(text, maximum)
        self.quote_starts = [start for start, _ in self.quotes]
        whole = [p for p in _sentence_ends(text) if self._allowed(p)]
        clauses = [p for p in _ends(_CLAUSE, text) if self._allowed(p)]
        paragraphs = [p for p in _ends(_PARAGRAPH, text) if self._allowed(p)]
        before_speech = [p for p in self.quote_starts if self._allowed(p)]
        self.levels = (
            paragraphs,
            [p for p in whole if not self._mid_sentence(p)],
            [p for p in whole if self._mid_sentence(p)],
            sorted({*clauses, *(p for p in before_speech if text[p] in _SPEECH_STARTS)}),
        )

    def cuts(self) -> Iterator[int]:
        start = 0
        while len(self.text) - start > self.maximum:
            start = self._next(start)
            if start >= self.stop:
                return
            yield start

    def _next(self, start: int) -> int:
        """The best end for the passage that starts here."""
        first = self._first_filled(start) + 1
        rest = len(self.text) - start
        aim = self.target if rest > self.maximum + self.target // 2 else rest // 2
        last = start + self.maximum
        paragraphs, whole, speeches, clauses = self.levels
        near = max(first, start + self.target // 2)
        for positions, lowest in (
            (paragraphs, near), (whole, near), (speeches, near), (paragraphs, first),
            (whole, first), (speeches, first), (clauses, near), (clauses, first),
        ):  # fmt: skip
            best = _nearest(positions, lowest, last, start + aim)
            if best is not None:
                return best
        return self._anywhere(first, last, start + aim)

    def _anywhere(self, first: int, last: int, wish: int) -> int:
        """A cut in text without punctuation: between words, then characters, then code points."""
        reach = sorted(range(first, last + 1), key=lambda p: abs(p - wish))
        for fits in (self._clean, self._whole_character, self._filled):
            best = next((p for p in reach if fits(p)), None)
            if best is not None:
                return best
        following = self._first_filled(max(first, last))
        return following if following < self.stop else len(self.text)

    def _filled(self, position: int) -> bool:
        """Whether a passage may start here with a character that is not white space."""
        return position < self.stop and not self.text[position].isspace()

    def _whole_character(self, position: int) -> bool:
        return self._filled(position) and not _splits_character(self.text, position)

    def _clean(self, position: int) -> bool:
        if not self._whole_character(position) or self._quoted(position):
            return False
        before, after = self.text[position - 1], self.text[position]
        if before in _OPENERS or after in _CLOSERS + _SENTENCE_END + _CLAUSE_END:
            return False
        return not (_latin(before) and _latin(after))

    def _allowed(self, position: int) -> bool:
        return (
            0 < position < self.stop
            and self.text[position] not in _ENDS  # a stray quote that opens a line
            and not self._quoted(position)
            and not _splits_character(self.text, position)
        )

    def _quoted(self, position: int) -> bool:
        """Whether the position is inside a quotation that fits into a passage."""
        place = bisect_left(self.quote_starts, position) - 1
        return place >= 0 and position < self.quotes[place][1]

    def _mid_sentence(self, position: int) -> bool:
        """“来了！”他说: the speech is over, its sentence is not. Also 他问……”，then."""
        before = self.text[position - 1]
        return before in "”’」』\"'" and not self.text[position].isspace()

    def _first_filled(self, position: int) -> int:
        match = _FILLED.search(self.text, position)
        return match.start() if match else len(self.text)


_FILLED = re.compile(r"\S")


def _nearest(positions: Sequence[int], first: int, last: int, wish: int) -> int | None:
    """The position in [first, last] that is closest to `wish`; the later of two."""
    low, high = bisect_left(positions, first), bisect_right(positions, last)
    if low >= high:
        return None
    place = bisect_left(positions, wish, low, high)
    around = positions[max(low, place - 1) : min(high, place + 1)]
    return min(around, key=lambda p: (abs(p - wish), -p))


def _latin(character: str) -> bool:
    return character < "\u2e80" and character.isalnum()


def _splits_character(text: str, position: int) -> bool:
    """Whether a cut here parts a base from its marks, an emoji sequence, a surrogate pair.

    A short cut through UAX #29: marks, joiners, modifiers and selectors stay with what is
    before them, a pair of regional indicators together.
    """
    before, after = text[position - 1], text[position]
    if after < "\u0300" and before < "\u0300":
        return before == "\r" and after == "\n"
    if "\u3400" <= after <= "\u9fff":
        return before == "\u200d"
    if after in "\u200d\ufe0f" or before == "\u200d" or unicodedata.category(after)[0] == "M":
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return True
    if "\udc00" <= after <= "\udfff" and "\ud800" <= before <= "\udbff":
        return True
    return _flags_before(text, position) % 2 == 1 and "\U0001f1e6" <= after <= "\U0001f1ff"


def _flags_before(text: str, position: int) -> int:
    """Regional indicators right before the position; an odd one waits for its partner."""
    start = position
    while start and position - start < 64 and "\U0001f1e6" <= text[start - 1] <= "\U0001f1ff":
        start -= 1
    return position - start


def _quotations(text: str, longest: int) -> list[tuple[int, int]]:
    """The outermost balanced quotations of at most `longest` characters, in order.

    Quotes are matched inside one paragraph only, so that a forgotten one spoils no more than
    that: an opening quote without its partner is no quotation.
    """
    pairs: list[tuple[int, int]] = []
    opened: list[tuple[str, int]] = []
    for match in _QUOTE.finditer(text):
        mark, position = match[0], match.start()
        if mark == "\n":
            opened.clear()
        elif mark in _PAIRS:
            opened.append((mark, position))
        else:
            start = _partner(opened, _ENDS.get(mark, mark))
            if start is not None:
                pairs.append((start, position + 1))
            elif mark == '"':
                opened.append((mark, position))
    return _outermost([(s, e) for s, e in pairs if e - s <= longest])


def _partner(opened: list[tuple[str, int]], mark: str) -> int | None:
    """Close the latest quote of this kind and forget those opened inside it."""
    for place in range(len(opened) - 1, max(-1, len(opened) - 17), -1):
        if opened[place][0] == mark:
            start = opened[place][1]
            del opened[place:]
            return start
    return None


def _outermost(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    for start, end in sorted(pairs, key=lambda pair: (pair[0], -pair[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept
