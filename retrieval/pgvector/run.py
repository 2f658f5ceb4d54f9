"""One `sync`: turns at writing, and between them slices of embedding without that turn.

As in `retrieval.embedding_run`: a few new texts get their vectors before they are published,
many are published for words first. Models work outside every transaction, and each batch of
vectors is kept as soon as it is made, so who is interrupted, and who comes after, goes on
from there.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from time import perf_counter

import numpy as np

from retrieval.embed import PassageEmbeddings, Vectors
from retrieval.errors import EmbedderUnavailable, IndexFailure, WrongDimension
from retrieval.pgvector import graph, rows, state, vectors
from retrieval.pgvector.database import Connection, VectorDatabase
from retrieval.pgvector.refusals import Busy
from retrieval.pgvector.state import Mark, Space, State
from retrieval.pgvector.vectors import Place
from retrieval.snapshot import Maker
from retrieval.sync import Progress, Split, SyncReport, checked, in_order
from retrieval.types import ChapterText

SLICE_SECONDS = 5.0
"""How long texts are embedded before the chapters are looked at again."""
_BATCHES_A_STEP = 4

Chapters = Sequence[ChapterText] | Callable[[], Sequence[ChapterText]]
Missing = Sequence[tuple[Place, int]]
"""Texts without a vector: one place where each stands, and its digest."""


@dataclass(slots=True)
class _Tally:
    chapters_changed: int = 0
    removed: int = 0
    embedded: int = 0
    reused: int | None = None
    """Passages that had a vector when this sync began."""


class SyncRun:
    """Of one work, once."""

    def __init__(
        self,
        database: VectorDatabase,
        work: str,
        model: PassageEmbeddings,
        split: Split,
        progress: Progress | None,
        lock_seconds: float,
    ) -> None:
        self._database = database
        self._work = work
        self._model = model
        self._split = split
        self._progress = progress
        self._lock_seconds = lock_seconds
        self._step = model.batch_size * _BATCHES_A_STEP
        self._tally = _Tally()
        self._refusal: str | None = None

    def sync(self, chapters: Chapters, seconds: float | None) -> SyncReport:
        """See `PgWorkIndex.sync`."""
        started = perf_counter()
        maker = self._maker()
        while True:
            with self._database.turn(self._work, "write", self._lock_seconds) as connection:
                made, left = self._turn(connection, chapters, maker)
            if not left or maker is None:
                break
            try:
                self._embed_slice(maker, made)
            except EmbedderUnavailable as error:
                self._refusal = error.message
                break
            if seconds is not None and perf_counter() - started >= seconds:
                break
        return self._report(made, maker, perf_counter() - started)

    def _maker(self) -> Maker | None:
        """None, and the reason kept, where the model cannot be loaded."""
        model = self._model
        try:
            source = str(getattr(model, "source", "") or "")
            return Maker(model.name, model.fingerprint, model.dimension, source)
        except EmbedderUnavailable as error:
            self._refusal = error.message
            return None

    def _turn(
        self, connection: Connection, chapters: Chapters, maker: Maker | None
    ) -> tuple[State, Missing]:
        """Publish what can be; the state then, and the texts that are too many for it."""
        old = state.read(connection, self._work)
        texts = in_order(chapters() if callable(chapters) else chapters)
        marks = self._marked(connection, old, texts)
        if maker is None:
            return self._publish(connection, old, marks, old.space), ()
        space = state.space_of(connection, self._work, maker)
        left = self._left(connection, old, marks, space)
        if len(left) > self._step:
            return self._publish(connection, old, marks, old.space, space), left
        try:
            self._embed(connection, space, left, len(left))
        except EmbedderUnavailable as error:
            self._refusal = error.message
            return self._publish(connection, old, marks, old.space, space), ()
        rows.fill_known(connection, space, _lacking(old, marks, space))
        whole = [replace(mark, searchable=True) for mark in marks]
        return self._publish(connection, old, whole, space), ()

    def _marked(
        self, connection: Connection, old: State, texts: Sequence[ChapterText]
    ) -> list[Mark]:
        """A mark for each chapter; the changed ones have new parts, without vectors yet."""
        kept = {mark.id: mark for mark in old.marks}
        digests = {one.id: sha256(state.bytes_of(one.text)).hexdigest() for one in texts}
        changed = [
            one for one in texts if one.id not in kept or kept[one.id].digest != digests[one.id]
        ]
        passages = [checked(one, self._split(one)) for one in changed]
        parts = rows.add_parts(connection, self._work, passages) if changed else []
        for one, part, some in zip(changed, parts, passages, strict=True):
            count = len(some)
            kept[one.id] = Mark(
                one.id, one.order, one.title, digests[one.id], part, count, searchable=not count
            )
        marks = [replace(kept[one.id], order=one.order, title=one.title) for one in texts]
        self._tally.chapters_changed += len(changed)
        self._tally.removed += rows.removed(connection, old.marks, marks)
        return marks

    def _left(
        self, connection: Connection, old: State, marks: Sequence[Mark], space: Space
    ) -> Missing:
        """The texts that no vector is known for."""
        parts = _lacking(old, marks, space)
        rows.fill_known(connection, space, parts)
        left, passages = rows.missing(connection, space, parts)
        if self._tally.reused is None:
            self._tally.reused = sum(mark.passages for mark in marks) - passages
        return left

    def _publish(
        self,
        connection: Connection,
        old: State,
        marks: Sequence[Mark],
        space: Space | None,
        filling: Space | None = None,
    ) -> State:
        """`filling` is a space that is to be kept although nobody searches it yet."""
        made = State(old.generation, tuple(marks), space)
        if made != old or old.generation is None:
            rows.publish(connection, self._work, old, marks, space)
            graph.drop(connection, rows.sweep(connection, self._work, filling))
        return made

    def _embed_slice(self, maker: Maker, made: State) -> None:
        """Embed for SLICE_SECONDS and keep the vectors.

        Raises IndexFailure, WrongDimension, EmbedderUnavailable. Two processes that index one
        work take turns; each goes on from what the other kept.
        """
        with suppress(Busy), self._embedding() as connection:
            started = perf_counter()
            space = state.space_of(connection, self._work, maker)
            todo, _ = rows.missing(connection, space, _lacking(made, made.marks, space))
            for begin in range(0, len(todo), self._step):
                some = todo[begin : begin + self._step]
                self._embed(connection, space, some, len(todo) - begin)
                if perf_counter() - started >= SLICE_SECONDS:
                    return

    def _embedding(self) -> AbstractContextManager[Connection]:
        # Who embeds comes back at once after a slice, so another may wait in vain: it looks
        # again at what is left instead of giving up.
        return self._database.turn(self._work, "embedding", 2 * SLICE_SECONDS)

    def _embed(self, connection: Connection, space: Space, some: Missing, left: int) -> None:
        """One step, outside every transaction; `left` texts are to be done, these included."""
        if not some:
            return
        places = [place for place, _ in some]
        made = self._vectors(rows.texts(connection, places))
        vectors.add(connection, space.id, places, [digest for _, digest in some], made)
        self._tally.embedded += len(some)
        if self._progress is not None:
            self._progress(self._tally.embedded, self._tally.embedded + left - len(some))

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        made = self._model.embed_array(texts)
        if made.shape[1] != self._model.dimension:
            raise WrongDimension(
                f"嵌入模型给出 {made.shape[1]} 维的向量，却自称 {self._model.dimension} 维；"
                "请换一个嵌入模型。"
            )
        if not np.isfinite(made).all():
            raise IndexFailure("嵌入模型给出了无效的数值；请换一个嵌入模型，或改用 CPU 计算。")
        return made

    def _report(self, made: State, maker: Maker | None, seconds: float) -> SyncReport:
        tally = self._tally
        total = sum(mark.passages for mark in made.marks)
        other = maker is not None and (made.space is None or not _same(made.space.maker, maker))
        waiting = sum(mark.passages for mark in made.marks if other or not mark.searchable)
        return SyncReport(
            tally.chapters_changed, total, tally.embedded, tally.reused or 0, tally.removed,
            seconds, waiting, self._refusal if waiting else None,
        )  # fmt: skip


def _same(one: Maker, other: Maker) -> bool:
    return (one.fingerprint, one.dimension) == (other.fingerprint, other.dimension)


def _lacking(old: State, marks: Sequence[Mark], space: Space) -> list[int]:
    """The parts whose vectors in this space are not known to be whole, in story order."""
    serving = old.space is not None and old.space.id == space.id
    return [m.part for m in marks if m.passages and not (serving and m.searchable)]
