"""A model, a splitter and books that are small enough to see through."""

from collections.abc import Sequence
from itertools import pairwise
from zlib import crc32

import numpy as np

from retrieval.embed import QUERY_CHARACTERS, PassageEmbeddings, Vectors
from retrieval.types import ChapterText, Passage


class BigramEmbeddings(PassageEmbeddings):
    """Hashed pairs of characters: deterministic, and alike for texts that share words."""

    def __init__(self, dimension: int = 64, fingerprint: str = "bigrams") -> None:
        self._dimension = dimension
        self._fingerprint = fingerprint
        self.embedded: list[str] = []
        """Every passage's text that was asked for, in order."""

    @property
    def name(self) -> str:
        return "bigram-hash"

    @property
    def fingerprint(self) -> str:
        return f"{self._fingerprint}-{self._dimension}"

    @property
    def dimension(self) -> int:
        return self._dimension

    def embed_array(self, texts: Sequence[str]) -> Vectors:
        self.embedded.extend(texts)
        rows = [self._vector(text) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(-1, self._dimension)

    def embed_query_array(self, text: str) -> Vectors:
        return self._vector(text[-QUERY_CHARACTERS:])

    def _vector(self, text: str) -> Vectors:
        vector = np.zeros(self._dimension, dtype=np.float32)
        for first, second in pairwise(text):
            vector[crc32((first + second).encode()) % self._dimension] += 1
        return vector / max(float(np.linalg.norm(vector)), 1e-9)


def split_sentences(chapter: ChapterText) -> list[Passage]:
    """A passage for each sentence; lossless."""
    passages, start = [], 0
    for end in range(1, len(chapter.text) + 1):
        if chapter.text[end - 1] == "。" or end == len(chapter.text):
            text = chapter.text[start:end]
            passages.append(Passage(chapter.id, chapter.order, chapter.title, start, end, text))
            start = end
    return passages


def book(*texts: str) -> list[ChapterText]:
    return [
        ChapterText(f"c{order}", order, f"第{order + 1}章", text)
        for order, text in enumerate(texts)
    ]
