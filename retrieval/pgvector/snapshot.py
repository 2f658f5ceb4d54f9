"""One immutable state of a work, searched in the database.

What may be seen is decided by `visibility` from the passages in memory, and handed to the
query as whole parts and the passages to leave out of those that are seen in part, so the
filter works inside the search. Parts never change: a row that this state does not know
cannot come back, whatever others write meanwhile.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from retrieval import visibility
from retrieval.embed import Vectors
from retrieval.errors import WrongDimension
from retrieval.lexical import LexicalIndex
from retrieval.passage_columns import StoredPassages
from retrieval.pgvector.database import Connection, VectorDatabase
from retrieval.pgvector.loaded import Loaded, Loader
from retrieval.pgvector.search import Seen, exact, through_graph
from retrieval.pgvector.state import Mark, State
from retrieval.pgvector.vectors import Place, literal, read
from retrieval.snapshot import Maker
from retrieval.tokens import Ints
from retrieval.types import Passage
from retrieval.visibility import Exclude, When


class PgSnapshot:
    """Answers what `retrieval.snapshot.Snapshot` does; its passages are loaded when asked for."""

    def __init__(
        self, state: State, database: VectorDatabase, loader: Loader, exact_rows: int
    ) -> None:
        """Up to `exact_rows` visible passages are searched exactly."""
        self.state = state
        self._database = database
        self._loader = loader
        self._exact_rows = exact_rows

    @property
    def marks(self) -> Sequence[Mark]:
        return self.state.marks

    @property
    def maker(self) -> Maker | None:
        """The model whose vectors these are; None while there are none."""
        return self.state.space.maker if self.state.space else None

    @cached_property
    def _loaded(self) -> Loaded:
        return self._loader.load(self.marks)

    @property
    def passages(self) -> StoredPassages:
        """In story order. Raises IndexFailure, as everything does that needs them."""
        return self._loaded.passages

    @cached_property
    def starts(self) -> Ints:
        """The first row of each chapter that has passages, then the number of passages."""
        return np.asarray(self.passages.begins, dtype=np.int64)

    @property
    def lexical(self) -> LexicalIndex:
        """The same passages, searched by words."""
        return self._loaded.lexical

    @property
    def count(self) -> int:
        """Of the passages, without loading them."""
        return sum(mark.passages for mark in self.marks)

    @property
    def without_vectors(self) -> int:
        """Passages that only words find."""
        return sum(mark.passages for mark in self.marks if not mark.searchable)

    @property
    def bytes(self) -> int:
        """What it holds in this process; vectors stay in the database."""
        return self._loaded.bytes if "_loaded" in self.__dict__ else 0

    @property
    def vectors(self) -> Vectors:
        """A copy in story order, [n, dimension]; zeros where there are none yet."""
        made = np.zeros((self.count, self.maker.dimension if self.maker else 0), dtype=np.float32)
        if self.state.space is None:
            return made
        parts = self._searchable[0].tolist()
        with self._database.connection() as connection:
            found = connection.execute(
                "SELECT part, row, vector FROM yanchi_vectors.embeddings"
                " WHERE space = %s AND part = ANY(%s)",
                (self.state.space.id, parts),
                binary=True,
            )
            for part, row, data in found:
                made[self._begins[part] + row] = read(data)
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
        WrongDimension, IndexFailure.
        """
        mask = visibility.mask(self.passages, before, exclude)
        return [(self.passages[row], score) for row, score in self.nearest_rows(vector, k, mask)]

    def nearest_rows(
        self, vector: Sequence[float] | Vectors, k: int, mask: visibility.Mask
    ) -> list[tuple[int, float]]:
        """The same as row numbers, of those that `mask`, [n], lets through."""
        query = self._unit(vector)
        if k <= 0 or not query.any() or not self.count:
            return []
        seen = self._seen(mask)
        if not seen.count:
            return []
        with self._database.connection() as connection:
            found = self._search(connection, literal(query), min(k, seen.count), seen)
        rows = sorted((-score, self._row(place)) for place, score in found)
        return [(row, -score) for score, row in rows]

    def cosines(self, vectors: Vectors, rows: Ints) -> Vectors:
        """Of these rows, [r], with each of the vectors, [x, d]: [x, r]; 0 where a passage has
        no vector yet. Raises WrongDimension, IndexFailure.
        """
        queries = [self._unit(vector) for vector in vectors]
        made = np.zeros((len(queries), len(rows)), dtype=np.float32)
        if self.state.space is None or not len(rows):
            return made
        places = [self._place(int(row)) for row in rows]
        columns = ", ".join(["-(e.vector <#> %s::halfvec)"] * len(queries))
        with self._database.connection() as connection:
            found = connection.execute(
                f"SELECT wanted.at, {columns}"
                " FROM unnest(%s::bigint[], %s::integer[]) WITH ORDINALITY AS wanted (part, row, at)"
                " JOIN yanchi_vectors.embeddings e USING (part, row)"
                " WHERE e.space = %s AND e.part = ANY(%s)",
                (
                    *(literal(query) for query in queries),
                    [part for part, _ in places],
                    [row for _, row in places],
                    self.state.space.id,
                    self._searchable[0].tolist(),
                ),
            )
            for at, *cosines in found:
                made[:, at - 1] = cosines
        return made

    def _search(
        self, connection: Connection, query: str, k: int, seen: Seen
    ) -> list[tuple[Place, float]]:
        space = self.state.space
        assert space is not None
        if space.beam is not None and seen.count > self._exact_rows:
            found = through_graph(connection, space, query, k, seen)
            if len(found) == k:
                return found
        return exact(connection, space, query, k, seen)

    def _seen(self, mask: visibility.Mask) -> Seen:
        """The mask as parts, and what to leave out of them; only what has vectors."""
        parts, begins, sizes = self._searchable
        if not len(parts):
            return Seen((), (), 0)
        before = np.concatenate([[0], np.cumsum(mask)])
        visible = before[begins + sizes] - before[begins]
        out = []
        for place in np.flatnonzero((visible > 0) & (visible < sizes)):
            rows = np.flatnonzero(~mask[begins[place] : begins[place] + sizes[place]])
            out += [(int(parts[place]), int(row)) for row in rows]
        count = int(visible.sum())
        return Seen(parts[visible > 0].tolist(), out, count, count / int(sizes.sum()))

    @cached_property
    def _searchable(self) -> tuple[Ints, Ints, Ints]:
        """The parts that have vectors, where each begins in story order, and its size."""
        told = [m for m in self.marks if m.searchable and m.passages]
        begins = [self._begins[m.part] for m in told]
        columns = [m.part for m in told], begins, [m.passages for m in told]
        parts, begin, size = (np.array(column, dtype=np.int64) for column in columns)
        return parts, begin, size

    @cached_property
    def _begins(self) -> dict[int, int]:
        """The first row of each part."""
        begins = np.cumsum([0, *(mark.passages for mark in self.marks)]).tolist()
        return {m.part: begin for m, begin in zip(self.marks, begins, strict=False)}

    def _row(self, place: Place) -> int:
        return self._begins[place[0]] + place[1]

    @cached_property
    def _ends(self) -> Sequence[int]:
        ends: list[int] = np.cumsum([mark.passages for mark in self.marks]).tolist()
        return ends

    def _place(self, row: int) -> Place:
        mark = self.marks[int(np.searchsorted(self._ends, row, side="right"))]
        return mark.part, row - self._begins[mark.part]

    def _unit(self, vector: Sequence[float] | Vectors) -> Vectors:
        query = np.asarray(vector, dtype=np.float32).ravel()
        if self.maker is None:
            return np.zeros_like(query)
        if len(query) != self.maker.dimension:
            raise WrongDimension(
                f"查询向量有 {len(query)} 维，索引是 {self.maker.dimension} 维；"
                "请换回建索引时的嵌入模型，或重建索引。"
            )
        norm = float(np.linalg.norm(query))
        return query / norm if norm > 0 and np.isfinite(norm) else np.zeros_like(query)
