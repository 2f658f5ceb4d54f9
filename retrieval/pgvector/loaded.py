"""Passages and postings in memory, fetched when they are first needed and kept by part.

Parts never change, so after an edit one chapter is fetched and the rest is what it was.
Blocks are what was fetched at one time; many small ones, or much that no chapter names any
more, become one again. Knows nothing of vectors.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from retrieval.errors import IndexFailure
from retrieval.lexical import LexicalIndex, LexicalPart
from retrieval.passage_columns import Columns, StoredPassages, Stretch
from retrieval.pgvector.database import VectorDatabase
from retrieval.pgvector.state import Mark, text_of
from retrieval.postings import Postings
from retrieval.types import Passage

_MOST_BLOCKS = 16
_DEAD = 0.3
"""Share of passages in memory that no chapter names, from which they are packed anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    columns: Columns
    postings: Postings

    @classmethod
    def of(cls, passages: Sequence[Passage]) -> "Block":
        return cls(Columns.of(passages), Postings.build([one.text for one in passages]))

    @property
    def bytes(self) -> int:
        held = self.postings
        columns = (held.tokens, held.df, held.starts, held.rows, held.counts, held.lengths)
        text = self.columns.spans.nbytes + self.columns.blob.nbytes
        return text + sum(column.nbytes for column in columns)


Where = tuple[Block, int]
"""A block, and the first row of a part in it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The passages of one state, in story order, and the same searched by words."""

    passages: StoredPassages
    lexical: LexicalIndex
    bytes: int


class Loader:
    """Thread-safe; shared by the states of one work."""

    def __init__(self, database: VectorDatabase) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._where: dict[int, Where] = {}

    def load(self, marks: Sequence[Mark]) -> Loaded:
        """Raises IndexFailure, also where the state is so old that its passages are gone."""
        told = [mark for mark in marks if mark.passages]
        with self._lock:
            where = {m.part: self._where[m.part] for m in told if m.part in self._where}
            new = [mark for mark in told if mark.part not in where]
            if new:
                where |= _placed(self._fetch(new))
            where = _packed(told, where)
            self._where = where
        return _loaded(told, where)

    def _fetch(self, marks: Sequence[Mark]) -> list[tuple[int, list[Passage]]]:
        parts = [mark.part for mark in marks]
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT part, start, stop, text FROM yanchi_vectors.passages"
                " WHERE part = ANY(%s) ORDER BY part, row",
                (parts,),
                binary=True,
            ).fetchall()
        found = {
            part: [Passage("", 0, "", start, stop, text_of(text)) for _, start, stop, text in some]
            for part, some in groupby(rows, key=lambda row: row[0])
        }
        if any(len(found.get(mark.part, ())) != mark.passages for mark in marks):
            raise IndexFailure("这部作品的索引刚刚更新过；请再试一次。")
        return [(part, found[part]) for part in parts]


def _placed(parts: Sequence[tuple[int, list[Passage]]]) -> dict[int, Where]:
    """One new block of these parts."""
    block = Block.of([passage for _, passages in parts for passage in passages])
    firsts = np.cumsum([0, *(len(passages) for _, passages in parts)]).tolist()
    return {part: (block, first) for (part, _), first in zip(parts, firsts, strict=False)}


def _packed(marks: Sequence[Mark], where: dict[int, Where]) -> dict[int, Where]:
    """The same in fewer blocks, where there are too many; the largest stays if it is sound."""
    blocks = {id(block): block for block, _ in where.values()}
    if not blocks:
        return where
    largest = max(blocks.values(), key=lambda block: len(block.columns))
    alive = sum(mark.passages for mark in marks)
    held = sum(len(block.columns) for block in blocks.values())
    worn = alive < (1 - _DEAD) * held
    if len(blocks) <= _MOST_BLOCKS and not worn:
        return where
    moved = [mark for mark in marks if worn or where[mark.part][0] is not largest]
    made = _placed([(mark.part, list(_passages(mark, where[mark.part]))) for mark in moved])
    return where | made


def _passages(mark: Mark, where: Where) -> Iterator[Passage]:
    block, first = where
    stretch = Stretch(mark.id, mark.order, mark.title, block.columns, first, mark.passages)
    return iter(StoredPassages([stretch]))


def _loaded(marks: Sequence[Mark], where: dict[int, Where]) -> Loaded:
    passages = StoredPassages(
        [
            Stretch(m.id, m.order, m.title, where[m.part][0].columns, where[m.part][1], m.passages)
            for m in marks
        ]
    )
    blocks = {id(block): block for block, _ in where.values()}
    rows = {key: np.full(len(block.columns), -1, np.int32) for key, block in blocks.items()}
    row = 0
    for mark in marks:
        block, first = where[mark.part]
        rows[id(block)][first : first + mark.passages] = np.arange(row, row + mark.passages)
        row += mark.passages
    parts = [LexicalPart(block.postings, rows[key]) for key, block in blocks.items()]
    return Loaded(passages, LexicalIndex(passages, parts), sum(b.bytes for b in blocks.values()))
