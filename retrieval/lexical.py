"""BM25 over passages, on characters and pairs of neighbouring characters.

Characters and bigrams need no dictionary, so a name the author made up weighs as much as
a word; on classical and modern fiction they also found more than words did. The formula
is Lucene's variant as bm25s computes it (S. Robertson, H. Zaragoza, "The Probabilistic
Relevance Framework", 2009; C. Kamphuis et al., "Which BM25 Do You Mean?", 2020); a test
holds the two together.

bm25s itself is not used here because the index changes with every save: it takes 1.1 s of
Python loops that hold the interpreter, and 0.8 s to import, for a novel of 850,000
characters. Postings lie in segments that are never changed; what depends on the whole work
(document frequencies, the mean length) is worked out when a query is answered.

A small work is answered exactly. In a large one the rarest tokens of the query, up to
POSTINGS_READ postings, bring candidates, whose exact scores are then counted in their own
text: a rare bigram says more than all the common characters, whose postings are nearly the
whole index. Knows nothing of vectors, files or fusion.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from retrieval import visibility
from retrieval.postings import K1, LARGE, B, Postings
from retrieval.recount import Recount
from retrieval.tokens import Ints, query_tokens
from retrieval.types import Passage

Scores = NDArray[np.float64]

POSTINGS_READ = 1_500_000
"""Postings that one query may read; about 20 ms."""
_CANDIDATES = 400
"""Passages rescored exactly, at least; four for each that is asked for, if that is more."""


@dataclass(frozen=True, slots=True)
class LexicalPart:
    """Postings of some passages, and the row of the work that each of them is."""

    postings: Postings
    rows: NDArray[np.int32]
    """[n]; -1 for a passage that is no longer in the work."""

    @property
    def worn(self) -> bool:
        return bool(len(self.rows)) and int(self.rows.min()) < 0


class LexicalIndex:
    """Immutable, so that any number of threads may search it.

    Document frequencies are those of the whole book, the future included: they weigh the
    query's words, and no passage of the future can be returned.
    """

    def __init__(
        self, passages: Sequence[Passage], parts: Sequence[LexicalPart] | None = None
    ) -> None:
        """`passages` in story order; `parts` cover each once, and are made where not given."""
        self.passages = passages
        if parts is None:
            made = Postings.build([passage.text for passage in passages])
            parts = [LexicalPart(made, np.arange(len(passages), dtype=np.int32))]
        self.parts = parts
        lengths = np.zeros(len(passages), dtype=np.int32)
        for part in parts:
            alive = part.rows >= 0
            lengths[part.rows[alive]] = part.postings.lengths[alive]
        mean = float(lengths.mean()) if len(lengths) else 0.0
        self.norm = (K1 * (1 - B + B * lengths / (mean or 1.0))).astype(np.float32)
        self.complete = all(part.postings.complete for part in parts)

    def scores(self, query: str) -> Scores:
        """BM25 of every passage, [n], in story order; a repeated word counts each time.

        Exact but for the common tokens of a large work, whose postings are not all kept;
        `scores_of` is exact there too.
        """
        asked = _Question(self, query)
        return asked.scores(np.ones(len(asked.tokens), dtype=bool))

    def scores_of(self, query: str, rows: Sequence[int] | Ints) -> Scores:
        """Exact BM25 of these rows alone, counted in their text, [len(rows)]."""
        return _Question(self, query).recounted(rows)

    def search(
        self,
        query: str,
        k: int,
        before: visibility.When = None,
        exclude: Collection[int] = (),
    ) -> list[tuple[Passage, float]]:
        """The k best passages that share a token with the query, best first.

        The story is cut before the best are chosen; `exclude` names rows of `passages`.
        Ties fall to the earlier passage.
        """
        asked = _Question(self, query)
        if k <= 0 or not len(asked.tokens):
            return []
        mask = visibility.mask(self.passages, before, exclude)
        read = asked.affordable()
        scores = asked.scores(read) * mask
        if self.complete and read.all():
            order = _best(scores, k)
            return [(self.passages[int(row)], float(scores[row])) for row in order]
        rows = np.sort(_best(scores, max(_CANDIDATES, 4 * k)))
        exact = asked.recounted(rows)
        order = _best(exact, k)
        return [(self.passages[int(rows[at])], float(exact[at])) for at in order]

    @cached_property
    def worths(self) -> list[NDArray[np.float32] | None]:
        """What each posting adds to a score before its token's weight, by part; None where
        there are too many to keep."""
        return [_worth(part, self.norm) for part in self.parts]


def _worth(part: LexicalPart, norm: NDArray[np.float32]) -> NDArray[np.float32] | None:
    if len(part.postings.lengths) > LARGE:
        return None
    count = part.postings.counts.astype(np.float32)
    return count / (count + norm[part.rows[part.postings.rows]])


class _Question:
    """One query's tokens, looked up once in every part."""

    def __init__(self, index: LexicalIndex, query: str) -> None:
        self._index = index
        self.tokens, self._times = query_tokens(query)
        self._places = [part.postings.places(self.tokens) for part in index.parts]

    @cached_property
    def _df(self) -> Ints:
        """How many passages of the work contain each token, the gone ones left out."""
        df = np.zeros(len(self.tokens), dtype=np.int64)
        for part, places in zip(self._index.parts, self._places, strict=True):
            known = np.flatnonzero(places >= 0)
            df[known] += part.postings.df[places[known]]
            if part.worn:
                at, whose = part.postings.gather(places[known])
                gone = part.rows[part.postings.rows[at]] < 0
                df[known] -= np.bincount(whose[gone], minlength=len(known))
        return df

    @cached_property
    def _weights(self) -> Scores:
        """What a token's occurrence weighs: its rarity, as often as it is asked for."""
        n, df = len(self._index.passages), self._df
        # What occurs nowhere weighs nothing: it has no postings to be read.
        return np.where(df > 0, np.log1p((n - df + 0.5) / (df + 0.5)), 0.0) * self._times

    def affordable(self) -> NDArray[np.bool_]:
        """Which tokens' postings to read: the rarest, as many as the limit allows."""
        sizes = np.zeros(len(self.tokens), dtype=np.int64)
        for part, places in zip(self._index.parts, self._places, strict=True):
            known = np.flatnonzero(places >= 0)
            starts = part.postings.starts
            sizes[known] += starts[places[known] + 1] - starts[places[known]]
        if sizes.sum() <= POSTINGS_READ:
            return np.ones(len(self.tokens), dtype=bool)
        # A common token's few kept postings cost little and say little: rarity decides.
        order = np.argsort(self._df, kind="stable")
        chosen = np.zeros(len(self.tokens), dtype=bool)
        chosen[order[np.cumsum(sizes[order]) <= POSTINGS_READ]] = True
        chosen[order[0]] = True
        return chosen

    def scores(self, read: NDArray[np.bool_]) -> Scores:
        """Of all passages, from the postings of the tokens that are read."""
        index = self._index
        scores = np.zeros(len(index.passages))
        weights = self._weights.astype(np.float32)
        for number, (part, places) in enumerate(zip(index.parts, self._places, strict=True)):
            asked = np.flatnonzero((places >= 0) & read)
            at, whose = part.postings.gather(places[asked])
            row = part.rows[part.postings.rows[at]]
            kept = index.worths[number]
            if kept is not None:
                worth = kept[at] * weights[asked][whose]
            else:
                count = part.postings.counts[at].astype(np.float32)
                worth = weights[asked][whose] * (count / (count + index.norm[row]))
            if part.worn:
                worth, row = worth[row >= 0], row[row >= 0]
            scores += np.bincount(row, worth, minlength=len(scores))
        return scores

    def recounted(self, rows: Sequence[int] | Ints) -> Scores:
        """Of these rows, exactly, from their text."""
        texts = [self._index.passages[int(row)].text for row in rows]
        norms = self._index.norm[np.asarray(rows, dtype=np.int64)]
        return Recount(self.tokens, self._weights).scores(texts, norms)


def _best(scores: Scores, k: int) -> Ints:
    """Rows of the k highest positive scores, best first, ties to the earlier."""
    positive = np.flatnonzero(scores > 0)
    if len(positive) > 4 * k:
        worst = np.partition(scores[positive], len(positive) - k)[len(positive) - k]
        positive = positive[scores[positive] >= worst]
    order = np.argsort(-scores[positive], kind="stable")[:k]
    return positive[order]
