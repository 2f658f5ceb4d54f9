"""Several ranked lists to one, and out of it what the prompt already shows.

Knows nothing of indexes: a method is a name and the passages it found, with scores.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from retrieval.types import Found, Passage, StoryPosition

Ranked = Sequence[tuple[Passage, float]]
"""Passages with a method's scores, best first."""

WEIGHTS: Mapping[str, float] = {"lexical": 0.7, "dense": 0.3}
"""How much a method's score counts beside the others'.

Measured with the shipped model on books it was not trained on, R@10 (MRR@10):

    queries → what they ask for             lexical       dense         0.7 + 0.3     RRF, equal
    chapter couplet → chapter (478)         .841 (.587)   .661 (.397)   .862 (.593)   .810 (.548)
    modern → classical, two books (500)     .976 (.911)   .990 (.949)   .992 (.949)   .990 (.954)
    sentence → its passage less it (1,056)  .569 (.382)   .418 (.240)   .583 (.385)   .533 (.326)

From 0.8 + 0.2 to 0.6 + 0.4 no recall falls below lexical search alone; at 0.5 + 0.5 the
first and the last do. With a weaker embedder (.565 on couplets) 0.8 + 0.2 was best. All of
these queries share names with the text, which flatters words.
"""
DEPTH = 100
"""Candidates a method should bring; from 50 to 200 nothing changes by more than a point."""

_PIECE = 24
"""Characters that do not stand in two places by chance."""


def fuse(lists: Mapping[str, Ranked], weights: Mapping[str, float] = WEIGHTS) -> list[Found]:
    """One list, best first, of everything found; scores lie in 0..1.

    A convex combination of scores, each list's stretched to 0..1 (S. Bruch, S. Gai,
    A. Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2023): unlike
    reciprocal ranks it keeps what a method knows about how much better its first is. A
    method that did not find a passage gives it 0. Ties fall to the earlier passage. Raises
    ValueError for a method without a weight.
    """
    unknown = lists.keys() - weights.keys()
    if unknown:
        raise ValueError(f"no weight for {sorted(unknown)}")
    whole = sum(weights[method] for method in lists) or 1.0
    scores: dict[Passage, float] = {}
    ranks: dict[Passage, dict[str, int]] = {}
    for method, ranked in lists.items():
        share = weights[method] / whole
        for rank, (passage, score) in enumerate(_stretched(ranked), start=1):
            scores[passage] = scores.get(passage, 0.0) + share * score
            ranks.setdefault(passage, {})[method] = rank
    order = sorted(scores, key=lambda passage: (-scores[passage], passage.begins))
    return [Found(passage, scores[passage], ranks[passage]) for passage in order]


def _stretched(ranked: Ranked) -> Ranked:
    """Scores from 1 for the first to 0 for the last; all 1 where they are equal."""
    if not ranked:
        return []
    best, worst = ranked[0][1], ranked[-1][1]
    if best <= worst:
        return [(passage, 1.0) for passage, _ in ranked]
    return [(passage, (score - worst) / (best - worst)) for passage, score in ranked]


def overlapping(passages: Sequence[Passage], end: StoryPosition, length: int) -> set[int]:
    """Rows of the passages that reach into the `length` characters before `end`.

    Only in the chapter of `end`: where a text that begins in an earlier chapter starts is
    not known here, and `not_standing_in` finds those by their words.
    """
    start = end.offset - length
    return {
        row
        for row, passage in enumerate(passages)
        if passage.chapter == end.chapter
        and max(passage.start, start) < min(passage.end, end.offset)
    }


def not_standing_in(text: str, found: Iterable[Found]) -> Iterator[Found]:
    """Those of which less than half stands word for word in the text; as they are asked for."""
    return (one for one in found if not _stands_in(one.passage.text, text))


def _stands_in(passage: str, text: str) -> bool:
    words = passage.strip()
    if len(words) < 2 * _PIECE:
        return words in text
    pieces = [words[start : start + _PIECE] for start in range(0, len(words) - _PIECE + 1, _PIECE)]
    return 2 * sum(piece in text for piece in pieces) >= len(pieces)


def distinct(found: Iterable[Found]) -> Iterator[Found]:
    """The first of each text: a refrain that stands in ten chapters fills one place."""
    seen: set[str] = set()
    for one in found:
        words = one.passage.text.strip()
        if words not in seen:
            seen.add(words)
            yield one
