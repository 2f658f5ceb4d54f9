"""Where a query's tokens stand in a few texts: counted there rather than looked up in postings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.tokens import PAIR_SHIFT, Ints, letters


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Each place where a token of a query stands in a text; three arrays of one length."""

    token: Ints
    """Which of the query's tokens."""
    text: Ints
    """In which of the texts."""
    offset: Ints
    """Where in it the token begins."""


class Recount:
    """Made once for a query, from its distinct tokens (rising, [t])."""

    def __init__(self, tokens: Ints) -> None:
        self._count = len(tokens)
        single = tokens < (1 << PAIR_SHIFT)
        first, second = tokens >> PAIR_SHIFT, tokens & ((1 << PAIR_SHIFT) - 1)
        known = np.unique(np.concatenate([tokens[single], first[~single], second[~single]]))
        # One place past the query's last letter stands for all letters beyond it.
        self._last = int(known[-1]) + 1 if len(known) else 0
        self._number = np.zeros(self._last + 1, dtype=np.int32)
        self._number[known] = np.arange(1, len(known) + 1)
        self._width = len(known) + 1
        # Which token a letter, or a pair of letters, of the query is; -1 for none.
        self._single = np.full(self._width, -1, dtype=np.int32)
        self._single[self._number[tokens[single]]] = np.flatnonzero(single)
        self._pair = np.full(self._width**2, -1, dtype=np.int32)
        at = self._number[first[~single]] * self._width + self._number[second[~single]]
        self._pair[at] = np.flatnonzero(~single)

    def find(self, texts: Sequence[str]) -> Occurrences:
        """Every occurrence of the tokens in the texts."""
        # What ends every text is no letter, so that no pair reaches into the next one.
        letter = letters("".join([text + "\0" for text in texts]))
        number = self._number.take(letter, mode="clip")
        # Only where a letter of the query stands can one of its tokens begin.
        place = np.flatnonzero(number > 0)
        first = number.take(place)
        single = self._single.take(first)
        pair = self._pair.take(first * self._width + number.take(place + 1))
        alone, paired = np.flatnonzero(single >= 0), np.flatnonzero(pair >= 0)
        token = np.concatenate([single[alone], pair[paired]])
        where = place.take(np.concatenate([alone, paired]))
        widths = np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts))
        begins = np.cumsum(widths) - widths
        text = np.repeat(np.arange(len(texts)), widths).take(where)
        return Occurrences(token, text, where - begins.take(text))

    def counts(self, texts: Sequence[str]) -> Ints:
        """How often each text has each token, [n, t]."""
        found = self.find(texts)
        shape = len(texts), self._count
        flat = found.text * shape[1] + found.token
        counts: Ints = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
        return counts
