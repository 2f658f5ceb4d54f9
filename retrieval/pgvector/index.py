"""The index of one work in PostgreSQL: `retrieval.index.WorkIndex` for many desks at once.

One writer of a work at a time, on whatever machine; readers see the old state until the new
one is committed, and what they hold stays whole while they use it. Knows nothing of fusion.
"""

from collections.abc import Sequence
from typing import Any

from langchain_core.embeddings import Embeddings
from typing_extensions import override

from retrieval.chunk import chunk_chapter
from retrieval.embed import PassageEmbeddings, Vectors
from retrieval.errors import EmbedderUnavailable
from retrieval.former import FormerModels
from retrieval.pgvector import graph, rows, state
from retrieval.pgvector.database import VectorDatabase
from retrieval.pgvector.loaded import Loader
from retrieval.pgvector.refusals import Busy
from retrieval.pgvector.run import Chapters, SyncRun
from retrieval.pgvector.snapshot import PgSnapshot
from retrieval.pgvector.state import State
from retrieval.sync import Progress, Split, SyncReport
from retrieval.types import Passage
from retrieval.vector_index import Aim
from retrieval.vector_store import StoryVectorStore, behind, chapters_of
from retrieval.visibility import Exclude, When


class PgWorkIndex(StoryVectorStore):
    """Every method may be called from any thread, and may raise IndexFailure: there is a
    database between. A model that cannot be loaded does not keep it from opening."""

    def __init__(
        self,
        database: VectorDatabase,
        work: str,
        embeddings: PassageEmbeddings,
        *,
        lock_seconds: float = 600.0,
        aim: Aim = graph.AIM,
        former: FormerModels | None = None,
    ) -> None:
        """`lock_seconds` is how long a writer waits for another one."""
        self.work = work
        self._database = database
        self._model = embeddings
        self._lock_seconds = lock_seconds
        self._aim = aim
        self._former = former or FormerModels()
        self._loader = Loader(database)
        self._snapshot = self._read()

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
    ) -> "PgWorkIndex":
        """An index of the work `work=…` in `database=…` whose chapters are the texts.

        `ids` become chapter ids; of the metadata only `title` is kept.
        """
        if not isinstance(embedding, PassageEmbeddings):
            raise TypeError("PgWorkIndex needs retrieval.embed.PassageEmbeddings")
        index = cls(kwargs["database"], kwargs["work"], embedding)
        index.sync(chapters_of(texts, metadatas, ids))
        return index

    @property
    @override
    def embeddings(self) -> PassageEmbeddings:
        return self._model

    @property
    def snapshot(self) -> PgSnapshot:
        """The current state: take it once for searches that must agree with each other."""
        return self._snapshot

    @property
    def stale_reason(self) -> str | None:
        """Why the index wants a `sync`, for people; None when it is in order."""
        snapshot = self._snapshot
        if snapshot.state.generation is None:
            return "还没有索引"
        return behind(self._model, snapshot.maker, snapshot.without_vectors)

    @property
    def damaged(self) -> bool:
        """Whether the database has nothing of this work."""
        return self._snapshot.state.generation is None

    def refresh(self) -> bool:
        """Pick up what another process wrote; True where there was something. One query."""
        with self._database.connection() as connection:
            current = state.generation(connection, self.work)
        if current == self._snapshot.state.generation:
            return False
        self._snapshot = self._read()
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
        two saves in a row the later text wins. A few new texts become searchable at once by
        words and by vectors; many are published for words first and embedded in slices, each
        batch of which is kept. With `seconds` it stops after a slice when they are over, and
        the report says how many are `waiting`; so it does where no model can be loaded.

        Raises IndexFailure where the chapters have no clear order, where another writer or
        the database stands in the way, and WrongDimension; what is published then is whole.
        What `progress` raises passes through likewise.
        """
        run = SyncRun(self._database, self.work, self._model, split, progress, self._lock_seconds)
        report = run.sync(chapters, seconds)
        self.refresh()
        return report

    def tidy(self) -> bool:
        """Delete what is long retired, and build the graph of a work that has grown large; True
        where readers have something new. For when there is nothing better to do."""
        try:
            with self._database.turn(self.work, "tidy", 0.0) as connection:
                with self._database.turn(self.work, "write", self._lock_seconds) as writing:
                    gone = rows.sweep(writing, self.work, None)
                graph.drop(connection, gone)
                current = state.read(connection, self.work)
                space = current.space
                if space is None or not graph.wanted(connection, space, self._aim):
                    return self.refresh()
                parts = [mark.part for mark in current.marks if mark.searchable]
                beam, recall = graph.build(connection, space, parts, self._aim)
                with self._database.turn(self.work, "write", self._lock_seconds) as writing:
                    rows.note_graph(writing, self.work, space, beam, recall)
        except Busy:
            return False
        return self.refresh()

    @override
    def query_vector(self, text: str, snapshot: PgSnapshot | None = None) -> Vectors | None:
        """The query as the model that made the vectors sees it; None where that cannot be
        had, and words alone must do."""
        maker = (snapshot or self._snapshot).maker
        if maker is None:
            return None
        try:
            if self._model.fingerprint == maker.fingerprint:
                return self._model.embed_query_array(text)
        except EmbedderUnavailable:
            pass
        former = self._former.get(maker)
        try:
            return None if former is None else former.embed_query_array(text)
        except EmbedderUnavailable:
            return None

    @override
    def nearest(
        self,
        vector: Sequence[float] | Vectors,
        k: int,
        before: When = None,
        exclude: Exclude = (),
    ) -> list[tuple[Passage, float]]:
        """`PgSnapshot.nearest` in the current state."""
        return self._snapshot.nearest(vector, k, before, exclude)

    def _read(self) -> PgSnapshot:
        with self._database.connection() as connection:
            current: State = state.read(connection, self.work)
        return PgSnapshot(current, self._database, self._loader, self._aim.exact_rows)


def remove_index(database: VectorDatabase, work: str, *, lock_seconds: float = 600.0) -> None:
    """Delete all rows of a work; who has it open finds it empty. Raises IndexFailure."""
    with database.turn(work, "write", lock_seconds) as connection:
        graph.drop(connection, rows.delete_work(connection, work))
