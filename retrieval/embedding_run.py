"""One `sync`: turns at the write lock, and between them slices of embedding without it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Protocol

import numpy as np

from retrieval.checkpoint import Checkpoint, remove_checkpoints
from retrieval.compaction import compacted
from retrieval.embed import PassageEmbeddings, Vectors
from retrieval.errors import EmbedderUnavailable, IndexFailure, WrongDimension
from retrieval.generation import disk_refusals
from retrieval.locking import OccupiedError, turn
from retrieval.snapshot import Maker, Snapshot
from retrieval.sync import Draft, Progress, Split, SyncReport, draft
from retrieval.types import ChapterText
from retrieval.vector_index import Aim
from retrieval.vectors_needed import Known, Text, filled, lacking, missing, same_model

log = logging.getLogger(__name__)

SLICE_SECONDS = 5.0
"""How long texts are embedded before the chapters are looked at again."""
_BATCHES_AT_ONCE = 4
"""So many batches of new texts, or fewer, are embedded while the write lock is held."""
_TOO_MANY_SEGMENTS = 48
"""Merged at once even where nobody calls `tidy`."""

Chapters = Sequence[ChapterText] | Callable[[], Sequence[ChapterText]]


class Target(Protocol):
    """The index that is brought up to date."""

    folder: Path
    lock_seconds: float
    aim: Aim

    @property
    def snapshot(self) -> Snapshot: ...
    @property
    def damaged(self) -> bool: ...
    def refresh(self) -> bool: ...
    def publish(self, snapshot: Snapshot) -> None: ...


@dataclass(slots=True)
class _Tally:
    chapters_changed: int = 0
    removed: int = 0
    embedded: int = 0
    reused: int | None = None
    """Passages that had a vector when this sync began."""


class EmbeddingRun:
    def __init__(
        self,
        index: Target,
        model: PassageEmbeddings,
        split: Split,
        progress: Progress | None = None,
    ) -> None:
        self._index = index
        self._model = model
        self._split = split
        self._progress = progress
        self._few = model.batch_size * _BATCHES_AT_ONCE
        self._stride = model.batch_size
        self._tally = _Tally()
        self._refusal: str | None = None

    def sync(self, chapters: Chapters, seconds: float | None = None) -> SyncReport:
        """See `WorkIndex.sync`."""
        started = perf_counter()
        maker = self._maker()
        while True:
            with turn(self._index.folder, "lock", self._index.lock_seconds):
                left = self._turn(chapters, maker)
            if not left or maker is None:
                break
            try:
                self._embed_slice(left, maker, seconds)
            except EmbedderUnavailable as error:
                self._refusal = error.message
                break
            except OccupiedError:
                if seconds is None:
                    raise
                break  # somebody else embeds this work: the report says how much is waiting
            if seconds is not None and perf_counter() - started >= seconds:
                break
        return self._report(perf_counter() - started, self._index.snapshot)

    def _maker(self) -> Maker | None:
        """None, and the reason kept, where the model cannot be loaded."""
        model = self._model
        try:
            source = str(getattr(model, "source", "") or "")
            return Maker(model.name, model.fingerprint, model.dimension, source)
        except EmbedderUnavailable as error:
            self._refusal = error.message
            return None

    def _turn(self, chapters: Chapters, maker: Maker | None) -> list[Text]:
        """Under the write lock: publish what can be; the texts that are too many for it."""
        index = self._index
        index.refresh()
        old = index.snapshot
        texts = chapters() if callable(chapters) else chapters
        drafted = draft(index.folder, old, texts, self._split)
        self._tally.chapters_changed += drafted.chapters_changed
        self._tally.removed += drafted.removed
        if maker is None:
            self._publish(drafted.snapshot, old)
            return []
        wanting = lacking(drafted.snapshot, maker)
        known = self._known(old, maker)
        left, reused = missing(drafted.snapshot, wanting, known)
        self._note_reused(drafted, wanting, reused)
        if len(left) > self._few:
            self._publish(drafted.snapshot, old)
            return left
        try:
            self._embed(left, known.fresh)
        except EmbedderUnavailable as error:
            self._refusal = error.message
            self._publish(drafted.snapshot, old)
            return []
        made = drafted.snapshot
        if wanting or not same_model(made.maker, maker):
            made = filled(index.folder, made, wanting, known, maker, index.aim)
        self._publish(made, old)
        with disk_refusals():
            remove_checkpoints(index.folder)
        if left:
            self._tell(0)
        return []

    def _known(self, old: Snapshot, maker: Maker) -> Known:
        checkpoint = Checkpoint(self._index.folder, maker.fingerprint, maker.dimension)
        return Known(maker.dimension, old if same_model(old.maker, maker) else None, checkpoint)

    def _note_reused(self, drafted: Draft, wanting: Sequence[object], reused: int) -> None:
        if self._tally.reused is None:
            names = {id(segment) for segment in wanting}
            parts = drafted.snapshot.parts
            reused += sum(part.alive for part in parts if id(part.segment) not in names)
            self._tally.reused = reused

    def _publish(self, made: Snapshot, old: Snapshot) -> None:
        if len(made.segments) > _TOO_MANY_SEGMENTS:
            made = compacted(self._index.folder, made, self._index.aim)
        if made is not old or self._index.damaged:
            self._index.publish(made)

    def _embed(self, texts: Sequence[Text], into: dict[int, Vectors]) -> None:
        """A few texts, at once."""
        if not texts:
            return
        rows = self._vectors(texts)
        into.update(zip((text.digest for text in texts), rows, strict=True))
        self._tally.embedded += len(texts)

    def _embed_slice(self, texts: Sequence[Text], maker: Maker, seconds: float | None) -> None:
        """Embed for SLICE_SECONDS and keep the vectors.

        Raises IndexFailure, OccupiedError, WrongDimension, EmbedderUnavailable.

        Two processes that index one work take turns; each goes on from what the other kept.
        """
        folder, started = self._index.folder, perf_counter()
        checkpoint = Checkpoint(folder, maker.fingerprint, maker.dimension)
        patience = self._index.lock_seconds if seconds is None else seconds
        with turn(folder, "embedding", patience), disk_refusals():
            digests = np.array([text.digest for text in texts], dtype=np.uint64)
            kept, _ = checkpoint.find(digests)
            todo = [text for text, known in zip(texts, kept, strict=True) if not known]
            while todo and perf_counter() - started < SLICE_SECONDS:
                some, todo = todo[: self._stride], todo[self._stride :]
                self._embed_and_keep(some, checkpoint)
                self._tell(len(todo))

    def _embed_and_keep(self, texts: Sequence[Text], checkpoint: Checkpoint) -> None:
        """A stride of a slice: as many texts as take about half a second."""
        started = perf_counter()
        rows = self._vectors(texts)
        checkpoint.append(np.array([text.digest for text in texts], dtype=np.uint64), rows)
        self._tally.embedded += len(texts)
        seconds = perf_counter() - started
        if seconds > 1:
            self._stride = max(4, self._stride // 2)
        elif seconds < 0.25:
            self._stride = min(1024, self._stride * 2)

    def _vectors(self, texts: Sequence[Text]) -> Vectors:
        rows = self._model.embed_array([text.read() for text in texts])
        if rows.shape[1] != self._model.dimension:
            raise WrongDimension(
                f"嵌入模型给出 {rows.shape[1]} 维的向量，却自称 {self._model.dimension} 维；"
                "请换一个嵌入模型。"
            )
        if not np.isfinite(rows).all():
            raise IndexFailure("嵌入模型给出了无效的数值；请换一个嵌入模型，或改用 CPU 计算。")
        return rows

    def _tell(self, left: int) -> None:
        if self._progress is not None:
            self._progress(self._tally.embedded, self._tally.embedded + left)

    def _report(self, seconds: float, snapshot: Snapshot) -> SyncReport:
        tally = self._tally
        waiting = self._waiting(snapshot)
        return SyncReport(
            tally.chapters_changed, len(snapshot.passages), tally.embedded, tally.reused or 0,
            tally.removed, seconds, waiting, self._refusal if waiting else None,
        )  # fmt: skip

    def _waiting(self, snapshot: Snapshot) -> int:
        maker = self._maker()
        if maker is None:
            return snapshot.without_vectors
        wanting = {segment.name for segment in lacking(snapshot, maker)}
        return sum(part.alive for part in snapshot.parts if part.segment.name in wanting)
