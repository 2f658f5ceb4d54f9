"""Which recaps a book wants, and what each of them reads.

    chapter   every chapter with text                       reads its text
    volume    every part: a volume, or an arc of one        reads its chapters' recaps
    book      the skeleton of parts 1 to n, for n >= 2      reads skeleton n-1 (part 1) and part n

So an edit is felt along one branch and the skeletons after it, and a place of writing in part
n + 1 has a skeleton that read nothing of n + 1. The first part is its own skeleton.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby, pairwise

LONGEST_PART = 20
"""Chapters from which on a volume is cut into arcs: no place of writing should be far from the
last recap that covers many chapters."""
SHORTEST_ARC, LONGEST_ARC = 8, 13


class Level(StrEnum):
    CHAPTER = "chapter"
    VOLUME = "volume"
    BOOK = "book"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One recap: a chapter's by the chapter's id; a part's, and the skeleton's that ends with
    it, by the volume's id or, for an arc, the id of its first chapter."""

    level: Level
    target: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter with text, as recaps see it; `sha256` is the text's."""

    id: str
    order: int
    title: str
    sha256: str
    volume_id: str | None = None
    volume_title: str = ""
    length: int = 0
    """Characters of its text, about."""

    @property
    def label(self) -> str:
        return self.title.strip() or f"第{self.order + 1}章"


@dataclass(frozen=True, slots=True)
class Node:
    """A recap that is wanted. It covers `plan.chapters[first:stop]`."""

    key: Key
    label: str
    first: int
    stop: int
    reads: tuple[Key, ...] = ()
    """Recaps, in the order of the telling; a chapter's reads its text instead."""
    closed: bool = True
    """False for the last part and its skeleton, which grow with every chapter written and are
    seen from nowhere yet."""


@dataclass(frozen=True)
class Plan:
    chapters: tuple[Chapter, ...]
    """In the order of the telling."""
    parts: tuple[Node, ...]
    nodes: dict[Key, Node] = field(repr=False)
    """Every node, what it reads before it."""

    def covered(self, node: Node) -> tuple[Chapter, ...]:
        return self.chapters[node.first : node.stop]

    def skeleton(self, part: int) -> Node:
        """What tells parts[0..part] most shortly: the first part itself, then skeletons."""
        node = self.parts[part]
        return self.nodes[Key(Level.BOOK, node.key.target)] if part else node

    def parts_in(self, node: Node) -> int:
        """How many parts a skeleton tells."""
        return sum(node.first <= part.first and part.stop <= node.stop for part in self.parts)

    def part_of(self, place: int) -> int:
        """The number of the part that covers `chapters[place]`."""
        return next(n for n, part in enumerate(self.parts) if part.first <= place < part.stop)


def plan_recaps(chapters: Sequence[Chapter]) -> Plan:
    """The tree for these chapters, in any order; those without text should be left out."""
    told = tuple(sorted(chapters, key=lambda c: c.order))
    parts = tuple(_parts(told))
    nodes = [Node(Key(Level.CHAPTER, c.id), c.label, n, n + 1) for n, c in enumerate(told)] + list(
        parts
    )
    before = parts[0].key if parts else None
    for part in parts[1:]:
        assert before is not None
        key = Key(Level.BOOK, part.key.target)
        label = f"全书至{part.label}"
        nodes.append(Node(key, label, 0, part.stop, (before, part.key), part.closed))
        before = key
    return Plan(told, parts, {node.key: node for node in nodes})


def _parts(chapters: Sequence[Chapter]) -> Iterator[Node]:
    seen: set[str] = set()
    for first, stop in _stretches(chapters):
        volume = chapters[first].volume_id
        whole = volume is not None and volume not in seen and _is_whole(chapters, first, stop)
        if volume is not None:
            seen.add(volume)
        inside = chapters[first:stop]
        key = Key(Level.VOLUME, volume if whole and volume else inside[0].id)
        reads = tuple(Key(Level.CHAPTER, c.id) for c in inside)
        label = _label(inside, whole)
        yield Node(key, label, first, stop, reads, closed=stop < len(chapters))


def _stretches(chapters: Sequence[Chapter]) -> Iterator[tuple[int, int]]:
    """[first, stop) of each part: chapters of one volume that stand together, cut into arcs
    where they are many or belong to no volume."""
    start = 0
    for volume, group in groupby(chapters, key=lambda c: c.volume_id):
        stop = start + len(list(group))
        if volume is not None and stop - start <= LONGEST_PART:
            yield start, stop
        else:
            yield from pairwise([*_arc_starts(chapters, start, stop), stop])
        start = stop


def _arc_starts(chapters: Sequence[Chapter], start: int, stop: int) -> Iterator[int]:
    """Arcs of about ten. Where one begins is decided by its chapter's id, not by counting, so
    that a chapter put in or taken out moves the borders near it and not all that follow."""
    yield start
    length = 0
    for place in range(start, stop):
        if length >= SHORTEST_ARC and (length == LONGEST_ARC or _begins(chapters[place].id)):
            yield place
            length = 0
        length += 1


def _begins(chapter_id: str) -> bool:
    return hashlib.sha256(chapter_id.encode()).digest()[0] % 2 == 0


def _is_whole(chapters: Sequence[Chapter], first: int, stop: int) -> bool:
    """Whether the stretch is all that stands together of its volume."""
    volume = chapters[first].volume_id
    return (first == 0 or chapters[first - 1].volume_id != volume) and (
        stop == len(chapters) or chapters[stop].volume_id != volume
    )


def _label(inside: Sequence[Chapter], whole: bool) -> str:
    if whole and inside[0].volume_title.strip():
        return inside[0].volume_title.strip()
    first, last = inside[0].order + 1, inside[-1].order + 1
    return f"第{first}章" if first == last else f"第{first}–{last}章"
