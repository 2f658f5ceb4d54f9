"""What a save changed in a text, and where an offset into the old text lies in the new one.

Knows nothing of rows: `places.py` moves theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Edge = Literal["start", "end"]

MOST_LINES = 4000
"""Lines of a changed stretch beyond which it counts as one change, not as several."""


@dataclass(frozen=True, slots=True)
class Edit:
    """`old[start:end]` was replaced by `length` characters."""

    start: int
    end: int
    length: int


def edits_between(old: str, new: str) -> list[Edit]:
    """What turns `old` into `new`, in order: by lines, each then without its common ends.

    By lines, so that a chapter corrected at its beginning and its end leaves what lies
    between in its place.
    """
    start = _common(old, new)
    rest = _common(old[start:][::-1], new[start:][::-1])
    before, after = old[start : len(old) - rest], new[start : len(new) - rest]
    if not before and not after:
        return []
    one, other = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if max(len(one), len(other)) > MOST_LINES:
        return [Edit(start, start + len(before), len(after))]
    return [_trimmed(*hunk) for hunk in _hunks(start, one, other)]


def moved(edits: Sequence[Edit], offset: int, edge: Edge, at_insertion: Edge | None = None) -> int:
    """Where an offset into the old text lies in the new one.

    Inside a stretch that was replaced it goes to this edge of what stands there now; so it does
    where something was inserted, unless `at_insertion` says otherwise.
    """
    shift = 0
    for edit in edits:
        if offset < edit.start or (offset == edit.start < edit.end):
            break
        if offset < edit.end:
            return edit.start + shift + (edit.length if edge == "end" else 0)
        if offset == edit.start:
            side = at_insertion or edge
            return offset + shift + (edit.length if side == "end" else 0)
        shift += edit.length - (edit.end - edit.start)
    return offset + shift


def _hunks(start: int, old: Sequence[str], new: Sequence[str]) -> list[tuple[int, str, str]]:
    """(offset, old text, new text) of every run of lines that differs."""
    places = [start]
    for line in old:
        places.append(places[-1] + len(line))
    changes = SequenceMatcher(None, old, new).get_opcodes()
    return [
        (places[a], "".join(old[a:b]), "".join(new[c:d]))
        for tag, a, b, c, d in changes
        if tag != "equal"
    ]


def _trimmed(start: int, old: str, new: str) -> Edit:
    before = _common(old, new)
    after = _common(old[before:][::-1], new[before:][::-1])
    return Edit(start + before, start + len(old) - after, len(new) - before - after)


def _common(one: str, other: str) -> int:
    """The length of the longest common prefix, by halving: slices compare at memory speed."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
