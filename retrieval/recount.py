"""Exact BM25 of a few passages, counted in their text rather than looked up in postings."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.tokens import PAIR_SHIFT, Ints, letters

_CODE_POINTS = 0x110000


class Recount:
    """Made once for a query, from its distinct tokens (rising, [t]) and their weights."""

    def __init__(self, tokens: Ints, weights: NDArray[np.float64]) -> None:
        self._weights = weights
        single = tokens < (1 << PAIR_SHIFT)
        first, second = tokens >> PAIR_SHIFT, tokens & ((1 << PAIR_SHIFT) - 1)
        known = np.unique(np.concatenate([tokens[single], first[~single], second[~single]]))
        self._number = np.zeros(_CODE_POINTS, dtype=np.int32)
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
        number = self._number[letters("\0".join(texts))]
        widths = np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts))
        row = np.repeat(np.arange(len(texts)), widths)[: len(number)]
        singles = self._single[number]
        pairs = self._pair[number[:-1] * self._width + number[1:]]
        token = np.concatenate([singles, pairs])
        where = np.concatenate([row, row[:-1]])
        met = token >= 0
        flat = where[met] * len(self._weights) + token[met]
        shape = len(texts), len(self._weights)
        counts = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
        counts = np.minimum(counts, 255)
        found: NDArray[np.float64] = (counts / (counts + norms[:, None])) @ self._weights
        return found
