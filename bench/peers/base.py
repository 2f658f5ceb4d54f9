"""What a method of finding passages is to the benchmark, ours and the peers' alike."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retrieval.evaluate import chapter_order
from retrieval.types import ChapterText, Character, Passage

CHAPTER_DEPTH = 100
"""Passages asked for where chapters are wanted; they lie in more than ten chapters nearly
always, and a method that gives fewer has no more to give."""


class PeerMissing(Exception):
    """A method cannot take part; the message says what it wants."""


class Searcher(ABC):
    """One book, made searchable by one method."""

    @abstractmethod
    def passages(self, query: str, k: int) -> list[Passage]:
        """At most k passages, best first; `text == chapter.text[start:end]`."""

    def chapters(self, query: str) -> list[int]:
        """Chapters, best first, each scored by its best passage."""
        return chapter_order(self.passages(query, CHAPTER_DEPTH))


Build = Callable[[Sequence[ChapterText], Sequence[Character]], Searcher]


@dataclass(frozen=True)
class Method:
    """`build` may raise PeerMissing. `letter` is the peer's in the table, "" for what is ours;
    `given` says what the method was given; `single` is one source of evidence, unfused."""

    letter: str
    name: str
    given: str
    build: Build
    single: bool = False


def cut(chapter: ChapterText, start: int, end: int) -> Passage:
    """A passage of a chapter by its offsets."""
    return Passage(chapter.id, chapter.order, chapter.title, start, end, chapter.text[start:end])
