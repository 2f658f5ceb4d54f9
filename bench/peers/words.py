"""BM25 (bm25s, Lucene's variant) over our passages, on words, pairs, or characters and pairs."""

import itertools
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from heapq import nlargest

import bm25s
import jieba
import numpy as np
from numpy.typing import NDArray

from bench.peers.base import Searcher
from retrieval.chunk import chunk_chapter
from retrieval.types import ChapterText, Character, Passage

Tokenize = Callable[[str], list[str]]
BEST_PASSAGES = 3

jieba.setLogLevel(logging.WARNING)


def words(text: str) -> list[str]:
    """jieba's words, punctuation and white space left out."""
    return [word for word in jieba.lcut(text) if any(c.isalnum() for c in word)]


def bigrams(text: str) -> list[str]:
    """Pairs of neighbouring letters; no pair crosses what is not a letter."""
    return [a + b for a, b in itertools.pairwise(text) if a.isalnum() and b.isalnum()]


def characters_and_bigrams(text: str) -> list[str]:
    return [c for c in text if c.isalnum()] + bigrams(text)


class Words(Searcher):
    """BM25 over passages of about 400 characters, the same that ours are."""

    def __init__(self, chapters: Sequence[ChapterText], tokenize: Tokenize) -> None:
        self._tokenize = tokenize
        self._passages = [p for chapter in chapters for p in chunk_chapter(chapter)]
        self._index = bm25s.BM25()
        self._index.index([tokenize(p.text) for p in self._passages], show_progress=False)

    def passages(self, query: str, k: int) -> list[Passage]:
        scores = self._scores(query)
        return [
            self._passages[row] for row in np.argsort(-scores, kind="stable")[:k] if scores[row] > 0
        ]

    def _scores(self, query: str) -> NDArray[np.float32]:
        tokens = self._tokenize(query)
        if not tokens:
            return np.zeros(len(self._passages), dtype=np.float32)
        return np.asarray(self._index.get_scores(tokens), dtype=np.float32)


class ThreeBest(Words):
    """A chapter is worth what its three best passages are worth together."""

    def chapters(self, query: str) -> list[int]:
        scores = self._scores(query)
        of: dict[int, list[float]] = defaultdict(list)
        for row in np.flatnonzero(scores > 0):
            of[self._passages[row].chapter].append(float(scores[row]))
        worth = {chapter: sum(nlargest(BEST_PASSAGES, best)) for chapter, best in of.items()}
        return sorted(worth, key=lambda chapter: (-worth[chapter], chapter))


def on_words(chapters: Sequence[ChapterText], _cast: Sequence[Character]) -> Searcher:
    return Words(chapters, words)


def on_bigrams(chapters: Sequence[ChapterText], _cast: Sequence[Character]) -> Searcher:
    return Words(chapters, bigrams)


def on_characters(chapters: Sequence[ChapterText], _cast: Sequence[Character]) -> Searcher:
    return ThreeBest(chapters, characters_and_bigrams)
