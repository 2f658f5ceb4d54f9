"""How good a recall is: its measures, and when an answer is right.

The rank of a query is the 1-based place of its first right answer, `inf` where none came
back. Every measure is over an array of ranks, so that methods are compared query by query.
Knows nothing of indexes or methods: benchmarks and the fusion recipe bring the answers.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrieval import timeline
from retrieval.types import Found, Passage, StoryPosition

DEPTH = 10
MISSED = float("inf")
Ranks = NDArray[np.float64]


class Span(NamedTuple):
    """Where an answer stands: `text[start:end]` of the chapter, by its place in the telling."""

    chapter: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Query:
    """A question with every place that answers it."""

    id: str
    kind: str
    text: str
    gold: tuple[Span, ...]


class Interval(NamedTuple):
    """A mean and the bounds between which it lies, at the level asked for."""

    mean: float
    low: float
    high: float


def read_queries(path: Path) -> list[Query]:
    """The queries of a JSON-lines file as `bench/queries` describes it.

    Raises OSError, and ValueError or KeyError for a line that is no query.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_query(json.loads(line)) for line in lines if line.strip()]


def _query(line: dict[str, object]) -> Query:
    gold = line["gold"]
    if not isinstance(gold, list) or not gold:
        raise ValueError(f"query {line['id']} has no gold span")
    spans = tuple(Span(int(g["chapter"]), int(g["start"]), int(g["end"])) for g in gold)
    return Query(str(line["id"]), str(line["kind"]), str(line["query"]), spans)


def recall_at(ranks: ArrayLike, k: int = DEPTH) -> float:
    """The share of queries whose first right answer is among the first k; 0 for no query."""
    places = np.asarray(ranks, dtype=np.float64)
    return float((places <= k).mean()) if places.size else 0.0


def mrr(ranks: ArrayLike, k: int = DEPTH) -> float:
    """Mean reciprocal rank, a right answer below the first k counting 0; 0 for no query."""
    places = np.asarray(ranks, dtype=np.float64)
    return float(np.where(places <= k, 1.0 / places, 0.0).mean()) if places.size else 0.0


def paired_interval(
    ours: ArrayLike, theirs: ArrayLike, *, level: float = 0.95, rounds: int = 10_000, seed: int = 0
) -> Interval:
    """By how much ours is better, and the bootstrap interval of that margin.

    One number a query and method ([n] each, e.g. 1 where it was found, 0 where not). Queries
    are drawn with replacement, both methods' numbers together, `rounds` times; the bounds are
    percentiles (B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13).
    Raises ValueError where the two do not pair, or for no query.
    """
    left, right = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if left.shape != right.shape or left.ndim != 1 or not left.size:
        raise ValueError(f"cannot pair {left.shape} with {right.shape}")
    values, times = np.unique(left - right, return_counts=True)
    # Drawing n queries with replacement is one multinomial draw over the distinct margins.
    drawn = np.random.default_rng(seed).multinomial(left.size, times / left.size, size=rounds)
    means = drawn @ values / left.size
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float((left - right).mean()), float(low), float(high))


def hits(ranks: ArrayLike, k: int = DEPTH) -> NDArray[np.float64]:
    """1 for each query found among the first k, else 0; what `paired_interval` takes."""
    return (np.asarray(ranks, dtype=np.float64) <= k).astype(np.float64)


def first_right(right: Iterable[bool]) -> float:
    """The 1-based place of the first true one, MISSED where there is none."""
    return next((float(place) for place, yes in enumerate(right, start=1) if yes), MISSED)


def answers(passage: Passage, gold: Collection[Span]) -> bool:
    """Whether the passage overlaps a gold span by at least half of the shorter of the two."""
    return any(
        passage.chapter == span.chapter
        and 2 * (min(passage.end, span.end) - max(passage.start, span.start))
        >= min(passage.end - passage.start, span.end - span.start)
        > 0
        for span in gold
    )


def span_rank(passages: Iterable[Passage], gold: Collection[Span]) -> float:
    """Rank of the first passage that answers; `passages` best first."""
    return first_right(answers(passage, gold) for passage in passages)


def chapter_order(passages: Iterable[Passage]) -> list[int]:
    """Chapters in the order of their best passage; `passages` best first."""
    return list(dict.fromkeys(passage.chapter for passage in passages))


def chapter_rank(chapters: Sequence[int], gold: Collection[int]) -> float:
    """Rank of the first right chapter; `chapters` best first, each once."""
    return first_right(chapter in gold for chapter in chapters)


def leak_rate(answered: Iterable[tuple[Sequence[Found], StoryPosition | None]]) -> float:
    """The share of returned passages that their position may not see; 0 for none returned."""
    seen = [timeline.visible(one.passage, before) for found, before in answered for one in found]
    return 1 - sum(seen) / len(seen) if seen else 0.0
