"""What is made of each chunk of a book: how it is asked for, and what of the answer holds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from training.novels.chunks import Chunk, chapters_of
from training.novels.tasks import Task
from training.served.asking import Ask
from training.served.client import Sampling
from training.served.variants import asked

T = TypeVar("T")

BEFORE = 300
"""Characters of the text before a chunk that a question may show: who is there, who speaks."""


@dataclass(frozen=True)
class Maker(Generic[T]):
    """`read` and `mend` as those of an `Ask`, with the chunk that the answer speaks of.
    `sampling` is given the chunk's length."""

    name: str
    variants: Mapping[str, Task]
    read: Callable[[Chunk, str], T]
    show: Callable[[T], str]
    sampling: Callable[[int], Sampling]
    mend: Callable[[Chunk, str], T] | None = None
    form: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A chunk, with the end of the text before it in its chapter."""

    chunk: Chunk
    before: str


def placed(chunks: Sequence[Chunk]) -> Iterator[Placed]:
    """Those that have words, in order."""
    for chapter in chapters_of(chunks):
        before = ""
        for chunk in chapter:
            if chunk.text.strip():
                yield Placed(chunk, before[-BEFORE:].strip())
            before += chunk.text


def questions(maker: Maker[T], variant: Task, placed: Sequence[Placed]) -> list[Ask[T]]:
    """One for each chunk. Raises BadInput for a template that cannot be rendered."""
    return [_question(maker, variant, each) for each in placed]


def _question(maker: Maker[T], variant: Task, placed: Placed) -> Ask[T]:
    chunk, mend = placed.chunk, maker.mend
    names: dict[str, Any] = {
        "text": chunk.text.strip(), "before": placed.before, "book": chunk.book,
        "chapter": chunk.title, "length": len(chunk.text.strip()),
    }  # fmt: skip
    return Ask(
        asked(variant, names),
        read=lambda text: maker.read(chunk, text),
        mend=None if mend is None else lambda text: mend(chunk, text),
        form=maker.form,
        sampling=maker.sampling(len(chunk.text)),
    )
