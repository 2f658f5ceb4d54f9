"""The vector index of one work: kept in step with its chapters, searched by story time.

One writer at a time, across threads and processes, makes a new `Snapshot` beside the
current one, puts it on disk and publishes it; readers keep what they hold. Derived: whatever
is missing, damaged or made by another model counts as empty, and the next `sync` rebuilds.

Knows nothing of lexical search, fusion or where works live.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, NoReturn

from filelock import FileLock, Timeout
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore
from typing_extensions import override

from retrieval import generation
from retrieval.chunk import chunk_chapter
from retrieval.embed import PassageEmbeddings, Vectors
from retrieval.errors import IndexFailure
from retrieval.generation import Identity, Maker, StaleError
from retrieval.snapshot import Exclude, Snapshot
from retrieval.sync import Progress, Split, SyncReport, next_snapshot
from retrieval.types import ChapterText, Passage, StoryPosition

Chapters = Sequence[ChapterText] | Callable[[], Sequence[ChapterText]]


@dataclass(frozen=True, slots=True)
class _State:
    snapshot: Snapshot
    stale_reason: str | None
    identity: Identity | None


class WorkIndex(VectorStore):
    """Opened with `WorkIndex.open`; every method may be called from any thread.

    As a LangChain vector store it is read-only: what it holds follows from the chapters.
    Its documents carry `chapter_id, chapter, title, start, end` as metadata.
    """

    def __init__(self, folder: Path, embeddings: PassageEmbeddings, lock_seconds: float) -> None:
        self._folder = folder
        self._embeddings = embeddings
        self._lock_seconds = lock_seconds
        self._maker = Maker(embeddings.name, embeddings.fingerprint, embeddings.dimension)
        self._state = self._load()

    @classmethod
    def open(
        cls, folder: Path, embeddings: PassageEmbeddings, *, lock_seconds: float = 600.0
    ) -> "WorkIndex":
        """The index in `folder`, which need not exist. Never fails for what lies there.

        `lock_seconds` is how long a writer waits for another one. Raises
        EmbedderUnavailable.
        """
        return cls(folder, embeddings, lock_seconds)

    @property
    @override
    def embeddings(self) -> PassageEmbeddings:
        return self._embeddings

    @property
    def snapshot(self) -> Snapshot:
        """The current state: take it once for searches that must agree with each other."""
        return self._state.snapshot

    @property
    def stale_reason(self) -> str | None:
        """Why the index counts as empty and wants a `sync`; None when it is in order."""
        return self._state.stale_reason

    def refresh(self) -> bool:
        """Pick up what another process wrote; True where there was something. One stat."""
        if generation.identity(self._folder) == self._state.identity:
            return False
        self._state = self._load()
        return True

    def sync(
        self,
        chapters: Chapters,
        progress: Progress | None = None,
        *,
        split: Split = chunk_chapter,
    ) -> SyncReport:
        """Make the index that of these chapters, which are the whole work.

        Given as a function, they are asked for when this writer's turn has come, so that of
        two saves in a row the later text wins, whoever comes first. Searches go on in the
        old state until the new one is on disk. Raises what `next_snapshot` raises, and
        IndexFailure where another writer or the disk stands in the way; then nothing has
        changed. What `progress` raises passes through likewise.
        """
        started = perf_counter()
        with _writing(self._folder, self._lock_seconds):
            self.refresh()
            old = self.snapshot
            texts = chapters() if callable(chapters) else chapters
            made, report = next_snapshot(old, texts, self._embeddings, split, progress)
            if made is not old or self.stale_reason is not None:
                generation.write(self._folder, made, self._maker)
                self._state = _State(made, None, generation.identity(self._folder))
        return replace(report, seconds=perf_counter() - started)

    def nearest(
        self,
        vector: Sequence[float] | Vectors,
        k: int,
        before: StoryPosition | None = None,
        exclude: Exclude = (),
    ) -> list[tuple[Passage, float]]:
        """`Snapshot.nearest` in the current state; `search` is LangChain's, for texts."""
        return self.snapshot.nearest(vector, k, before, exclude)

    def _load(self) -> _State:
        # The stat comes first: a manifest replaced while it is read is seen as new later.
        identity = generation.identity(self._folder)
        try:
            return _State(generation.read(self._folder, self._maker), None, identity)
        except StaleError as error:
            return _State(Snapshot.empty(self._maker.dimension), str(error), identity)

    # LangChain's surface

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
        titles = [str(metadata.get("title", "")) for metadata in metadatas or [{}] * len(texts)]
        names = ids or [str(order) for order in range(len(texts))]
        rows = enumerate(zip(names, titles, texts, strict=True))
        chapters = [ChapterText(name, order, title, text) for order, (name, title, text) in rows]
        index = cls.open(Path(kwargs["folder"]), embedding)
        index.sync(chapters)
        return index

    @override
    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """`before=StoryPosition(…)` and `exclude=…` as in `nearest`."""
        return [document for document, _ in self.similarity_search_with_score(query, k, **kwargs)]

    @override
    def similarity_search_with_score(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """Documents with their cosine, best first."""
        found = self.nearest(self._embeddings.embed_query_array(query), k, **kwargs)
        return [(_document(passage), score) for passage, score in found]

    @override
    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, **kwargs: Any
    ) -> list[Document]:
        return [_document(passage) for passage, _ in self.nearest(embedding, k, **kwargs)]

    @override
    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Always IndexFailure: a text without a place in the story has no time."""
        _read_only()

    @override
    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:
        """Always IndexFailure: delete chapters and `sync`, or `remove` the whole index."""
        _read_only()

    @override
    def _select_relevance_score_fn(self) -> Any:
        return lambda cosine: min(max(cosine, 0.0), 1.0)


def remove_index(folder: Path, *, lock_seconds: float = 600.0) -> None:
    """Delete an index from the disk; who has it open finds it empty. Raises IndexFailure."""
    if folder.exists():
        with _writing(folder, lock_seconds):
            generation.remove(folder)


@contextmanager
def _writing(folder: Path, seconds: float) -> Iterator[None]:
    """The turn of one writer, across threads and processes."""
    # Beside the folder, not in it: removing the folder must not remove a lock that somebody
    # waits for.
    path = folder.with_name(f".{folder.name}.lock")
    lock = FileLock(path, timeout=seconds)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise IndexFailure("另一个程序正在更新这部作品的索引，请稍后再试。") from error
    except OSError as error:
        raise IndexFailure(f"索引目录写不进去（{error}），请检查空间和权限。") from error
    try:
        yield
    finally:
        lock.release()


def _read_only() -> NoReturn:
    raise IndexFailure("索引由章节生成，不能单独增删；请修改章节，再同步索引。")


def _document(passage: Passage) -> Document:
    place = {"chapter_id": passage.chapter_id, "chapter": passage.chapter, "title": passage.title}
    return Document(
        id=f"{passage.chapter_id}:{passage.start}",
        page_content=passage.text,
        metadata=place | {"start": passage.start, "end": passage.end},
    )
