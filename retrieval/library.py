"""Every work's memory: what the server and the command line ask.

Each work has a folder with its vector index; the lexical index is made from the passages in
memory, which is faster than reading it would be. Knows nothing of HTTP, rows or prompts.
"""

import re
import threading
from collections import OrderedDict
from itertools import islice
from pathlib import Path

from retrieval import rank
from retrieval.embed import QUERY_CHARACTERS, PassageEmbeddings
from retrieval.errors import IndexFailure
from retrieval.index import Chapters, WorkIndex, remove_index
from retrieval.lexical import LexicalIndex
from retrieval.snapshot import Snapshot
from retrieval.sync import Progress, SyncReport
from retrieval.types import Found, StoryPosition

_WORK_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Library:
    """Thread-safe. Opens a work when it is first asked for and keeps the latest used."""

    def __init__(self, root: Path, embeddings: PassageEmbeddings, *, open_works: int = 16) -> None:
        """`open_works` is how many works' indexes stay in memory."""
        self._root = root
        self._embeddings = embeddings
        self._limit = open_works
        self._open: OrderedDict[str, _OpenWork] = OrderedDict()
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Load the embedding model now, so that the first recall need not wait for it."""
        self._embeddings.embed_query_array("砚")

    def sync(
        self, work_id: str, chapters: Chapters, progress: Progress | None = None
    ) -> SyncReport:
        """`WorkIndex.sync`; what comes after it sees the new text by words as well."""
        work = self._work(work_id)
        report = work.index.sync(chapters, progress)
        work.current()
        return report

    def recall(
        self,
        work_id: str,
        query: str,
        k: int = 10,
        before: StoryPosition | None = None,
        exclude_text: str = "",
    ) -> list[Found]:
        """The k passages that matter most for the query, best first.

        Only the last QUERY_CHARACTERS of the query count, so the beat belongs after the
        tail. Nothing that ends after `before` can come back. `exclude_text` is the text that
        ends at `before` and stands in the prompt word for word: what overlaps it, or repeats
        it elsewhere, is left out; so is a second passage with the same words. A work without
        an index, or with a stale one, has nothing to recall (`stale_reason` says why).
        Raises EmbedderUnavailable, WrongDimension, IndexFailure.
        """
        words = query[-QUERY_CHARACTERS:]
        snapshot, lexical = self._work(work_id).current()
        hidden = (
            rank.overlapping(snapshot.passages, before, len(exclude_text))
            if before is not None and exclude_text
            else set()
        )
        if not words.strip() or not snapshot.passages or k <= 0:
            return []
        depth = max(rank.DEPTH, 2 * k)
        vector = self._embeddings.embed_query_array(words)
        found = rank.fuse(
            {
                "lexical": lexical.search(words, depth, before, hidden),
                "dense": snapshot.nearest(vector, depth, before, hidden),
            }
        )
        return list(islice(rank.distinct(rank.not_standing_in(exclude_text, found)), k))

    def stale_reason(self, work_id: str) -> str | None:
        """Why the work wants a `sync`, for people; None when its index is in order."""
        index = self._work(work_id).index
        index.refresh()
        return index.stale_reason

    def drop(self, work_id: str) -> None:
        """Forget a work and delete its index. Raises IndexFailure."""
        remove_index(self._folder(work_id))
        with self._lock:
            self._open.pop(work_id, None)

    def _folder(self, work_id: str) -> Path:
        if not _WORK_ID.fullmatch(work_id):
            raise IndexFailure(
                f"作品编号「{work_id[:80]}」不能用；只能有字母、数字、横线和下划线。"
            )
        return self._root / work_id

    def _work(self, work_id: str) -> "_OpenWork":
        folder = self._folder(work_id)
        with self._lock:
            work = self._open.setdefault(work_id, _OpenWork(folder, self._embeddings))
            self._open.move_to_end(work_id)
            while len(self._open) > self._limit:
                self._open.popitem(last=False)
        return work


class _OpenWork:
    """A work's two indexes. Reading it from disk locks this work alone."""

    def __init__(self, folder: Path, embeddings: PassageEmbeddings) -> None:
        self._folder = folder
        self._embeddings = embeddings
        self._lock = threading.Lock()
        self._index: WorkIndex | None = None
        self._lexical: LexicalIndex | None = None

    @property
    def index(self) -> WorkIndex:
        with self._lock:
            if self._index is None:
                self._index = WorkIndex.open(self._folder, self._embeddings)
            return self._index

    def current(self) -> tuple[Snapshot, LexicalIndex]:
        """One state of the work as both indexes see it."""
        index = self.index
        index.refresh()
        with self._lock:
            snapshot = index.snapshot
            if self._lexical is None or self._lexical.passages is not snapshot.passages:
                self._lexical = LexicalIndex(snapshot.passages)
            return snapshot, self._lexical
