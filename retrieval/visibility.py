"""The rows that one search may return, from a place of writing and what is left out.

`timeline` decides what a place may see; this puts its answer, and the rows a caller wants
left out, into the form that searches take. Knows nothing of indexes.
"""

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval import timeline
from retrieval.timeline import Rows, View
from retrieval.types import Passage, StoryPosition

When = View | StoryPosition | None
"""Where something is written. A bare position is that of a work without scenes; None sees all."""
Exclude = Callable[[Passage], bool] | Collection[int]
"""Passages not to return: those it is true of, or those in these rows."""
Mask = NDArray[np.bool_]


def rows(passages: Sequence[Passage], when: When) -> Rows:
    """Which of the passages, in the order of the telling, may be seen."""
    view = when if isinstance(when, View) else View(when)
    return timeline.visible_rows(passages, view)


def mask(passages: Sequence[Passage], when: When, exclude: Exclude = ()) -> Mask:
    """True for the rows that may be returned, [n]."""
    seen = rows(passages, when).mask(len(passages))
    if callable(exclude):
        for row in np.flatnonzero(seen):
            seen[row] = not exclude(passages[int(row)])
        return seen
    out = [row for row in exclude if 0 <= row < len(seen)]
    seen[np.array(out, dtype=np.int64)] = False
    return seen
