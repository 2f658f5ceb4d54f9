"""From a work's chapters and the last snapshot to the next, redoing only what changed.

A chapter is chunked again when its text's hash changed; a passage is embedded when its text
is new, wherever it stands: reordering, renaming or splitting chapters embeds nothing. What
is new goes into segments of its own beside the old ones.

Knows nothing of locks, manifests or searching.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from retrieval import segment as segments
from retrieval.errors import IndexFailure
from retrieval.generation import disk_refusals, new_segment_name
from retrieval.segment import Segment
from retrieval.snapshot import ChapterMark, Snapshot
from retrieval.types import ChapterText, Passage

Progress = Callable[[int, int], None]
"""Called with (texts embedded so far, texts to embed); what it raises ends the work."""
Split = Callable[[ChapterText], list[Passage]]

SEGMENT_ROWS = 65_536
"""Passages in one segment, unless a single chapter has more."""


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
    waiting: int = 0
    """Passages that only words find so far, because time ran out or no model could be had."""
    reason: str | None = None
    """Why nothing could be embedded, for people."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The next state as far as words go: its new segments have no vectors."""

    snapshot: Snapshot
    """The old one itself where nothing changed."""
    chapters_changed: int
    removed: int


def draft(folder: Path, old: Snapshot, chapters: Sequence[ChapterText], split: Split) -> Draft:
    """The state of these chapters, which are the whole work, in any order.

    New segments are written into `folder`; nothing refers to them yet. Raises IndexFailure
    where the chapters have no clear order, `split` breaks its promise or the disk refuses.
    """
    told = in_order(chapters)
    writer = _Writer(folder, split)
    kept = {mark.id: mark for mark in old.marks}
    marks: list[ChapterMark | None] = []
    for place, chapter in enumerate(told):
        digest = sha256(chapter.text.encode("utf-8", "surrogatepass")).hexdigest()
        mark = kept.get(chapter.id)
        if mark is not None and mark.digest == digest:
            marks.append(replace(mark, order=chapter.order, title=chapter.title))
        else:
            marks.append(None)
            writer.add(place, chapter, digest)
    writer.flush()
    whole = tuple(mark or writer.marks[place] for place, mark in enumerate(marks))
    if whole == old.marks:
        return Draft(old, 0, 0)
    used = {mark.segment for mark in whole if mark.passages}
    both = old.segments | writer.segments
    made = Snapshot(whole, {name: both[name] for name in both if name in used}, old.maker)
    return Draft(made, len(writer.marks), _removed(old, made))


def in_order(chapters: Sequence[ChapterText]) -> list[ChapterText]:
    """By their place in the telling. Raises IndexFailure where two have the same."""
    told = sorted(chapters, key=lambda chapter: chapter.order)
    for first, second in pairwise(told):
        if first.order == second.order:
            raise IndexFailure(
                f"「{first.title}」和「{second.title}」的次序相同，分不出先后；请先排好章节。"
            )
    if len({chapter.id for chapter in told}) < len(told):
        raise IndexFailure("有两章用了同一个编号，分不清谁是谁；请检查章节。")
    return told


@dataclass(slots=True)
class _Writer:
    """Chunks changed chapters and writes them out, a segment at a time."""

    folder: Path
    split: Split
    marks: dict[int, ChapterMark] = field(default_factory=dict)
    """By the chapter's place in the telling."""
    segments: dict[str, Segment] = field(default_factory=dict)
    _held: list[Passage] = field(default_factory=list)
    _waiting: list[tuple[int, ChapterMark]] = field(default_factory=list)

    def add(self, place: int, chapter: ChapterText, digest: str) -> None:
        passages = checked(chapter, self.split(chapter))
        if self._held and len(self._held) + len(passages) > SEGMENT_ROWS:
            self.flush()
        first = len(self._held)
        mark = ChapterMark(
            chapter.id, chapter.order, chapter.title, digest, "", first, len(passages)
        )
        self._waiting.append((place, mark if passages else replace(mark, first=0)))
        self._held += passages

    def flush(self) -> None:
        name = ""
        if self._held:
            with disk_refusals():
                name = new_segment_name(self.folder)
                self.segments[name] = segments.write(self.folder, name, self._held)
        for place, mark in self._waiting:
            self.marks[place] = replace(mark, segment=name if mark.passages else "")
        self._held, self._waiting = [], []


def checked(chapter: ChapterText, passages: list[Passage]) -> list[Passage]:
    """What the time cut rests on: passages lie where they say, and their ends never fall."""
    lies = any(chapter.text[p.start : p.end] != p.text for p in passages)
    falls = any(second.end < first.end for first, second in pairwise(passages))
    foreign = any((p.chapter_id, p.chapter) != (chapter.id, chapter.order) for p in passages)
    if lies or falls or foreign:
        raise IndexFailure(f"「{chapter.title}」切分的结果与原文对不上；请报告这个错误。")
    return passages


def _removed(old: Snapshot, new: Snapshot) -> int:
    """Passages of the old state whose text is gone; unchanged chapters cancel out."""
    places = {(m.segment, m.first) for m in new.marks} & {(m.segment, m.first) for m in old.marks}
    gone = _texts(old, [m for m in old.marks if (m.segment, m.first) not in places])
    come = _texts(new, [m for m in new.marks if (m.segment, m.first) not in places])
    return (gone - come).total()


def _texts(snapshot: Snapshot, marks: Iterable[ChapterMark]) -> Counter[int]:
    found: Counter[int] = Counter()
    for mark in marks:
        if mark.passages:
            digests = snapshot.segments[mark.segment].columns.spans["digest"]
            found.update(digests[mark.first : mark.first + mark.passages].tolist())
    return found
