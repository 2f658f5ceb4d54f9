"""From a work's chapters and the last snapshot to the next, redoing only what changed.

A chapter is chunked again when its text's hash changed; a passage is embedded when its text
is new, wherever it stands: reordering, renaming or splitting chapters embeds nothing.

Knows nothing of disks, locks or searching.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise

import numpy as np

from retrieval.embed import PassageEmbeddings, Vectors
from retrieval.errors import IndexFailure, WrongDimension
from retrieval.snapshot import ChapterMark, Snapshot, flat
from retrieval.types import ChapterText, Passage

Progress = Callable[[int, int], None]
"""Called with (texts embedded so far, texts to embed); what it raises ends the work."""
Split = Callable[[ChapterText], list[Passage]]

_BATCHES_A_STEP = 4


@dataclass(frozen=True, slots=True)
class SyncReport:
    chapters_changed: int
    """Chapters that are new or whose text is."""
    passages_total: int
    embedded: int
    """Texts that went through the model."""
    reused: int
    """Passages whose text had a vector already."""
    removed: int
    """Passages of the old state whose text is gone."""
    seconds: float


def next_snapshot(
    old: Snapshot,
    chapters: Sequence[ChapterText],
    embeddings: PassageEmbeddings,
    split: Split,
    progress: Progress | None = None,
) -> tuple[Snapshot, SyncReport]:
    """The snapshot of these chapters, which are the whole work, in any order.

    Returns `old` itself where nothing changed. Raises IndexFailure where the chapters have
    no clear order or `split` breaks its promise, WrongDimension, EmbedderUnavailable.
    """
    started = time.perf_counter()
    pieces = _pieces(old, _in_order(chapters), split)
    marks = tuple(mark for mark, _ in pieces)
    passages = tuple(passage for _, found in pieces for passage in found)
    known = {passage.text: row for row, passage in enumerate(old.passages)}
    new = list(dict.fromkeys(p.text for p in passages if p.text not in known))
    if (marks, passages) == (old.marks, old.passages):
        made = old
    else:
        vectors = np.concatenate([old.vectors, _embedded(new, embeddings, progress)])
        row_of = known | {text: len(old.passages) + place for place, text in enumerate(new)}
        rows = np.array([row_of[passage.text] for passage in passages], dtype=np.int64)
        made = Snapshot(marks, passages, flat(vectors[rows]))
    before = {mark.id: mark.digest for mark in old.marks}
    return made, SyncReport(
        chapters_changed=sum(before.get(mark.id) != mark.digest for mark in marks),
        passages_total=len(passages),
        embedded=len(new),
        reused=sum(passage.text in known for passage in passages),
        removed=(_texts(old.passages) - _texts(passages)).total(),
        seconds=time.perf_counter() - started,
    )


def _in_order(chapters: Sequence[ChapterText]) -> list[ChapterText]:
    told = sorted(chapters, key=lambda chapter: chapter.order)
    for first, second in pairwise(told):
        if first.order == second.order:
            raise IndexFailure(
                f"「{first.title}」和「{second.title}」的次序相同，分不出先后；请先排好章节。"
            )
    if len({chapter.id for chapter in told}) < len(told):
        raise IndexFailure("有两章用了同一个编号，分不清谁是谁；请检查章节。")
    return told


def _pieces(
    old: Snapshot, chapters: Sequence[ChapterText], split: Split
) -> list[tuple[ChapterMark, list[Passage]]]:
    """Each chapter's mark and passages, in story order."""
    kept = _by_chapter(old)
    pieces = []
    for chapter in chapters:
        digest = sha256(chapter.text.encode("utf-8", "surrogatepass")).hexdigest()
        mark, found = kept.get(chapter.id, (None, []))
        if mark is None or mark.digest != digest:
            found = _checked(chapter, split(chapter))
        elif (mark.order, mark.title) != (chapter.order, chapter.title):
            found = [replace(p, chapter=chapter.order, title=chapter.title) for p in found]
        new_mark = ChapterMark(chapter.id, chapter.order, chapter.title, digest, len(found))
        pieces.append((new_mark, found))
    return pieces


def _by_chapter(old: Snapshot) -> dict[str, tuple[ChapterMark, list[Passage]]]:
    kept = {}
    start = 0
    for mark in old.marks:
        kept[mark.id] = (mark, list(old.passages[start : start + mark.passages]))
        start += mark.passages
    return kept


def _checked(chapter: ChapterText, passages: list[Passage]) -> list[Passage]:
    """What the time cut rests on: passages lie where they say, and their ends never fall."""
    lies = any(chapter.text[p.start : p.end] != p.text for p in passages)
    falls = any(second.end < first.end for first, second in pairwise(passages))
    foreign = any((p.chapter_id, p.chapter) != (chapter.id, chapter.order) for p in passages)
    if lies or falls or foreign:
        raise IndexFailure(f"「{chapter.title}」切分的结果与原文对不上；请报告这个错误。")
    return passages


def _texts(passages: Sequence[Passage]) -> Counter[str]:
    return Counter(passage.text for passage in passages)


def _embedded(
    texts: Sequence[str], embeddings: PassageEmbeddings, progress: Progress | None
) -> Vectors:
    """Vectors of the texts, [n, d], a few batches at a time."""
    step = embeddings.batch_size * _BATCHES_A_STEP
    rows = np.empty((len(texts), embeddings.dimension), dtype=np.float32)
    for start in range(0, len(texts), step):
        made = _usable(embeddings.embed_array(texts[start : start + step]), rows.shape[1])
        rows[start : start + len(made)] = made
        if progress is not None:
            progress(start + len(made), len(texts))
    return rows


def _usable(rows: Vectors, dimension: int) -> Vectors:
    if rows.shape[1] != dimension:
        raise WrongDimension(
            f"嵌入模型给出 {rows.shape[1]} 维的向量，却自称 {dimension} 维；请换一个嵌入模型。"
        )
    if not np.isfinite(rows).all():
        raise IndexFailure("嵌入模型给出了无效的数值；请换一个嵌入模型，或改用 CPU 计算。")
    return rows
