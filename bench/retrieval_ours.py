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
    def __init__(self, library: Library, work: str, chapters: Sequence[ChapterText]) -> None:
        self._library = library
        self._work = work
        library.sync(work, chapters)

    def passages(self, query: str, k: int) -> list[Passage]:
        return [found.passage for found in self._library.recall(self._work, query, k)]


def ours(folder: Path) -> Method:
    """A library in `folder`, with the embedder that is shipped."""
    library = Library(FileStore(folder), shipped_model())
    numbers = itertools.count()

    def build(chapters: Sequence[ChapterText], _cast: Sequence[Character]) -> Searcher:
        return Ours(library, f"bench-{next(numbers)}", chapters)

    return Method("", "ours", "Library.recall", build)
