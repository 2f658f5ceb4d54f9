"""Passages as columns and one blob of text, made into `Passage` objects on demand.

A million passages as Python objects take three times their text and seconds to read; as
columns they are memory-mapped and cost what is touched. Knows nothing of files.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from retrieval.types import Passage

SPANS = np.dtype(
    [("start", "<i8"), ("end", "<i8"), ("at", "<i8"), ("bytes", "<i4"), ("digest", "<u8")]
)
"""Where a passage stands in its chapter and in the blob, and what its text hashes to."""


def text_digest(text: str) -> int:
    """64 bits of BLAKE2b: equal texts share a vector, others do not by any chance that counts."""
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


@dataclass(frozen=True, slots=True)
class Columns:
    """The passages of one segment, [n]; which chapter they belong to is known elsewhere."""

    spans: NDArray[np.void]
    """SPANS, [n]."""
    blob: NDArray[np.uint8]
    """Their texts in UTF-8, lone surrogates included."""

    @classmethod
    def of(cls, passages: Iterable[Passage]) -> "Columns":
        spans, texts, at = [], [], 0
        for passage in passages:
            text = passage.text.encode("utf-8", "surrogatepass")
            spans.append((passage.start, passage.end, at, len(text), text_digest(passage.text)))
            texts.append(text)
            at += len(text)
        blob = np.frombuffer(b"".join(texts), dtype=np.uint8)
        return cls(np.array(spans, dtype=SPANS), blob)

    def __len__(self) -> int:
        return len(self.spans)

    def text(self, row: int) -> str:
        _, _, at, size, _ = self.spans[row].item()
        return self.blob[at : at + size].tobytes().decode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Stretch:
    """The passages of one chapter: `count` rows of `columns` from `first` on."""

    chapter_id: str
    chapter: int
    title: str
    columns: Columns
    first: int
    count: int


class StoredPassages(Sequence[Passage]):
    """Passages in story order, each made when it is asked for."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        self._stretches = stretches
        counts = [stretch.count for stretch in stretches]
        self._begins: list[int] = np.cumsum([0, *counts]).tolist()

    @property
    def begins(self) -> Sequence[int]:
        """The first row of each stretch, then the number of rows."""
        return self._begins

    @override
    def __len__(self) -> int:
        return self._begins[-1]

    @overload
    def __getitem__(self, row: int) -> Passage: ...
    @overload
    def __getitem__(self, row: slice) -> list[Passage]: ...
    @override
    def __getitem__(self, row: int | slice) -> Passage | list[Passage]:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        if row < 0:
            row += len(self)
        if not 0 <= row < len(self):
            raise IndexError(row)
        place = bisect_right(self._begins, row) - 1
        return self._made(self._stretches[place], row - self._begins[place])

    @override
    def __iter__(self) -> Iterator[Passage]:
        for stretch in self._stretches:
            for offset in range(stretch.count):
                yield self._made(stretch, offset)

    def text(self, row: int) -> str:
        """Of one passage, without making it."""
        place = bisect_right(self._begins, row) - 1
        stretch = self._stretches[place]
        return stretch.columns.text(stretch.first + row - self._begins[place])

    def _made(self, stretch: Stretch, offset: int) -> Passage:
        row = stretch.first + offset
        span = stretch.columns.spans[row]
        return Passage(
            stretch.chapter_id, stretch.chapter, stretch.title, int(span["start"]),
            int(span["end"]), stretch.columns.text(row),
        )  # fmt: skip


def texts_of(passages: Sequence[Passage], rows: Iterable[int]) -> list[str]:
    """The texts in these rows."""
    if isinstance(passages, StoredPassages):
        return [passages.text(int(row)) for row in rows]
    return [passages[int(row)].text for row in rows]
