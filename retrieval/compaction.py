"""Keeping segments few: every save adds a small one, and leaves dead rows in the others.

As in log-structured merging (O'Neil et al. 1996; Lucene's tiered merges): when a size class
holds many segments they become one, and a segment of which too much is dead is written
anew. A passage is rewritten once a size class, however often its neighbours are edited.
Knows nothing of locks or manifests.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np

from retrieval import segment as segments
from retrieval.generation import disk_refusals, new_segment_name
from retrieval.segment import Segment
from retrieval.snapshot import ChapterMark, Part, Snapshot
from retrieval.sync import SEGMENT_ROWS
from retrieval.types import Passage
from retrieval.vector_index import Aim

_FACTOR = 8
"""Segments of a size class before they are merged, and how much larger the next class is."""
_DEAD = 0.3
"""Share of dead rows from which a segment is written anew."""


def groups(snapshot: Snapshot) -> list[list[Part]]:
    """What should become one segment each; [] where all is well."""
    classes: dict[tuple[bool, int], list[Part]] = defaultdict(list)
    found = []
    for part in snapshot.parts:
        if part.alive <= (1 - _DEAD) * len(part.segment):
            found.append([part])
        else:
            size = int(log(max(part.alive, 1), _FACTOR))
            classes[part.segment.vectors is not None, size].append(part)
    for members in classes.values():
        if len(members) >= _FACTOR:
            found.append(_fitting(members))
    return [group for group in found if len(group) > 1 or _is_worn(group[0])]


def _is_worn(part: Part) -> bool:
    return part.alive < len(part.segment)


def _fitting(members: list[Part]) -> list[Part]:
    """The smallest, as many as one segment holds."""
    rising = sorted(members, key=lambda part: part.alive)
    sizes = np.cumsum([part.alive for part in rising])
    return rising[: int(np.searchsorted(sizes, SEGMENT_ROWS, "right"))]


def compacted(folder: Path, snapshot: Snapshot, aim: Aim) -> Snapshot:
    """The same state in fewer segments; the snapshot itself where all is well.

    Raises IndexFailure.
    """
    for group in groups(snapshot):
        snapshot = _merged(folder, snapshot, group, aim)
    return snapshot


def _merged(folder: Path, snapshot: Snapshot, group: Sequence[Part], aim: Aim) -> Snapshot:
    names = {part.segment.name for part in group}
    moved = [mark for mark in snapshot.marks if mark.segment in names and mark.passages]
    passages: list[Passage] = []
    row = 0
    begins = {}
    for mark in snapshot.marks:
        if mark.passages and mark.segment in names:
            begins[mark.id] = len(passages)
            passages += snapshot.passages[row : row + mark.passages]
        row += mark.passages
    with disk_refusals():
        name = new_segment_name(folder)
        made = segments.write(folder, name, passages)
        if all(part.segment.vectors is not None for part in group):
            made = segments.add_vectors(folder, made, _vectors(snapshot, moved), aim)
    marks = [
        replace(mark, segment=name, first=begins[mark.id]) if mark.id in begins else mark
        for mark in snapshot.marks
    ]
    kept: dict[str, Segment] = {n: s for n, s in snapshot.segments.items() if n not in names}
    return Snapshot(marks, kept | {name: made}, snapshot.maker)


def _vectors(
    snapshot: Snapshot, marks: Sequence[ChapterMark]
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Of these chapters' passages, in this order."""
    rows = []
    for mark in marks:
        index = snapshot.segments[mark.segment].vectors
        assert index is not None
        rows.append(index.vectors(np.arange(mark.first, mark.first + mark.passages)))
    return np.concatenate(rows)
