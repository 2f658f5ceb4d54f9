"""A query taken apart: its tokens, its clauses, and the other names of those it names.

Knows nothing of passages or scores.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from retrieval.mentions import Mentions
from retrieval.tokens import PAIR_SHIFT, Ints, query_tokens
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
        whole = np.zeros(len(tokens), dtype=np.float32)
        whole[np.searchsorted(tokens, own)] = times
        return Asked(
            text,
            clauses,
            tokens,
            whole,
            _times(clauses, tokens),
            _times(_stretches(text), tokens),
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


def _times(parts: Sequence[str], tokens: Ints) -> Times:
    """How often each part has each token, [parts, tokens]."""
    made = np.zeros((len(parts), len(tokens)), dtype=np.float32)
    for row, part in zip(made, parts, strict=True):
        own, times = query_tokens(part)
        # A stretch may pair characters that a comma parts in the query.
        known = np.isin(own, tokens)
        row[np.searchsorted(tokens, own[known])] = times[known]
    return made


def _clauses(text: str) -> tuple[str, ...]:
    """Runs of letters, short ones joined to a neighbour; a single long run in two halves."""
    runs: list[str] = []
    for run in _LETTERS.findall(text):
        if runs and min(len(run), len(runs[-1])) < _SHORT:
            runs[-1] += f" {run}"
        else:
            runs.append(run)
    if len(runs) == 1 and len(runs[0]) >= _HALVED:
        middle = (len(runs[0]) + 1) // 2
        return runs[0][:middle], runs[0][middle:]
    while len(runs) > CLAUSES:
        at = min(range(len(runs) - 1), key=lambda i: len(runs[i]) + len(runs[i + 1]))
        runs[at : at + 2] = [f"{runs[at]} {runs[at + 1]}"]
    return tuple(runs) or (text,)


def _stretches(text: str) -> list[str]:
    """Overlapping stretches of letters over the query, at most _STRETCHES, evenly spread."""
    letters = "".join(_LETTERS.findall(text))
    starts = range(max(len(letters) - _STRETCH, 0) + 1)
    if len(starts) > _STRETCHES:
        starts = range(0, len(starts), -(-len(starts) // _STRETCHES))
    ends = [start + _STRETCH for start in starts]
    if len(starts) > 1 and starts.step > _STRETCH:
        ends = [*(after for _, after in pairwise(starts)), len(letters)]
    return [letters[start:end] for start, end in zip(starts, ends, strict=True)]
