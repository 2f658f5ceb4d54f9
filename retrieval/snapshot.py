"""One immutable state of a work's index: its passages in story order and their vectors.

Row numbers are the ids of both, so "what is known at this point" is a range of ids and the
time cut happens inside the FAISS search. FAISS may not be searched while it is being
written; a state never is, so any number of threads search it while the next one is made.

Knows nothing of files, chapters' texts or models. Swapping the exact flat index for an
approximate or memory-mapped one touches this file and `generation.py`'s reading alone.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from retrieval import timeline
from retrieval.embed import Vectors
from retrieval.errors import WrongDimension
from retrieval.types import Passage, StoryPosition

Exclude = Callable[[Passage], bool] | Collection[int]
"""Passages not to return: those it is true of, or those in these rows."""


@dataclass(frozen=True, slots=True)
class ChapterMark:
    """Which chapter, in which state, a snapshot was made from."""

    id: str
    order: int
    title: str
    digest: str
    """SHA-256 of the text."""
    passages: int


def flat(vectors: Vectors) -> Any:
    """An exact inner-product index over [n, d] float32 vectors."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


@dataclass(frozen=True, slots=True)
class Snapshot:
    marks: tuple[ChapterMark, ...]
    passages: tuple[Passage, ...]
    index: Any
    """FAISS index over unit vectors; row i is `passages[i]`."""

    @classmethod
    def empty(cls, dimension: int) -> "Snapshot":
        return cls((), (), flat(np.empty((0, dimension), dtype=np.float32)))

    @property
    def dimension(self) -> int:
        return int(self.index.d)

    @property
    def vectors(self) -> Vectors:
        """A copy, [n, dimension]."""
        rows: Vectors = self.index.reconstruct_n(0, len(self.passages))
        return rows

    def nearest(
        self,
        vector: Sequence[float] | Vectors,
        k: int,
        before: StoryPosition | None = None,
        exclude: Exclude = (),
    ) -> list[tuple[Passage, float]]:
        """The k passages of greatest cosine with `vector` that end at or before `before`.

        Best first; fewer than k where fewer are visible. Raises WrongDimension.
        """
        query = self._unit(vector)
        limit = timeline.cut(self.passages, before)
        hidden = self.rows_of(exclude, limit)
        k = min(k, limit - len(hidden))
        if k <= 0 or not query.any():
            return []
        chosen: Any = faiss.IDSelectorRange(0, limit)
        if hidden:
            batch = faiss.IDSelectorBatch(np.array(sorted(hidden), dtype=np.int64))
            chosen = faiss.IDSelectorAnd(chosen, faiss.IDSelectorNot(batch))
        parameters = faiss.SearchParameters(sel=chosen)  # type: ignore[call-arg]
        scores, rows = self.index.search(query, k, params=parameters)
        return [
            (self.passages[row], float(score))
            for row, score in zip(rows[0], scores[0], strict=True)
            if row >= 0
        ]

    def rows_of(self, exclude: Exclude, limit: int) -> set[int]:
        """The excluded rows below `limit`."""
        if callable(exclude):
            return {row for row, found in enumerate(self.passages[:limit]) if exclude(found)}
        return {row for row in exclude if 0 <= row < limit}

    def _unit(self, vector: Sequence[float] | Vectors) -> Vectors:
        query = np.asarray(vector, dtype=np.float32).reshape(1, -1)
        if query.shape[1] != self.dimension:
            raise WrongDimension(
                f"查询向量有 {query.shape[1]} 维，索引是 {self.dimension} 维；"
                "请换回建索引时的嵌入模型，或重建索引。"
            )
        norm = float(np.linalg.norm(query))
        return query / norm if norm > 0 and np.isfinite(norm) else np.zeros_like(query)
