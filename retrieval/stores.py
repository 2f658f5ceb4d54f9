"""Where works' indexes live: what a library needs of such a place, and the folder of files.

The other place is PostgreSQL (`retrieval.pgvector.store.PgStore`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from retrieval.embed import PassageEmbeddings, Vectors
from retrieval.former import FormerModels
from retrieval.index import Chapters, WorkIndex, remove_index
from retrieval.lexical import LexicalIndex
from retrieval.snapshot import Maker
from retrieval.sync import Progress, SyncReport
from retrieval.tokens import Ints
from retrieval.types import Passage
from retrieval.vector_index import Aim
from retrieval.visibility import Exclude, Mask, When


class IndexState(Protocol):
    """One immutable state of a work; `retrieval.snapshot.Snapshot` says what each means."""

    @property
    def passages(self) -> Sequence[Passage]: ...
    @property
    def lexical(self) -> LexicalIndex: ...
    @property
    def maker(self) -> Maker | None: ...
    @property
    def without_vectors(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    def nearest(
        self,
        vector: Sequence[float] | Vectors,
        k: int,
        before: When = None,
        exclude: Exclude = (),
    ) -> list[tuple[Passage, float]]: ...
    def nearest_rows(
        self, vector: Sequence[float] | Vectors, k: int, mask: Mask
    ) -> list[tuple[int, float]]: ...
    @property
    def starts(self) -> Ints:
        """The first row of each chapter that has passages, then the number of passages."""
        ...

    def cosines(self, vectors: Vectors, rows: Ints) -> Vectors: ...


class OpenIndex(Protocol):
    """One work's index; `retrieval.index.WorkIndex` says what each means."""

    @property
    def snapshot(self) -> IndexState: ...
    @property
    def stale_reason(self) -> str | None: ...
    @property
    def damaged(self) -> bool: ...
    def refresh(self) -> bool: ...
    def sync(
        self,
        chapters: Chapters,
        progress: Progress | None = None,
        *,
        seconds: float | None = None,
    ) -> SyncReport: ...
    def tidy(self) -> bool: ...
    def query_vector(self, text: str, snapshot: Any = None) -> Vectors | None:
        """`snapshot` is one of this index's."""
        ...


class IndexStore(Protocol):
    """Thread-safe. A work's id is letters, digits, `-` and `_`: whoever asks has checked it."""

    def open(
        self, work: str, embeddings: PassageEmbeddings, former: FormerModels | None = None
    ) -> OpenIndex: ...
    def remove(self, work: str) -> None:
        """Raises IndexFailure."""
        ...

    def close(self) -> None: ...


class FileStore:
    """A folder for each work under `root`, FAISS and memory-mapped columns inside."""

    def __init__(self, root: Path, aim: Aim | None = None) -> None:
        self._root = root
        self._aim = aim

    def open(
        self, work: str, embeddings: PassageEmbeddings, former: FormerModels | None = None
    ) -> WorkIndex:
        return WorkIndex(self._root / work, embeddings, aim=self._aim, former=former)

    def remove(self, work: str) -> None:
        """Raises IndexFailure."""
        remove_index(self._root / work)

    def close(self) -> None:
        """Files need no closing."""
