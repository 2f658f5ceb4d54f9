"""What an author took and refused of the desk's drafts, as answers of which one was preferred.

Knows drafts, not where they come from (`preferences_log` reads them from a desk). Drafts that were
asked for the same thing at the same place are compared with each other; what an author mended
while taking it is preferred to what the model had written.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Literal

from training.context import BEGUN
from training.types import Origin, Preference, Turn

MADE_BY = "desk-drafts/1"
TAKEN = 0.5
"""A draft of which less than this share stands in the book was not taken, only used."""

Judging = Literal["dpo", "kto"]


@dataclass(frozen=True, slots=True)
class Draft:
    """One answer of the desk's log.

    `place` is the same for all that were asked the same; `begun` is how the prompt begins the
    answer, which goes on from there; `text` is the answer as the author wants it, or does not.
    """

    place: str
    turns: tuple[Turn, ...]
    begun: str
    origin: Origin
    text: str = ""
    wanted: bool = False

    @property
    def answer(self) -> str:
        return f"{self.begun}{self.text.rstrip()}" if self.begun else self.text.strip()


def preferences(drafts: Iterable[Draft], judging: Judging) -> Iterator[Preference]:
    """DPO: every taken draft beside every refused one of its place; KTO: every draft by itself."""
    if judging == "kto":
        yield from (_alone(draft) for draft in drafts)
        return
    for place in _by_place(drafts):
        for one in place.taken:
            yield from (_pair(one, other) for other in place.refused if other.answer != one.answer)


@dataclass(slots=True)
class _Place:
    taken: list[Draft] = field(default_factory=list)
    refused: list[Draft] = field(default_factory=list)


def _by_place(drafts: Iterable[Draft]) -> Iterable[_Place]:
    places: dict[str, _Place] = {}
    for draft in drafts:
        place = places.setdefault(draft.place, _Place())
        (place.taken if draft.wanted else place.refused).append(draft)
    return places.values()


def _alone(draft: Draft) -> Preference:
    chosen, rejected = (draft.answer, None) if draft.wanted else (None, draft.answer)
    return Preference(draft.turns, chosen, rejected, draft.origin, extra=_begun(draft))


def _pair(taken: Draft, refused: Draft) -> Preference:
    return Preference(taken.turns, taken.answer, refused.answer, taken.origin, extra=_begun(taken))


def _begun(draft: Draft) -> dict[str, int]:
    return {BEGUN: len(draft.begun)} if draft.begun else {}


# --- what an author took ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taken:
    """`candidate` is the one it was made from, `text` what stands in the book."""

    candidate: int
    text: str


def taken(candidates: Sequence[str], before: str, after: str, start: int, end: int) -> Taken | None:
    """What of the candidates came into a chapter whose text was `before` and is `after`, where
    they were written for `start` to `end`. None: too little of any of them."""
    for at in sorted(range(len(candidates)), key=lambda at: -len(candidates[at])):
        words = candidates[at].strip()
        if words and words in after and words not in before:
            return Taken(at, candidates[at])
    behind = before[end:]
    if before[:start] != after[:start] or not after[start:].endswith(behind):
        return None
    stands = after[start : len(after) - len(behind)]
    shares = [_share(text, stands) for text in candidates]
    if max(shares, default=0.0) < TAKEN:
        return None
    return Taken(shares.index(max(shares)), stands)


def was_mended(text: str, stands: str) -> bool:
    """Whether an author changed the draft, not only left out its end."""
    return not text.strip().startswith(stands.strip())


def _share(text: str, stands: str) -> float:
    """Of the characters of `text`, how many stand there in its order."""
    same = SequenceMatcher(None, text, stands, autojunk=False).get_matching_blocks()
    return sum(block.size for block in same) / max(len(text), 1)
