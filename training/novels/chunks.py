"""A book as chunks of about 800 characters on sentence ends, each known by where it stands.

The chunks of a chapter are a partition of its text: joined they are the text.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby, pairwise
from pathlib import Path

from retrieval.book import Book
from retrieval.chunk import chunk_chapter
from retrieval.types import ChapterText
from training.errors import BadInput

TARGET = 800
"""Characters of a chunk, the length that is asked for when a chunk is to be written."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """`text` is `[start:end]` of the chapter's text; `chapter` counts from 0.

    `id` is 16 hex digits of the SHA-256 of all the rest: a summary made for a chunk is not taken
    for another when the text or the cutting has changed.
    """

    id: str
    book: str
    chapter: int
    title: str
    start: int
    end: int
    text: str

    @property
    def place(self) -> str:
        """“第三章 · 1,204–2,003”: characters of the chapter, counted from 1."""
        return f"{self.title} · {self.start + 1:,}–{self.end:,}"


def chunks_of(book: Book, target: int = TARGET, maximum: int | None = None) -> Iterator[Chunk]:
    """The book's chunks in order, none empty, none longer than `maximum` (a quarter more than
    `target`, if not given). Chapters without text have none.

    Raises BadInput unless 0 < target <= maximum.
    """
    maximum = target * 5 // 4 if maximum is None else maximum
    if not 0 < target <= maximum:
        raise BadInput(f"片段长度 {target} 要大于 0，且不超过上限 {maximum}。", field="length")
    for number, chapter in enumerate(book.chapters):
        title = chapter.heading.strip("# \u3000") or chapter.title or f"第 {number + 1} 章"
        for start, end in _spans(chapter.text, target, maximum):
            yield _chunk(book.title, number, title, start, end, chapter.text[start:end])


def _spans(text: str, target: int, maximum: int) -> Iterator[tuple[int, int]]:
    passages = chunk_chapter(ChapterText("", 0, "", text), target, maximum)
    if not passages and text:
        yield from _within(0, len(text), maximum)
    for passage in passages:
        yield from _within(passage.start, passage.end, maximum)


def _within(start: int, end: int, maximum: int) -> Iterator[tuple[int, int]]:
    """Only a passage with a long run of white space is over the maximum; it is cut hard."""
    cuts = [*range(start, end, maximum), end]
    yield from pairwise(cuts)


def _chunk(book: str, chapter: int, title: str, start: int, end: int, text: str) -> Chunk:
    told = json.dumps([book, chapter, title, start, end, text], ensure_ascii=False)
    id = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return Chunk(id, book, chapter, title, start, end, text)


def chapters_of(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """The chunks of each chapter of each book, as they come."""
    for _, chapter in groupby(chunks, key=lambda chunk: (chunk.book, chunk.chapter)):
        yield list(chapter)


def write_chunks(path: Path, chunks: Sequence[Chunk]) -> None:
    """One JSON object a line, with the fields of a `Chunk`."""
    lines = (json.dumps(asdict(chunk), ensure_ascii=False) + "\n" for chunk in chunks)
    path.write_text("".join(lines), encoding="utf-8")
