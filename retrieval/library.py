"""Every work's memory: what the server and the command line ask.

Each work has an index, in files or in PostgreSQL (`retrieval.stores`). Knows nothing of HTTP,
rows or prompts.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import chain, islice

from retrieval import merge, rank, timeline
from retrieval.asking import ask
from retrieval.embed import QUERY_CHARACTERS, PassageEmbeddings
from retrieval.errors import IndexFailure
from retrieval.former import FormerModels
from retrieval.index import Chapters
from retrieval.rerank import Reranker
from retrieval.stores import IndexState, IndexStore, OpenIndex
from retrieval.sync import Progress, SyncReport
from retrieval.timeline import View
from retrieval.types import Character, Found, Passage, StoryPosition
from retrieval.visibility import When

_WORK_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

MEMORY = 2**30
"""Bytes that the open works' indexes may map and hold together, by default."""
WORDS_ONLY = "嵌入模型暂时用不了，只按字词查找。"


class Library:
    """Thread-safe. Opens a work when it is first asked for and keeps the latest used."""

    def __init__(
        self,
        store: IndexStore,
        embeddings: PassageEmbeddings,
        *,
        open_works: int = 64,
        memory: int = MEMORY,
        reranker: Reranker | None = None,
        former: FormerModels | None = None,
        on_damage: Callable[[str], None] | None = None,
    ) -> None:
        """At most `open_works` works stay open, and of those the latest used whose indexes fit
        into `memory` bytes together; one always may. `on_damage` is told the id of a work
        whose index is found missing or damaged, once for each time that it is."""
        self._store = store
        self.embeddings = embeddings
        self._limit = open_works
        self._memory = memory
        self._reranker = reranker
        self._former = former or FormerModels()
        self.on_damage = on_damage
        self._open: OrderedDict[str, _OpenWork] = OrderedDict()
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Load the embedding model now, so that the first recall need not wait for it."""
        self.embeddings.embed_query_array("砚")

    def sync(
        self,
        work_id: str,
        chapters: Chapters,
        progress: Progress | None = None,
        *,
        seconds: float | None = None,
    ) -> SyncReport:
        """`WorkIndex.sync`; what comes after it sees the new text."""
        return self._work(work_id).index.sync(chapters, progress, seconds=seconds)

    def tidy(self, work_id: str) -> bool:
        """`WorkIndex.tidy`, for when there is nothing better to do."""
        return self._work(work_id).index.tidy()

    def recall(
        self,
        work_id: str,
        query: str,
        k: int = 10,
        before: When = None,
        exclude_text: str = "",
        *,
        cast: Sequence[Character] = (),
        join: bool = False,
    ) -> list[Found]:
        """The k passages that matter most for the query, best first.

        Only the last QUERY_CHARACTERS of the query count, so the beat belongs after the
        tail. Nothing that `before`, a position or a `View`, does not see can come back.
        `exclude_text` is the text that ends at that place and stands in the prompt word for
        word: what overlaps it, or repeats it elsewhere, is left out; so is a second passage
        with the same words. Whom of the `cast` the query names is looked for by every name
        they have. With `join`, neighbours become one passage and no chapter crowds out the
        others. A work without an index has nothing to recall; where no model can be loaded
        words alone are asked, and `limits` says so. Raises WrongDimension, IndexFailure,
        RerankerUnavailable.
        """
        words = query[-QUERY_CHARACTERS:]
        index, snapshot = self._current(work_id)
        if not words.strip() or not len(snapshot.passages) or k <= 0:
            return []
        place = before.position if isinstance(before, View) else before
        hidden = _overlapping(snapshot.passages, place, len(exclude_text))
        asking = ask(index, snapshot, words, max(rank.DEPTH, 2 * k), before, hidden, cast)
        best = rank.distinct(rank.not_standing_in(exclude_text, asking.passages()))
        if self._reranker is not None:
            first = list(islice(best, self._reranker.top))
            best = chain(self._reranker.rerank(words, first), best)
        return merge.neighbours(merge.spread(best), k) if join else list(islice(best, k))

    def chapters(
        self,
        work_id: str,
        query: str,
        k: int = 10,
        before: When = None,
        *,
        cast: Sequence[Character] = (),
    ) -> list[tuple[int, float]]:
        """The k chapters that tell of what the query says: (place in the telling, score in
        0..1), best first. Arguments and errors as those of `recall`."""
        words = query[-QUERY_CHARACTERS:]
        index, snapshot = self._current(work_id)
        if not words.strip() or not len(snapshot.passages):
            return []
        depth = rank.CHAPTER_DEPTH
        return ask(index, snapshot, words, depth, before, cast=cast).chapters()[:k]

    def limits(self, work_id: str) -> str | None:
        """What recall has to do without at the moment, for people; None when it has all.

        Loads the model that it asks about.
        """
        index, snapshot = self._current(work_id)
        if index.damaged:
            return index.stale_reason
        if len(snapshot.passages) and index.query_vector("砚", snapshot) is None:
            return WORDS_ONLY
        return index.stale_reason

    def stale_reason(self, work_id: str) -> str | None:
        """Why the work wants a `sync`, for people; None when its index is in order."""
        index, _ = self._current(work_id)
        return index.stale_reason

    def drop(self, work_id: str) -> None:
        """Forget a work and delete its index. Raises IndexFailure."""
        self._store.remove(_checked(work_id))
        with self._lock:
            self._open.pop(work_id, None)

    def close(self) -> None:
        """Let go of the place where the indexes live."""
        self._store.close()

    def _current(self, work_id: str) -> tuple[OpenIndex, IndexState]:
        """The work's index in the state that lies on the disk."""
        work = self._work(work_id)
        index = work.index
        changed = index.refresh() or work.is_new()
        if changed and index.damaged and self.on_damage is not None:
            self.on_damage(work_id)
        return index, index.snapshot

    def _work(self, work_id: str) -> "_OpenWork":
        _checked(work_id)
        with self._lock:
            work = self._open.get(work_id)
            if work is None:
                work = self._open[work_id] = _OpenWork(self._opener(work_id))
            self._open.move_to_end(work_id)
            self._close_the_longest_unused()
        return work

    def _opener(self, work_id: str) -> Callable[[], OpenIndex]:
        return lambda: self._store.open(work_id, self.embeddings, self._former)

    def _close_the_longest_unused(self) -> None:
        # Closing is forgetting: who is searching in it keeps it until done.
        taken = sum(work.bytes for work in self._open.values())
        while len(self._open) > 1 and (len(self._open) > self._limit or taken > self._memory):
            _, closed = self._open.popitem(last=False)
            taken -= closed.bytes


def _overlapping(passages: Sequence[Passage], place: StoryPosition | None, length: int) -> set[int]:
    """`rank.overlapping`, looking at those passages alone that can overlap."""
    if place is None or not length:
        return set()
    first = StoryPosition(place.chapter, max(0, place.offset - length))
    begin = timeline.cut(passages, first)
    end = timeline.cut(passages, StoryPosition(place.chapter + 1))
    return {begin + row for row in rank.overlapping(passages[begin:end], place, length)}


def _checked(work_id: str) -> str:
    if not _WORK_ID.fullmatch(work_id):
        raise IndexFailure(f"作品编号「{work_id[:80]}」不能用；只能有字母、数字、横线和下划线。")
    return work_id


class _OpenWork:
    """A work's index. Reading it from disk locks this work alone."""

    def __init__(self, opener: Callable[[], OpenIndex]) -> None:
        self._opener = opener
        self._lock = threading.Lock()
        self._index: OpenIndex | None = None
        self._new = True

    @property
    def index(self) -> OpenIndex:
        with self._lock:
            if self._index is None:
                self._index = self._opener()
            return self._index

    @property
    def bytes(self) -> int:
        return 0 if self._index is None else self._index.snapshot.bytes

    def is_new(self) -> bool:
        """True the first time."""
        with self._lock:
            was, self._new = self._new, False
            return was
