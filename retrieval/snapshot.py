"""One immutable state of a work's index: its chapters, and the segments their passages lie in.

Rows are numbered in story order across the segments, so that "what is known at this point"
is decided once, for all kinds of search, before any of them begins. FAISS may not be
searched while it is being written; a state never is, so any number of threads search it
while the next one is made.

Knows nothing of files' layout, chapters' texts or models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from retrieval import visibility
from retrieval.embed import Vectors
from retrieval.errors import WrongDimension
from retrieval.lexical import LexicalIndex, LexicalPart
from retrieval.part_rows import PartRows
from retrieval.passage_columns import StoredPassages, Stretch
from retrieval.segment import Segment
from retrieval.tokens import Ints
from retrieval.types import Passage
from retrieval.visibility import Exclude, When

Rows = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Maker:
    """The model that made the vectors; `source` is where it can be loaded from again."""

    name: str
    fingerprint: str
    dimension: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class ChapterMark:
    """Which chapter, in which state, a snapshot was made from, and where its passages lie."""

    id: str
    order: int
    title: str
    digest: str
    """SHA-256 of the text."""
    segment: str
    """Name of the segment; empty where the chapter has no passages."""
    first: int
    """Its first row there."""
    passages: int


@dataclass(frozen=True, slots=True)
class Part:
    """A segment, and the work's row that each of its rows is; -1 for what is gone."""

    segment: Segment
    rows: Rows

    @property
    def alive(self) -> int:
        return int(np.count_nonzero(self.rows >= 0))


class Snapshot:
    """Every segment named by a mark is in `segments`; `maker` is None while nothing has
    vectors. A segment without vectors is found by words alone."""

    def __init__(
        self,
        marks: Sequence[ChapterMark] = (),
        segments: Mapping[str, Segment] | None = None,
        maker: Maker | None = None,
    ) -> None:
        self.marks = tuple(marks)
        self.segments = dict(segments or {})
        self.maker = maker

    @cached_property
    def passages(self) -> StoredPassages:
        """In story order."""
        return StoredPassages(
            [
                Stretch(
                    m.id, m.order, m.title, self.segments[m.segment].columns, m.first, m.passages
                )
                for m in self.marks
                if m.passages
            ]
        )

    @cached_property
    def starts(self) -> Ints:
        """The first row of each chapter that has passages, then the number of passages."""
        return np.asarray(self.passages.begins, dtype=np.int64)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        rows = {
            name: np.full(len(segment), -1, dtype=np.int32)
            for name, segment in self.segments.items()
        }
        row = 0
        for mark in self.marks:
            if mark.passages:
                end = row + mark.passages
                rows[mark.segment][mark.first : mark.first + mark.passages] = np.arange(row, end)
                row = end
        return tuple(Part(segment, rows[name]) for name, segment in self.segments.items())

    @cached_property
    def _part_rows(self) -> list[PartRows]:
        return [PartRows(part.rows) for part in self.parts]

    @cached_property
    def _places(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """For each row, [n], the number of its part and its row there."""
        number = np.zeros(len(self.passages), dtype=np.int32)
        local = np.zeros(len(self.passages), dtype=np.int32)
        for at, part in enumerate(self.parts):
            alive = np.flatnonzero(part.rows >= 0)
            number[part.rows[alive]] = at
            local[part.rows[alive]] = alive
        return number, local

    @cached_property
    def lexical(self) -> LexicalIndex:
        """The same passages, searched by words."""
        parts = [LexicalPart(part.segment.postings, part.rows) for part in self.parts]
        return LexicalIndex(self.passages, parts)

    @property
    def without_vectors(self) -> int:
        """Passages that only words find."""
        return sum(part.alive for part in self.parts if part.segment.vectors is None)

    @property
    def bytes(self) -> int:
        """Of the files it maps and of what it keeps beside them."""
        return sum(s.bytes for s in self.segments.values()) + 8 * len(self.passages)

    @property
    def vectors(self) -> Vectors:
        """A copy in story order, [n, dimension]; zeros where there are none yet."""
        dimension = self.maker.dimension if self.maker else 0
        made = np.zeros((len(self.passages), dimension), dtype=np.float32)
        for part in self.parts:
            if part.segment.vectors is not None:
                alive = np.flatnonzero(part.rows >= 0)
                made[part.rows[alive]] = part.segment.vectors.vectors(alive)
        return made

    def nearest(
        self,
        vector: Sequence[float] | Vectors,
        k: int,
        before: When = None,
        exclude: Exclude = (),
    ) -> list[tuple[Passage, float]]:
        """The k passages of greatest cosine with `vector` among those that may be seen.

        Best first; fewer than k where fewer have a vector and are visible. Raises
        WrongDimension.
        """
        mask = visibility.mask(self.passages, before, exclude)
        return [(self.passages[row], score) for row, score in self.nearest_rows(vector, k, mask)]

    def nearest_rows(
        self, vector: Sequence[float] | Vectors, k: int, mask: visibility.Mask
    ) -> list[tuple[int, float]]:
        """The same as row numbers, of those that `mask`, [n], lets through."""
        query = self._unit(vector)
        if k <= 0 or not query.any() or not len(self.passages):
            return []
        found = [
            (own.rows[rows], scores)
            for part, own in zip(self.parts, self._part_rows, strict=True)
            if part.segment.vectors is not None
            for rows, scores in [part.segment.vectors.search(query, k, own.seen(mask))]
        ]
        if not found:
            return []
        rows, scores = (np.concatenate(column) for column in zip(*found, strict=True))
        best = np.lexsort((rows, -scores))[:k]
        return list(zip(rows[best].tolist(), scores[best].tolist(), strict=True))

    def cosines(self, vectors: Vectors, rows: Ints) -> Vectors:
        """Of these rows, [r], with each of the vectors, [x, d]: [x, r]; 0 where a passage has
        no vector yet. Raises WrongDimension.
        """
        queries = np.concatenate([self._unit(vector) for vector in vectors])
        made = np.zeros((len(queries), len(rows)), dtype=np.float32)
        number, local = self._places
        for at in np.unique(number[rows]):
            kept = self.parts[at].segment.vectors
            here = np.flatnonzero(number[rows] == at)
            if kept is not None:
                made[:, here] = kept.cosines(queries, local[rows[here]].astype(np.int64))
        return made

    def _unit(self, vector: Sequence[float] | Vectors) -> Vectors:
        query = np.asarray(vector, dtype=np.float32).reshape(1, -1)
        if self.maker is None:
            return np.zeros_like(query)
        if query.shape[1] != self.maker.dimension:
            raise WrongDimension(
                f"查询向量有 {query.shape[1]} 维，索引是 {self.maker.dimension} 维；"
                "请换回建索引时的嵌入模型，或重建索引。"
            )
        norm = float(np.linalg.norm(query))
        return query / norm if norm > 0 and np.isfinite(norm) else np.zeros_like(query)
