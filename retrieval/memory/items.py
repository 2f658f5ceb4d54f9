"""Recaps as candidates for a prompt: only of what is past where something is written.

From far to near: the skeleton of everything before the current part, the part before it, the
chapters of the current part and never fewer than the last NEAR. Priorities go the other way:
a small window keeps the chapter just before, then the skeleton. Where the skeleton or a part
does not exist or may not be seen, what it stands for is offered piece by piece instead.

The end of the chapter before stands in the prompt word for word (`retrieval/context.py`); how
the chapters join is not told here a second time.
"""

from collections.abc import Callable, Iterator, Mapping

from retrieval.memory.fresh import AUTHOR, EXTRACTIVE, Recap, Recaps, Status, statuses
from retrieval.memory.plan import Chapter, Key, Level, Node, Plan
from retrieval.timeline import View
from retrieval.types import ContextItem, Group, StoryPosition

NEAR = 5
NEAREST_PRIORITY, SKELETON_PRIORITY, NEAR_PRIORITY = 58.0, 56.0, 54.0
PART_PRIORITY, EARLIER_PRIORITY = 47.0, 44.0
FIRST_ORDER, LAST_ORDER = 0.1, 0.9
"""They stand after the synopsis (0) and before the outline's notes (1 and on)."""


def recap_items(
    plan: Plan,
    recaps: Recaps,
    view: View,
    found: Mapping[Key, Status] | None = None,
    *,
    automatic: bool = True,
) -> list[ContextItem]:
    """Items of Group.RECAP, in the order of the story.

    A recap is seen where all that it covers is in the past of `view`, told before it begins
    the chapter being written. What was made by program counts only while it is true; what the
    author wrote also when the text has changed since, and says so. `automatic` False leaves
    the author's alone. `found` are the recaps' `statuses`, where they are known already.
    `view.knower` limits nothing: a recap is the narrator's.
    """
    offer = _Offer(plan, recaps, view, found or statuses(plan, recaps), automatic)
    told = list(offer.items())
    step = (LAST_ORDER - FIRST_ORDER) / max(1, len(told))
    return [
        _item(plan, node, recaps[node.key], offer.found[node.key], priority, FIRST_ORDER + n * step)
        for n, (node, priority) in enumerate(told)
    ]


class _Offer:
    """What may be shown at one place, chosen."""

    def __init__(
        self, plan: Plan, recaps: Recaps, view: View, found: Mapping[Key, Status], automatic: bool
    ) -> None:
        self.plan = plan
        self.recaps = recaps
        self.found = found
        self.automatic = automatic
        self.past = [_past(view, chapter) for chapter in plan.chapters]
        self.now = _first(plan, lambda c: view.position is not None
                          and c.order >= view.position.chapter)  # fmt: skip
        self.misplaced = self._misplaced()

    def items(self) -> Iterator[tuple[Node, float]]:
        """Nodes with their priorities, in the order of the story."""
        if not self.now:
            return
        # A chapter without text yet belongs to no part: it is taken to go on with the last one.
        part = self.plan.part_of(min(self.now, len(self.plan.chapters) - 1))
        begins, near = self.plan.parts[part].first, max(0, self.now - NEAR)
        yield from self._before(part, min(begins, near), near)
        yield from self._chapters(min(begins, near), self.now)

    def _before(self, part: int, chapters_from: int, near: int) -> Iterator[tuple[Node, float]]:
        """All parts before `part`: in one skeleton, with the last of them again in more words."""
        if part == 0:
            return
        skeleton = self.plan.skeleton(part - 1)
        last = self.plan.parts[part - 1]
        if self._usable(skeleton):
            yield skeleton, SKELETON_PRIORITY
            if skeleton is not last and self._usable(last) and last.first < near:
                yield last, PART_PRIORITY
            return
        for n, one in enumerate(self.plan.parts[:part]):
            yield from self._part(one, PART_PRIORITY - (part - n) / 10, chapters_from)

    def _part(
        self, part: Node, priority: float, chapters_from: int
    ) -> Iterator[tuple[Node, float]]:
        if self._usable(part):
            yield part, priority
            return
        for key in part.reads:
            node = self.plan.nodes[key]
            if self._usable(node) and node.stop <= chapters_from:
                yield node, priority - 5

    def _chapters(self, first: int, stop: int) -> Iterator[tuple[Node, float]]:
        for place in range(first, stop):
            node = self.plan.nodes[Key(Level.CHAPTER, self.plan.chapters[place].id)]
            if self._usable(node):
                yield node, _nearness(stop - place)

    def _usable(self, node: Node) -> bool:
        """Past, and true or the author's own."""
        recap = self.recaps.get(node.key)
        if recap is None or not recap.text.strip():
            return False
        if not all(self.past[node.first : node.stop]):
            return False
        if recap.maker == AUTHOR:
            return node.key not in self.misplaced
        # It may have read what an author wrote when the chapters stood in another order.
        reads_past = not any(
            node.first <= other.first and other.stop <= node.stop
            for other in (self.plan.nodes[key] for key in self.misplaced)
        )
        return self.automatic and self.found[node.key] is Status.FRESH and reads_past

    def _misplaced(self) -> frozenset[Key]:
        """What an author wrote to chapters that are gone, or not in the past, by now."""
        past = {c.id for c, is_past in zip(self.plan.chapters, self.past, strict=True) if is_past}
        return frozenset(
            key
            for key, recap in self.recaps.items()
            if recap.maker == AUTHOR
            and self.found.get(key) is Status.STALE
            and not all(source.id in past for source in recap.sources)
        )


def _past(view: View, chapter: Chapter) -> bool:
    """The whole chapter lies before; the one being written never does, even at its end."""
    begins, ends = StoryPosition(chapter.order, 0), StoryPosition(chapter.order + 1, 0)
    return (view.position is None or ends <= view.position) and view.sees(ends, begins)


def _first(plan: Plan, holds: Callable[[Chapter], bool]) -> int:
    return next((n for n, c in enumerate(plan.chapters) if holds(c)), len(plan.chapters))


def _nearness(distance: int) -> float:
    """Priority of the chapter `distance` before the one being written."""
    if distance == 1:
        return NEAREST_PRIORITY
    if distance <= NEAR:
        return NEAR_PRIORITY - distance
    return EARLIER_PRIORITY - distance / 10


def _item(
    plan: Plan, node: Node, recap: Recap, status: Status, priority: float, order: float
) -> ContextItem:
    stale = "，读过的正文改过了" if status is Status.STALE else ""
    return ContextItem(
        id=f"recap:{node.key.level.value}:{node.key.target}",
        group=Group.RECAP,
        text=f"{_heading(plan, node)}：{recap.text.strip()}",
        source=f"前情·{node.label}（{maker_name(recap)}{stale}）",
        priority=priority,
        order=order,
        keep="start",
    )


def _heading(plan: Plan, node: Node) -> str:
    if node.key.level is not Level.BOOK:
        return node.label
    return f"此前的故事（至{plan.covered(node)[-1].label}）"


def maker_name(recap: Recap) -> str:
    """摘录, 模型 or 手写: who made it, in an author's word."""
    if recap.maker == AUTHOR:
        return "手写"
    return "摘录" if recap.maker == EXTRACTIVE else "模型"
