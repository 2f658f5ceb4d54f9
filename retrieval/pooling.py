"""Scores of passages to scores of their neighbourhoods and chapters.

Rows are passages in story order; a chapter's rows stand together. Arrays are [x, r] for x
kinds of score over r rows, [x, m] over m chapters. Knows nothing of what the scores mean.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.counts import Floats
from retrieval.tokens import Ints


class Chapters:
    """Which rows make which chapter."""

    def __init__(self, chapter: Ints) -> None:
        """`chapter`, [r]: a number for each row, equal within a chapter."""
        self.starts = np.flatnonzero(np.diff(chapter, prepend=-1))
        """[m]: the row at which each chapter begins."""
        self._sizes = np.diff(self.starts, append=len(chapter))
        self.of = np.repeat(np.arange(len(self.starts)), self._sizes)
        """[r]: which of the m chapters each row belongs to."""
        self._within = np.arange(len(self.of)) - self.starts[self.of]
        self._same = (self.of[1:] == self.of[:-1]).astype(np.float32)

    def sum(self, scores: NDArray[Any]) -> Floats:
        """[r] → [m]."""
        return single(np.add.reduceat(scores, self.starts))

    def highest(self, scores: NDArray[Any]) -> Floats:
        """The best row of each chapter, [x, r] → [x, m]."""
        return single(np.maximum.reduceat(scores, self.starts, axis=1))

    def best(self, scores: NDArray[Any], k: int = 3) -> Floats:
        """Sum of each chapter's k best rows, [x, r] → [x, m].

        A chapter of fewer rows counts its worst again, not as nothing.
        """
        table = self._table(scores, k)
        return single(np.partition(table, -k, axis=2)[:, :, -k:].sum(axis=2))

    def beside(self, scores: NDArray[Any]) -> Floats:
        """The better of a row's two neighbours in its chapter, 0 for none; [x, r]."""
        return single(np.maximum(*self._shifted(scores)))

    def with_neighbours(self, scores: NDArray[Any], share: float) -> Floats:
        """Each row with a share of its neighbours in its chapter; [x, r]."""
        before, after = self._shifted(scores)
        return single(scores + share * (before + after))

    def in_order(self, scores: NDArray[Any], slope: float) -> Floats:
        """Best rows of x parts that are told one after the other, [x, r] → [m].

        A row counts more the nearer it stands to where its part is due: the first early in
        a chapter, the last late. Between a chapter's ends lies `slope` for those two.
        """
        place = (self._within + 0.5) / self._sizes[self.of] - 0.5
        due = (np.arange(len(scores)) + 0.5) / len(scores) - 0.5
        return single(self.best(scores + 2 * slope * due[:, None] * place).sum(axis=0))

    def in_turn(self, scores: NDArray[Any]) -> Floats:
        """The best row for each of x parts, none before that of the part before it; summed,
        [x, r] → [m]."""
        table = self._table(scores)
        reached = np.zeros(table.shape[1:], dtype=np.float32)
        for part in table:
            reached = np.maximum.accumulate(part + reached, axis=1)
        return single(reached[:, -1])

    def _table(self, scores: NDArray[Any], least: int = 1) -> Floats:
        """[x, m, rows of the longest chapter, or `least`]: shorter ones end with their worst."""
        lowest = np.minimum.reduceat(scores, self.starts, axis=1)
        table = np.repeat(lowest[:, :, None], max(int(self._sizes.max()), least), axis=2)
        table[:, self.of, self._within] = scores
        return single(table)

    def _shifted(self, scores: NDArray[Any]) -> tuple[Floats, Floats]:
        before, after = np.zeros((2, *scores.shape), dtype=np.float32)
        before[:, 1:] = scores[:, :-1] * self._same
        after[:, :-1] = scores[:, 1:] * self._same
        return before, after


def standardised(scores: NDArray[Any]) -> Floats:
    """Mean 0 and deviation 1 along the last axis; zeros where all are equal."""
    centred = scores - scores.mean(axis=-1, keepdims=True)
    width = centred.std(axis=-1, keepdims=True)
    return single(np.where(width > 1e-6, centred / np.maximum(width, 1e-6), 0.0))


def single(values: NDArray[Any]) -> Floats:
    """In single precision, copied only where it is not yet."""
    return values.astype(np.float32, copy=False)
