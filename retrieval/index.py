"""The index of one work: kept in step with its chapters, searched by story time.

One writer at a time, across threads and processes, adds segments beside those in use and
publishes the next `Snapshot`; readers keep what they hold. The write lock is not held while
many texts are embedded: they are found by words meanwhile, and an index that another model
made goes on answering. Derived: whatever is missing or damaged counts as empty, and the
next `sync` rebuilds.

Knows nothing of fusion or of where works live.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.embeddings import Embeddings
from typing_extensions import override

from retrieval import generation
from retrieval.chunk import chunk_chapter
from retrieval.compaction import compacted, groups
from retrieval.embed import PassageEmbeddings, Vectors
from retrieval.embedding_run import EmbeddingRun
from retrieval.errors import EmbedderUnavailable
from retrieval.former import FormerModels
from retrieval.generation import Identity, StaleError
from retrieval.locking import turn
from retrieval.snapshot import Snapshot
from retrieval.sync import Progress, Split, SyncReport
from retrieval.types import ChapterText, Passage
from retrieval.vector_index import Aim
from retrieval.vector_store import StoryVectorStore, behind, chapters_of
from retrieval.visibility import Exclude, When

Chapters = Sequence[ChapterText] | Callable[[], Sequence[ChapterText]]


@dataclass(frozen=True, slots=True)
class _State:
    snapshot: Snapshot
    stale_reason: str | None
    identity: Identity | None


class WorkIndex(StoryVectorStore):
    """Every method may be called from any thread. `folder` need not exist, and opening never
    fails for what lies there nor for a model that cannot be loaded."""

    def __init__(
        self,
        folder: Path,
        embeddings: PassageEmbeddings,
        *,
        lock_seconds: float = 600.0,
        aim: Aim | None = None,
        former: FormerModels | None = None,
    ) -> None:
        """`lock_seconds` is how long a writer waits for another one."""
        self.folder = folder
        self.lock_seconds = lock_seconds
        self.aim = aim or Aim()
        self._model = embeddings
        self._former = former or FormerModels()
        self._changing = threading.Lock()
        self._state = self._load(Snapshot())

    @classmethod
    def open(cls, folder: Path, embeddings: PassageEmbeddings, **options: Any) -> "WorkIndex":
        """The index in `folder`; `options` as in the constructor."""
        return cls(folder, embeddings, **options)

    @classmethod
    @override
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> "WorkIndex":
        """An index in `folder=…` whose chapters are the texts, in this order.

        `ids` become chapter ids; of the metadata only `title` is kept.
        """
        if not isinstance(embedding, PassageEmbeddings):
            raise TypeError("WorkIndex needs retrieval.embed.PassageEmbeddings")
        index = cls(Path(kwargs["folder"]), embedding)
        index.sync(chapters_of(texts, metadatas, ids))
        return index

    @property
    @override
    def embeddings(self) -> PassageEmbeddings:
        return self._model

    @property
    def snapshot(self) -> Snapshot:
        """The current state: take it once for searches that must agree with each other."""
        return self._state.snapshot

    @property
    def stale_reason(self) -> str | None:
        """Why the index wants a `sync`, for people; None when it is in order."""
        state = self._state
        if state.stale_reason is not None:
            return state.stale_reason
        return behind(self._model, state.snapshot.maker, state.snapshot.without_vectors)

    @property
    def damaged(self) -> bool:
        """Whether nothing usable lies on the disk."""
        return self._state.stale_reason is not None

    def refresh(self) -> bool:
        """Pick up what another process wrote; True where there was something. One stat."""
        if generation.identity(self.folder) == self._state.identity:
            return False
        # One at a time, so that a slow reader cannot put an older state over a newer one.
        with self._changing:
            if generation.identity(self.folder) == self._state.identity:
                return False
            self._state = self._load(self.snapshot)
        return True

    def sync(
        self,
        chapters: Chapters,
        progress: Progress | None = None,
        *,
        split: Split = chunk_chapter,
        seconds: float | None = None,
    ) -> SyncReport:
        """Make the index that of these chapters, which are the whole work.

        Given as a function, they are asked for when this writer's turn has come, so that of
        two saves in a row the later text wins, whoever comes first. Searches go on in the
        old state until the new one is on disk. A few new texts become searchable at once by
        words and by vectors; many are published for words first and embedded in slices,
        each of which is kept. With `seconds` it stops after a slice when they are over, and
        the report says how many are `waiting`; so it does where no model can be loaded.

        Raises IndexFailure where the chapters have no clear order, where another writer or
        the disk stands in the way, and WrongDimension; what is published then is whole.
        `progress` is called when the text is published; what it raises passes through.
        """
        return EmbeddingRun(self, self._model, split, progress).sync(chapters, seconds)

    def tidy(self) -> bool:
        """Merge segments where there are too many; True where something changed.

        Raises IndexFailure.
        """
        self.refresh()
        if not groups(self.snapshot):
            return False
        with turn(self.folder, "lock", self.lock_seconds):
            self.refresh()
            made = compacted(self.folder, self.snapshot, self.aim)
            if made is self.snapshot:
                return False
            self.publish(made)
        return True

    def publish(self, snapshot: Snapshot) -> None:
        """Make it the current state, here and on disk; for who holds the write lock."""
        with self._changing:
            generation.publish(self.folder, snapshot)
            self._state = _State(snapshot, None, generation.identity(self.folder))

    @override
    def query_vector(self, text: str, snapshot: Snapshot | None = None) -> Vectors | None:
        """The query as the model that made the vectors sees it; None where that cannot be
        had, and words alone must do."""
        maker = (snapshot or self.snapshot).maker
        if maker is None:
            return None
        vector = _query_vector(self._model, maker.fingerprint, text)
        if vector is None:
            former = self._former.get(maker)
            vector = None if former is None else _query_vector(former, maker.fingerprint, text)
        return vector if vector is not None and len(vector) == maker.dimension else None

    @override
    def nearest(
        self,
        vector: Sequence[float] | Vectors,
        k: int,
        before: When = None,
        exclude: Exclude = (),
    ) -> list[tuple[Passage, float]]:
        """`Snapshot.nearest` in the current state."""
        return self.snapshot.nearest(vector, k, before, exclude)

    def _load(self, known: Snapshot) -> _State:
        # The stat comes first: a manifest replaced while it is read is seen as new later.
        identity = generation.identity(self.folder)
        try:
            return _State(generation.read(self.folder, known), None, identity)
        except StaleError as error:
            return _State(Snapshot(), str(error), identity)


def _query_vector(model: PassageEmbeddings, fingerprint: str, text: str) -> Vectors | None:
    try:
        return model.embed_query_array(text) if model.fingerprint == fingerprint else None
    except EmbedderUnavailable:
        return None


def remove_index(folder: Path, *, lock_seconds: float = 600.0) -> None:
    """Delete an index from the disk; who has it open finds it empty. Raises IndexFailure."""
    if folder.exists():
        with turn(folder, "lock", lock_seconds):
            generation.remove(folder)
