"""What was found, weighed by all that speaks for it, and out of it what the prompt shows.

Each method brings candidates; `evidence` says what speaks for each of them; a linear model
of some thirty weights orders them. The weights are fitted by `training/fusion` and lie in
`data/models/yanchi-rank`, whose card has the figures. Knows nothing of how methods search.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.bm25 import Corpus
from retrieval.counts import Floats, count, heaviest
from retrieval.embed import Vectors
from retrieval.evidence import CHAPTER_FEATURES, PASSAGE_FEATURES, Evidence, Scene
from retrieval.expand import Asked
from retrieval.passage_columns import texts_of
from retrieval.tokens import Ints
from retrieval.types import Found, Passage, StoryPosition

DEPTH = 100
"""Candidates that a method should bring for `combine`."""
CHAPTER_DEPTH = 200
"""The same for `chapters`."""
ROWS = 1600
"""Passages that are looked at for one query: the candidates' chapters, whole."""
LARGE_ROWS = 400
"""The same in a large work, where words are counted in the passages' text."""
TOKENS = 128
"""Tokens of a query that are counted: the heaviest of a long one."""
_CELLS = 200_000
"""Rows times tokens that one query may count."""
_WEIGHTS = Path(__file__).parents[1] / "data" / "models" / "yanchi-rank" / "weights.json"
_PIECE = 24
"""Characters that do not stand in two places by chance."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each feature counts, in the order of the features' names."""

    passages: Floats
    chapters: Floats


@cache
def fitted() -> Weights:
    """The shipped weights. Raises ValueError where they are not for these features."""
    read = json.loads(_WEIGHTS.read_text(encoding="utf-8"))
    return Weights(
        _in_order(read["passages"], PASSAGE_FEATURES), _in_order(read["chapters"], CHAPTER_FEATURES)
    )


def _in_order(weights: Mapping[str, float], names: Sequence[str]) -> Floats:
    if weights.keys() != set(names):
        raise ValueError(f"weights for {sorted(weights)}, features are {sorted(names)}")
    return np.array([weights[name] for name in names], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Work:
    """What is looked at in one state of a work."""

    passages: Sequence[Passage]
    """[n], in story order."""
    corpus: Corpus
    starts: Ints
    """[m + 1]: the first row of each chapter that has passages, then n."""
    cosines: Callable[[Vectors, Ints], Floats]
    """(vectors [x, d], rows [r]) → [x, r]; 0 where a passage has no vector."""


def combine(
    work: Work,
    asked: Asked,
    vectors: Sequence[Vectors],
    found: Mapping[str, Sequence[int]],
    seen: NDArray[np.bool_],
    weights: Weights | None = None,
) -> Iterator[Found]:
    """Every candidate, best first, as they are asked for; scores lie in 0..1 and order one query's passages.

    `found` has each method's rows, best first. `vectors` are those of the query and of each
    of its clauses, or none where no model is there. `seen`, [n], is what may be looked at:
    what stands around a candidate counts only where the writer may see it, and a candidate
    that may not be seen is no candidate. Ties fall to the earlier passage.
    """
    candidates = merged([*found.values()], seen)
    if not len(candidates):
        return
    scene = look(work, asked, vectors, candidates, seen)
    places = np.flatnonzero(np.isin(scene.counts.rows, candidates, assume_unique=True))
    rows = scene.counts.rows[places]
    features = Evidence(scene).passages(places, texts_of(work.passages, rows))
    scores = features @ (weights or fitted()).passages
    ranks = {name: {row: rank for rank, row in enumerate(one, 1)} for name, one in found.items()}
    for at in np.argsort(-scores, kind="stable"):
        row = int(rows[at])
        by_method = {name: rank[row] for name, rank in ranks.items() if row in rank}
        yield Found(work.passages[row], _share(float(scores[at])), by_method)


def chapters(
    work: Work,
    asked: Asked,
    vectors: Sequence[Vectors],
    found: Mapping[str, Sequence[int]],
    seen: NDArray[np.bool_],
    weights: Weights | None = None,
) -> list[tuple[int, float]]:
    """The chapters that a query tells of, by their place in the telling, best first.

    Arguments as those of `combine`; scores lie in 0..1.
    """
    candidates = merged([*found.values()], seen)
    if not len(candidates):
        return []
    scene = look(work, asked, vectors, candidates, seen)
    evidence = Evidence(scene)
    scores = evidence.of_chapters() @ (weights or fitted()).chapters
    first = scene.counts.rows[evidence.chapters.starts]
    return [
        (work.passages[int(first[at])].chapter, _share(float(scores[at])))
        for at in np.argsort(-scores, kind="stable")
    ]


def look(
    work: Work,
    asked: Asked,
    vectors: Sequence[Vectors],
    candidates: Ints,
    seen: NDArray[np.bool_],
) -> Scene:
    """The candidates' chapters, as far as they may be seen, the better candidates' first
    where there are too many; `candidates` best first, at least one."""
    asked = heaviest(work.corpus, asked, TOKENS)
    limit = LARGE_ROWS if work.corpus.large else ROWS
    limit = max(min(limit, _CELLS // max(len(asked.tokens), 1)), len(candidates))
    kept = np.zeros(len(seen), dtype=bool)
    kept[candidates] = True
    room = limit - len(candidates)
    ordinals = np.searchsorted(work.starts, candidates, side="right") - 1
    for ordinal in dict.fromkeys(ordinals.tolist()):
        chapter = slice(work.starts[ordinal], work.starts[ordinal + 1])
        room -= int((seen[chapter] & ~kept[chapter]).sum())
        if room < 0:
            break
        kept[chapter] |= seen[chapter]
    rows = np.flatnonzero(kept)
    shape = 1 + len(asked.clauses), len(rows)
    cosines = work.cosines(np.stack(vectors), rows) if len(vectors) else np.zeros(shape, np.float32)
    chapter_of = np.searchsorted(work.starts, rows, side="right") - 1
    return Scene(asked, count(work.corpus, asked.tokens, rows), chapter_of, cosines)


def merged(lists: Sequence[Sequence[int] | Ints], seen: NDArray[np.bool_]) -> Ints:
    """Every visible row once, the lists taking turns, best first."""
    turns = zip_longest(*lists)
    rows = dict.fromkeys(int(row) for turn in turns for row in turn if row is not None)
    return np.array([row for row in rows if seen[row]], dtype=np.int64)


def _share(score: float) -> float:
    return float(1 / (1 + np.exp(-score)))


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
