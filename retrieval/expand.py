"""A query taken apart: its tokens, its clauses, and the other names of those it names.

Knows nothing of passages or scores.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrieval.mentions import Mentions
from retrieval.tokens import PAIR_SHIFT, Ints, letters, query_tokens
from retrieval.tokens import tokens as all_tokens
from retrieval.types import Character

Times = NDArray[np.float32]

CLAUSES = 4
"""A query has at most so many clauses: neighbours are joined until it has."""
_SHORT = 4
"""Letters below which a clause says too little to be looked for alone."""
_HALVED = 8
"""Letters from which a query without punctuation is taken in two halves."""
_STRETCH = 4
"""Letters of a stretch: a name and what it does, or a set phrase."""
_STRETCHES = 24
_LETTERS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query asks for: t distinct tokens, c clauses, s stretches."""

    text: str
    clauses: tuple[str, ...]
    """In the order of the query; one alone is the whole of it."""
    tokens: Ints
    """[t], rising: the query's own, and those of the other names of whom it names."""
    times: Times
    """[t]: how often the query itself has each."""
    clause_times: Times
    """[c, t]."""
    stretch_times: Times
    """[s, t]."""
    people: tuple[tuple[Ints, ...], ...]
    """For each person named, for each of their names, the places of its pairs in `tokens`."""

    @property
    def pairs(self) -> NDArray[np.bool_]:
        """Which tokens are pairs of characters, [t]."""
        return self.tokens >= (1 << PAIR_SHIFT)

    def only(self, kept: NDArray[np.bool_]) -> "Asked":
        """The same with these of its tokens alone, [t], and those of names."""
        kept = kept.copy()
        for person in self.people:
            for name in person:
                kept[name] = True
        place = np.cumsum(kept) - 1
        return replace(
            self,
            tokens=self.tokens[kept],
            times=self.times[kept],
            clause_times=self.clause_times[:, kept],
            stretch_times=self.stretch_times[:, kept],
            people=tuple(tuple(place[name] for name in person) for person in self.people),
        )


class Expander:
    """Takes queries apart for one cast. Thread-safe; cheap to make."""

    def __init__(self, cast: Sequence[Character] = ()) -> None:
        self._mentions = Mentions(cast)
        # One character alone is a name only among certain neighbours, which tokens have not.
        self._names = {
            person.id: [name for name in dict.fromkeys((person.name, *person.aliases)) if _pairs(name).size]
            for person in cast
        }  # fmt: skip

    def asked(self, text: str) -> Asked:
        """The query taken apart."""
        own, times = query_tokens(text)
        named = self._named(text)
        others = [pairs for person in named for pairs in person]
        tokens = np.unique(np.concatenate([own, *others])) if others else own
        clauses = _clauses(text)
        run = "".join(_LETTERS.findall(text))
        whole = np.zeros(len(tokens), dtype=np.float32)
        whole[np.searchsorted(tokens, own)] = times
        return Asked(
            text,
            tuple(text[start:end] for start, end in clauses),
            tokens,
            whole,
            _times(text, clauses, tokens),
            _times(run, _stretches(len(run)), tokens),
            tuple(tuple(np.searchsorted(tokens, name) for name in person) for person in named),
        )

    def _named(self, text: str) -> list[list[Ints]]:
        found = (one for mention in self._mentions.find(text) for one in mention.character_ids)
        return [
            [_pairs(name) for name in self._names[person]]
            for person in dict.fromkeys(found)
            if self._names[person]
        ]


def _pairs(name: str) -> Ints:
    tokens, _ = query_tokens(name)
    return tokens[tokens >= (1 << PAIR_SHIFT)]


def _times(text: str, spans: Sequence[tuple[int, int]], tokens: Ints) -> Times:
    """How often each span of the text has each token, [spans, tokens]."""
    letter = letters(text)
    found, where = all_tokens(letter)
    place = np.minimum(np.searchsorted(tokens, found), len(tokens) - 1)
    # A stretch may pair characters that a comma parts in the query.
    known = tokens[place] == found if len(tokens) else np.zeros(len(found), dtype=bool)
    found, where, place = found[known], where[known], place[known]
    last = where + (found >= (1 << PAIR_SHIFT))
    made = np.zeros((len(spans), len(tokens)), dtype=np.float32)
    for row, (start, end) in zip(made, spans, strict=True):
        np.add.at(row, place[(where >= start) & (last < end)], 1)
    return made


def _clauses(text: str) -> list[tuple[int, int]]:
    """Spans of the runs of letters, short ones joined to a neighbour; a single long run in
    two halves, and the whole text where it has no letters."""
    found = [match.span() for match in _LETTERS.finditer(text)]
    if len(found) == 1 and found[0][1] - found[0][0] >= _HALVED:
        start, end = found[0]
        middle = (start + end + 1) // 2
        return [(start, middle), (middle, end)]
    runs: list[tuple[int, int]] = []
    for start, end in found:
        if runs and min(end - start, runs[-1][1] - runs[-1][0]) < _SHORT:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    while len(runs) > CLAUSES:
        at = min(range(len(runs) - 1), key=lambda i: runs[i + 1][1] - runs[i][0])
        runs[at : at + 2] = [(runs[at][0], runs[at + 1][1])]
    return runs or [(0, len(text))]


def _stretches(length: int) -> list[tuple[int, int]]:
    """Overlapping spans of so many letters, at most _STRETCHES, evenly spread; all covered."""
    starts = range(max(length - _STRETCH, 0) + 1)
    step = -(-len(starts) // _STRETCHES)
    width = max(_STRETCH, step)
    spans = [(start, start + width) for start in starts[::step]]
    return [*spans[:-1], (spans[-1][0], length)]
