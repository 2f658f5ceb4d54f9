"""What is visible at a point of the story, decided in this one place.

Knows nothing of indexes: they keep their rows in story order and ask `cut` how many of
them, from the first, may be searched.
"""

from bisect import bisect_right
from collections.abc import Sequence

from retrieval.types import Passage, StoryPosition


def visible(passage: Passage, before: StoryPosition | None) -> bool:
    """True where the whole passage stands before the position; None hides nothing.

    A passage that the position cuts in two is the future: its second half would tell the
    writer what is still to be written, or what is being rewritten.
    """
    return before is None or passage.ends <= before


def cut(passages: Sequence[Passage], before: StoryPosition | None) -> int:
    """How many passages, from the first, are visible; `passages` are in story order.

    Story order means that their ends never fall, which also holds where they overlap.
    """
    if before is None:
        return len(passages)
    return bisect_right(passages, before, key=lambda passage: passage.ends)
