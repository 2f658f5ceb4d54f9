"""What is visible at a point of the story, decided in this one place.

Knows nothing of indexes: they keep their rows in story order and ask `cut` how many of
them, from the first, may be searched.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.types import Passage, StoryPosition, Validity


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


@dataclass(frozen=True, slots=True)
class View:
    """What may be shown where a passage is written: by time, and by who is looking.

    `knower` is the id of the character whose knowledge limits it; None limits nothing.
    """

    position: StoryPosition | None = None
    knower: str | None = None

    def sees(self, ends: StoryPosition) -> bool:
        """Whether a text that ends there is wholly in the past."""
        return self.position is None or ends <= self.position

    def refuses(self, validity: Validity) -> str | None:
        """Why it may not be shown, for an author; None when it may."""
        if not validity.placed:
            return "它所在的章节已不在，请重新指定从哪里起"
        if self.position is not None:
            if validity.since is not None and self.position < validity.since:
                return "此时还没有发生"
            if validity.until is not None and self.position >= validity.until:
                return "此时已经过去"
        if self.knower is not None and validity.known_by is not None:
            learned = validity.known_by.get(self.knower, _NEVER)
            if learned is _NEVER or (
                isinstance(learned, StoryPosition)
                and self.position is not None
                and self.position < learned
            ):
                return "视角人物此时还不知道"
        return None


_NEVER = object()
