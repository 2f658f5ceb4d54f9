"""Recaps without a model: whole sentences of the text, chosen to cover what it keeps saying.

Budgeted maximum coverage (E. Filatova and V. Hatzivassiloglou 2004; H. Lin and J. Bilmes 2010):
the next sentence is the one that covers most of what no chosen sentence has yet, for its
length. What there is to cover are pairs of neighbouring characters, which need no dictionary:
a name or a thing that comes back weighs most, words of grammar little. Speech alone says
little without who speaks, the ends of a chapter a little more than its middle.

The statistics are the text's own, not the book's: a recap must depend on what it read alone.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, log

from retrieval.chunk import sentences
from retrieval.memory.plan import Level

VERSION = "coverage-1"
"""Changes with whatever changes the outcome, so that recaps are made anew."""

LIMITS = {Level.CHAPTER: 180, Level.VOLUME: 320}
SKELETON_A_PART, LONGEST_SKELETON = 150, 600
SHORTEST = 8
LENGTH_COST = 0.7
SPEECH = 0.4
ENDS = 0.5
ONCE = 0.05
"""What a pair weighs that stands in one sentence only; others weigh the logarithm of how many."""
HALF_GRAMMAR = 0.3

_GRAMMAR = frozenset(
    "的了是不我一人在有他这个上们来到时大地为子中你说生国着就那和要她出也得里后自以会家可下而过天去"
    "能对小多然于心学么之都好看起发当没成只如事把还用第样道想作种开她它此又与其者乃却便将且曰问云听见"
)
_OPEN, _CLOSE = "“「『", "”」』"
_PARTNER = dict(zip(_OPEN + _CLOSE, _CLOSE + _OPEN, strict=True))
_SPACE = re.compile(r"\s+")
_WIDE_SPACE = re.compile(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])")
"""White space that no Chinese sentence needs."""
_CLAUSE = "，；：,;:。！？!?…"


def limit_of(level: Level, parts: int = 1) -> int:
    """Most characters of a recap; a skeleton grows with the number of parts it tells."""
    if level is Level.BOOK:
        return min(LONGEST_SKELETON, SKELETON_A_PART * parts)
    return LIMITS[level]


def extract(level: Level, texts: Sequence[str], parts: int = 1) -> str:
    """A recap of the texts, in their order, of at most `limit_of` characters.

    `texts` is one chapter, or a part's chapter recaps, or [skeleton, part's recap] where
    `parts` are told in all: the skeleton then keeps (parts - 1) / parts of the room. Empty only
    where the texts are.
    """
    limit = limit_of(level, parts)
    if level is Level.BOOK:
        old, new = texts
        fresh = condense([new], max(limit // parts, limit - len(old)))
        return condense([old], limit - len(fresh)) + fresh
    return condense(texts, limit, ends=ENDS if level is Level.CHAPTER else 0.0)


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    source: int
    pairs: frozenset[str]
    worth: float
    """Factor for where it stands and whether it is speech."""


def condense(texts: Sequence[str], limit: int, ends: float = 0.0) -> str:
    """Whole sentences of the texts, in order, of at most `limit` characters together.

    `ends` is how much more the first and the last sentence of a text are worth than its
    middle. Several texts get like shares. All of it where that fits; where no sentence does,
    the beginning, cut at a clause.
    """
    whole = "".join(_tidy(text) for text in texts)
    if len(whole) <= limit:
        return whole
    found = [s for n, text in enumerate(texts) for s in _sentences(n, text, ends)]
    chosen = _choose(found, limit)
    told = "".join(found[n].text for n in sorted(chosen))
    return told or _beginning(whole, limit)


def _choose(found: Sequence[_Sentence], limit: int) -> list[int]:
    weight = _weights(found)
    gain = [_gain(s, s.pairs, weight) for s in found]
    covered: set[str] = set()
    used: Counter[int] = Counter()
    chosen: list[int] = []
    longest = max(limit // 2, SHORTEST)
    open_ = [n for n, s in enumerate(found) if SHORTEST <= len(s.text) <= longest and gain[n] > 0]
    room = limit
    while open_ := [n for n in open_ if len(found[n].text) <= room]:
        best, most = open_[0], -1.0
        # Gains only fall, so a sentence whose old gain is too small need not be counted again.
        for n in open_:
            share = 1 + used[found[n].source]
            if gain[n] / share <= most:
                continue
            gain[n] = _gain(found[n], found[n].pairs - covered, weight)
            if gain[n] / share > most:
                best, most = n, gain[n] / share
        if most <= 0:
            break
        chosen.append(best)
        open_.remove(best)
        covered |= found[best].pairs
        used[found[best].source] += 1
        room -= len(found[best].text)
    return chosen


def _gain(sentence: _Sentence, new: frozenset[str], weight: Mapping[str, float]) -> float:
    """What the sentence would add, for its length. fsum: the order of a set is not ours."""
    if not new:
        return 0.0
    cost: float = len(sentence.text) ** LENGTH_COST
    return fsum(weight[p] for p in new) * sentence.worth / cost


def _weights(found: Sequence[_Sentence]) -> dict[str, float]:
    stands = Counter(pair for s in found for pair in s.pairs)
    return {pair: (log(n) if n > 1 else ONCE) * _meaning(pair) for pair, n in stands.items()}


def _meaning(pair: str) -> float:
    grammar = (pair[0] in _GRAMMAR) + (pair[1] in _GRAMMAR)
    return (1.0, HALF_GRAMMAR, 0.0)[grammar]


def _sentences(source: int, text: str, ends: float) -> list[_Sentence]:
    spans = sentences(text)
    found = []
    speaking = False
    for n, (start, end) in enumerate(spans):
        said = text[start:end]
        speech = speaking or said.lstrip()[:1] in tuple(_OPEN)
        speaking = _speaks_after(said, speaking)
        edge = abs(2 * n / max(1, len(spans) - 1) - 1)
        worth = (SPEECH if speech else 1.0) * (1 + ends * edge)
        found.append(_Sentence(_tidy(said), source, _pairs(said), worth))
    return found


def _pairs(text: str) -> frozenset[str]:
    return frozenset(a + b for a, b in pairwise(text) if a.isalnum() and b.isalnum())


def _speaks_after(text: str, before: bool) -> bool:
    opened = max(text.rfind(mark) for mark in _OPEN)
    closed = max(text.rfind(mark) for mark in _CLOSE)
    return before if opened == closed else opened > closed


def _tidy(text: str) -> str:
    """One line, and a partner for the quotation mark that the sentence's neighbours took along."""
    line = _SPACE.sub(" ", _WIDE_SPACE.sub("", text.strip()))
    opened: list[str] = []
    missing = ""
    for mark in line:
        if mark in _OPEN:
            opened.append(mark)
        elif mark in _CLOSE:
            if opened and opened[-1] == _PARTNER[mark]:
                opened.pop()
            else:
                missing = _PARTNER[mark] + missing
    return missing + line + "".join(_PARTNER[mark] for mark in reversed(opened))


def _beginning(text: str, limit: int) -> str:
    cut = max(text.rfind(mark, limit // 2, limit) for mark in _CLAUSE) + 1
    return _tidy(text[: cut or limit])[:limit]
