"""Exact BM25 of a few passages, counted in their text rather than looked up in postings."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.tokens import PAIR_SHIFT, Ints, letters


class Recount:
    """Made once for a query, from its distinct tokens (rising, [t]) and their weights."""

    def __init__(self, tokens: Ints, weights: NDArray[np.float64]) -> None:
        self._weights = weights
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

    def scores(self, texts: Sequence[str], norms: NDArray[np.float32]) -> NDArray[np.float64]:
        """BM25 of each text, given what its length contributes to the denominator, [n]."""
        if not texts or not len(self._weights):
            return np.zeros(len(texts))
        number = self._number[np.minimum(letters("\0".join(texts)), self._last)]
        # Only where a letter of the query stands can one of its tokens begin.
        place = np.flatnonzero(number)
        first = number[place]
        after = number[np.minimum(place + 1, len(number) - 1)]
        after[place == len(number) - 1] = 0
        ends = np.cumsum(np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts)))
        row = np.searchsorted(ends, place, side="right")
        token = np.concatenate([self._single[first], self._pair[first * self._width + after]])
        row = np.concatenate([row, row])
        met = token >= 0
        shape = len(texts), len(self._weights)
        flat = row[met] * shape[1] + token[met]
        counts = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
        counts = np.minimum(counts, 255).astype(np.float32)
        found: NDArray[np.float64] = (counts / (counts + norms[:, None])) @ self._weights
        return found
