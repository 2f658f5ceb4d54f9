"""The sources of evidence that ours joins, each alone, and the plain way of joining them."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache

import faiss
import numpy as np

from bench.peers import words
from bench.peers.base import Searcher
from retrieval.chunk import chunk_chapter
from retrieval.embed import PassageEmbeddings
from retrieval.lexical import LexicalIndex
from retrieval.mentions import Mentions
from retrieval.static_model import LightEmbeddings
from retrieval.types import ChapterText, Character, Passage
from server.settings import SHIPPED_EMBEDDER

RRF_DEPTH = 100
RRF_K = 60


@cache
def shipped_model() -> PassageEmbeddings:
    """The one embedder of this run, ours and the peers'."""
    return LightEmbeddings(SHIPPED_EMBEDDER)


def _passages(chapters: Sequence[ChapterText]) -> list[Passage]:
    return [p for chapter in chapters for p in chunk_chapter(chapter)]


class Dense(Searcher):
    """Exact inner product over our passages."""

    def __init__(self, chapters: Sequence[ChapterText], model: PassageEmbeddings) -> None:
        self._passages = _passages(chapters)
        self._model = model
        vectors = model.embed_array([p.text for p in self._passages])
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)

    def passages(self, query: str, k: int) -> list[Passage]:
        vector = self._model.embed_query_array(query)[np.newaxis]
        _, rows = self._index.search(vector, min(k, len(self._passages)))
        return [self._passages[row] for row in rows[0]]


class Lexical(Searcher):
    """Our BM25 on characters and pairs."""

    def __init__(self, chapters: Sequence[ChapterText]) -> None:
        self._index = LexicalIndex(_passages(chapters))

    def passages(self, query: str, k: int) -> list[Passage]:
        return [passage for passage, _ in self._index.search(query, k)]


class Names(Searcher):
    """Passages that name whom the query names, by any of their names; the rarer the better."""

    def __init__(self, chapters: Sequence[ChapterText], cast: Sequence[Character]) -> None:
        self._mentions = Mentions(cast)
        self._passages = _passages(chapters)
        self._named = [self._who(p.text) for p in self._passages]
        self._df = Counter(who for named in self._named for who in named)

    def passages(self, query: str, k: int) -> list[Passage]:
        asked = self._who(query)
        n = len(self._passages)
        worth = {who: math.log(1 + n / self._df[who]) for who in asked if self._df[who]}
        scores = [sum(worth.get(who, 0.0) for who in asked & named) for named in self._named]
        order = sorted((row for row in range(n) if scores[row] > 0), key=lambda row: -scores[row])
        return [self._passages[row] for row in order[:k]]

    def _who(self, text: str) -> set[str]:
        return {who for mention in self._mentions.find(text) for who in mention.character_ids}


class Reciprocal(Searcher):
    """Reciprocal-rank fusion, all methods alike, k = 60 (Cormack, Clarke, Büttcher, 2009)."""

    def __init__(self, searchers: Sequence[Searcher]) -> None:
        self._searchers = searchers

    def passages(self, query: str, k: int) -> list[Passage]:
        scores: Counter[Passage] = Counter()
        for searcher in self._searchers:
            for rank, passage in enumerate(searcher.passages(query, RRF_DEPTH), start=1):
                scores[passage] += 1 / (RRF_K + rank)  # type: ignore[assignment]
        return [passage for passage, _ in scores.most_common(k)]


def dense(chapters: Sequence[ChapterText], _cast: Sequence[Character]) -> Searcher:
    return _dense(tuple(chapters))


@lru_cache(maxsize=1)
def _dense(chapters: tuple[ChapterText, ...]) -> Searcher:
    # Asked for twice in a row: alone, and as a part of the fusion.
    return Dense(chapters, shipped_model())


def lexical(chapters: Sequence[ChapterText], _cast: Sequence[Character]) -> Searcher:
    return Lexical(chapters)


def names(chapters: Sequence[ChapterText], cast: Sequence[Character]) -> Searcher:
    return Names(chapters, cast)


def reciprocal(chapters: Sequence[ChapterText], cast: Sequence[Character]) -> Searcher:
    return Reciprocal([words.on_bigrams(chapters, cast), dense(chapters, cast)])
