"""The product's own way from chapters to passages: `retrieval.library.Library`, as it ships."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from bench.peers.base import Method, Searcher
from bench.peers.parts import shipped_model
from retrieval.library import Library
from retrieval.stores import FileStore
from retrieval.types import ChapterText, Character, Passage


class Ours(Searcher):
    def __init__(
        self,
        library: Library,
        work: str,
        chapters: Sequence[ChapterText],
        cast: Sequence[Character],
    ) -> None:
        self._library = library
        self._work = work
        self._cast = cast
        library.sync(work, chapters)

    def passages(self, query: str, k: int) -> list[Passage]:
        """Plain passages, not joined to their neighbours: longer ones would win by overlap."""
        found = self._library.recall(self._work, query, k, cast=self._cast)
        return [one.passage for one in found]

    def chapters(self, query: str) -> list[int]:
        told = self._library.chapters(self._work, query, 1000, cast=self._cast)
        return [chapter for chapter, _ in told]


def ours(folder: Path) -> Method:
    """A library in `folder`, with the embedder that is shipped."""
    library = Library(FileStore(folder), shipped_model())
    numbers = itertools.count()

    def build(chapters: Sequence[ChapterText], cast: Sequence[Character]) -> Searcher:
        return Ours(library, f"bench-{next(numbers)}", chapters, cast)

    return Method("", "ours", "Library.recall", build)
