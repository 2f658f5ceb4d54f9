"""What is visible at a place of writing, decided in this one place.

**The rule.** A text may be seen where something is written if and only if it is told before
that place, and does not happen later in story time. So a prologue that shows the ending is
hidden from chapter 2, and in a flashback in chapter 20 to the time before the book the chapters
1 to 19 are. A scene marked `backstory` may also be seen from the chapters told before its own
that happen after it. What stands at or behind the place in its own chapter is never seen, so
neither is the text being rewritten.

**Time.** A work consists of stretches: every scene is one, and what of a chapter lies in no
scene is one. Inside a stretch the order of the telling is that of the events. Chapter n happens
between n and n + 1, a scene at (`when`, `rank`); a stretch is over for another one when it ends
no later than that begins.

**Care.** Where a text lies in several stretches (a passage cut in two by a scene's border,
scenes that overlap), each of them must be visible; a place at a border belongs to both sides.

A place of the telling, as in `Validity`, is passed by the same rule: it lies before, and no
later in story time. Where scenes are absent all this is one comparison.

Knows nothing of indexes: they keep their rows in the order of the telling and ask
`visible_rows` which of them may be searched.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from operator import and_

import numpy as np
from numpy.typing import NDArray

from retrieval.types import Passage, Scene, StoryPosition, Validity

Instant = tuple[float, float]
Began = tuple[Instant, StoryPosition]
"""Orders places by story time, then by the telling."""
FIRST: Began = ((-inf, -inf), StoryPosition(-1))
"""Before every place."""
RowNumbers = NDArray[np.int64]

GONE = "它所在的章节已不在，请重新指定从哪里起"
NOT_YET = "此时还没有发生"
OVER = "此时已经过去"
UNKNOWN = "视角人物此时还不知道"


def visible(passage: Passage, before: StoryPosition | None) -> bool:
    """True where the whole passage stands before the position; None hides nothing.

    A passage that the position cuts in two is the future: its second half would tell the
    writer what is still to be written, or what is being rewritten.
    """
    return before is None or passage.ends <= before


def cut(passages: Sequence[Passage], before: StoryPosition | None) -> int:
    """How many passages, from the first, are told before; `passages` are in story order.

    Story order means that their ends never fall, which also holds where they overlap.
    """
    if before is None:
        return len(passages)
    return bisect_right(passages, before, key=lambda passage: passage.ends)


def _none() -> RowNumbers:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The visible rows: those below `limit` but not in `hidden`, and those in `extra`.

    `hidden` lies below `limit`, `extra` at or above it; both ascend.
    """

    limit: int
    hidden: RowNumbers = field(default_factory=_none)
    extra: RowNumbers = field(default_factory=_none)

    def __len__(self) -> int:
        return self.limit - len(self.hidden) + len(self.extra)

    @property
    def plain(self) -> bool:
        """Whether they are simply the first `limit`."""
        return not (len(self.hidden) or len(self.extra))

    def mask(self, n: int) -> NDArray[np.bool_]:
        """True for the visible rows of n, [n]."""
        seen = np.zeros(n, dtype=np.bool_)
        seen[: self.limit] = True
        seen[self.hidden] = False
        seen[self.extra] = True
        return seen


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A scene, or what of a chapter lies in none: told in one go, happening at one time."""

    chapter: int
    scene: Scene | None
    first: Instant
    last: Instant


def _plain(chapter: int) -> _Stretch:
    return _Stretch(chapter, None, (chapter, inf), (chapter + 1, -inf))


def _scene(scene: Scene) -> _Stretch:
    if scene.when is None:
        return _Stretch(scene.chapter, scene, (-inf, -inf), (inf, inf))
    when = (scene.when, scene.rank)
    return _Stretch(scene.chapter, scene, when, when)


def _stop(scene: Scene) -> float:
    return inf if scene.end is None else scene.end


class Timeline:
    """A work's scenes, by chapter. Cheap to make; safe to share between threads."""

    def __init__(self, scenes: Sequence[Scene] = ()) -> None:
        self._scenes: dict[int, list[_Stretch]] = {}
        for scene in sorted(scenes, key=lambda s: (s.chapter, s.start)):
            if scene.start < _stop(scene):
                self._scenes.setdefault(scene.chapter, []).append(_scene(scene))

    @property
    def empty(self) -> bool:
        return not self._scenes

    def at(self, place: StoryPosition) -> list[_Stretch]:
        """The stretches that a place touches: at a border, those on both sides."""
        return self._span(place.chapter, max(0, place.offset - 1), place.offset + 1)

    def between(self, begins: StoryPosition, ends: StoryPosition) -> list[_Stretch]:
        """The stretches of a text that may run over several chapters; of an empty one, its place's."""
        if begins >= ends:
            return self.at(ends)
        if begins.chapter == ends.chapter:
            return self._span(begins.chapter, begins.offset, ends.offset)
        found = self._span(begins.chapter, begins.offset, inf)
        for chapter in range(begins.chapter + 1, ends.chapter):
            found += self._span(chapter, 0, inf)
        return found + self._span(ends.chapter, 0, ends.offset)

    def _span(self, chapter: int, start: int, end: float) -> list[_Stretch]:
        found = []
        covered: float = start
        for stretch in self._scenes.get(chapter, ()):
            assert stretch.scene is not None
            if stretch.scene.start < end and start < _stop(stretch.scene):
                found.append(stretch)
                if stretch.scene.start <= covered:
                    covered = max(covered, _stop(stretch.scene))
        return [_plain(chapter), *found] if covered < end else found

    def sees(self, here: StoryPosition, begins: StoryPosition, ends: StoryPosition) -> bool:
        """Whether the text from `begins` to `ends` may be seen at `here`."""
        if self.empty:
            return ends <= here
        return _seen(self.between(begins, ends), ends, here, self.at(here))

    def passed(self, here: StoryPosition, place: StoryPosition) -> bool:
        """Whether a place of the telling lies behind `here`; `here` itself does."""
        if self.empty:
            return place <= here
        return _seen(self.at(place), place, here, self.at(here))

    def began(self, place: StoryPosition) -> Began:
        """When what begins at a place does so; comparable."""
        return min(stretch.first for stretch in self.at(place)), place

    def rows(self, passages: Sequence[Passage], here: StoryPosition) -> Rows:
        """Which of the passages, in the order of the telling, may be seen at `here`."""
        now = self.at(here)
        limit = cut(passages, here)
        chapters = bisect_left(
            range(here.chapter + 1), True, key=lambda n: not _past(_plain(n), now)
        )
        limit = min(limit, cut(passages, StoryPosition(chapters, 0)))
        hidden, extra = [], []
        for chapter in self._undecided(here, now, chapters):
            for row, passage in self._touched(chapter, passages):
                told = self.between(passage.begins, passage.ends)
                if _seen(told, passage.ends, here, now):
                    if row >= limit:
                        extra.append(row)
                elif row < limit:
                    hidden.append(row)
        return Rows(limit, np.array(hidden, dtype=np.int64), np.array(extra, dtype=np.int64))

    def _undecided(self, here: StoryPosition, now: Sequence[_Stretch], plain: int) -> Iterator[int]:
        """The chapters with scenes whose passages must be looked at one by one.

        Not those of the past that are wholly visible, as are the plain ones below `plain`, nor
        those to come that have no backstory to show.
        """
        for chapter, stretches in sorted(self._scenes.items()):
            past = [_past(stretch, now) for stretch in stretches]
            if chapter < min(here.chapter, plain) and all(past):
                continue
            backstory = [s.scene is not None and s.scene.backstory for s in stretches]
            if chapter > here.chapter and not any(map(and_, past, backstory)):
                continue
            yield chapter

    def _touched(self, chapter: int, passages: Sequence[Passage]) -> Iterator[tuple[int, Passage]]:
        """A chapter's passages from its first scene on."""
        first = self._scenes[chapter][0].scene
        assert first is not None
        row = cut(passages, StoryPosition(chapter, first.start))
        while row < len(passages) and (passage := passages[row]).chapter == chapter:
            yield row, passage
            row += 1


def _past(told: _Stretch, now: Sequence[_Stretch]) -> bool:
    return all(told == here or told.last <= here.first for here in now)


def _seen(
    told: Sequence[_Stretch], ends: StoryPosition, here: StoryPosition, now: Sequence[_Stretch]
) -> bool:
    if ends > here and not all(
        s.scene is not None and s.scene.backstory and s.chapter > here.chapter for s in told
    ):
        return False
    return all(_past(stretch, now) for stretch in told)


@dataclass(frozen=True, slots=True)
class View:
    """What may be shown where a passage is written: by time, and by who is looking.

    `position` None: everything is past. `knower` is the id of the character whose knowledge
    limits it; None limits nothing. `scenes` are those of the work that have their own time.
    """

    position: StoryPosition | None = None
    knower: str | None = None
    scenes: Sequence[Scene] = ()
    timeline: Timeline = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "timeline", Timeline(self.scenes))

    def sees(self, ends: StoryPosition, begins: StoryPosition | None = None) -> bool:
        """Whether a text may be seen that ends there; it begins with its chapter unless told."""
        if self.position is None:
            return True
        return self.timeline.sees(self.position, begins or StoryPosition(ends.chapter, 0), ends)

    def passed(self, place: StoryPosition | None) -> bool:
        """Whether a place of the telling lies behind; None is before the beginning."""
        if self.position is None or place is None:
            return True
        return self.timeline.passed(self.position, place)

    def refuses(self, validity: Validity) -> str | None:
        """Why it may not be shown, for an author; None when it may.

        It holds from when `since` is passed until `until` is. Without a position it is asked
        neither; a knower must then have learned it anywhere.
        """
        if not validity.placed:
            return GONE
        if not self.passed(validity.since):
            return NOT_YET
        if self.position is not None and validity.until and self.passed(validity.until):
            return OVER
        return None if self._knows(validity) else UNKNOWN

    def _knows(self, validity: Validity) -> bool:
        if self.knower is None or validity.known_by is None:
            return True
        return self.knower in validity.known_by and self.passed(validity.known_by[self.knower])


def visible_rows(passages: Sequence[Passage], view: View) -> Rows:
    """Which passages, in the order of the telling, may be searched.

    O(log n) without scenes; with them, one look more at each passage of a chapter that has one.
    """
    if view.position is None:
        return Rows(len(passages))
    if view.timeline.empty:
        return Rows(cut(passages, view.position))
    return view.timeline.rows(passages, view.position)
