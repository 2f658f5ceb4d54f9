"""BM25 of a query over the parts of a work, in full or for candidates alone.

In a large work the rarest tokens of the query, up to POSTINGS_READ postings, bring the
candidates, whose exact scores are then counted in their own text: a rare bigram says more
than all the common characters, whose postings are nearly the whole index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from retrieval.part_rows import PartRows
from retrieval.passage_columns import texts_of
from retrieval.postings import K1, LARGE, MOST_COUNTED, B, Postings
from retrieval.recount import Recount
from retrieval.tokens import Ints, query_tokens
from retrieval.types import Passage
from retrieval.visibility import Mask

Scores = NDArray[np.float64]
Floats = NDArray[np.float32]

POSTINGS_READ = 300_000
"""Postings that one query reads for its candidates, about 5 ms. Five times as many are read where
that answers the query in full."""


@dataclass(frozen=True, slots=True)
class LexicalPart:
    """Postings of some passages, and the row of the work that each of them is."""

    postings: Postings
    rows: NDArray[np.int32]
    """[n]; -1 for a passage that is no longer in the work."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where some tokens, [t] rising, stand in the parts of a work."""

    tokens: Ints
    places: Sequence[Ints]
    """By part, [t]: as `Postings.places` says them."""
    df: Ints
    """[t]: passages that contain each, the gone ones included."""

    def only(self, tokens: Ints) -> "Lookup | None":
        """The same for fewer tokens, rising; None where one of them was not looked up."""
        at = np.minimum(np.searchsorted(self.tokens, tokens), len(self.tokens) - 1)
        if not len(self.tokens) or not np.array_equal(self.tokens[at], tokens):
            return None
        return Lookup(tokens, [places[at] for places in self.places], self.df[at])


class Corpus:
    """What all queries of one state of a work share."""

    def __init__(self, passages: Sequence[Passage], parts: Sequence[LexicalPart]) -> None:
        self.passages = passages
        self.parts = parts
        self.part_rows = [PartRows(part.rows) for part in parts]
        self._latest: Lookup | None = None
        self.large = any(len(part.postings.lengths) > LARGE for part in parts)
        alive = [part.rows >= 0 for part in parts]
        tokens = sum(
            int(part.postings.lengths[lives].sum(dtype=np.int64))
            for part, lives in zip(parts, alive, strict=True)
        )
        mean = tokens / max(len(passages), 1) or 1.0
        self.norms = [_norm(part.postings.lengths, mean) for part in parts]
        """What a passage's length adds to BM25's denominator, by part and its rows."""
        self.norm = np.zeros(len(passages), dtype=np.float32)
        for part, lives, norm in zip(parts, alive, self.norms, strict=True):
            self.norm[part.rows[lives]] = norm[lives]

    def lookup(self, tokens: Ints) -> Lookup:
        """Where the tokens, rising, stand. The latest is kept: one query asks several times."""
        latest = self._latest
        known = latest.only(tokens) if latest else None
        if known is None:
            known = self._latest = self._looked_up(tokens)
        return known

    def _looked_up(self, tokens: Ints) -> Lookup:
        places = [part.postings.places(tokens) for part in self.parts]
        df = np.zeros(len(tokens), dtype=np.int64)
        for part, place in zip(self.parts, places, strict=True):
            known = np.flatnonzero(place >= 0)
            df[known] += part.postings.df[place[known]]
        return Lookup(tokens, places, df)

    @cached_property
    def worths(self) -> list[Floats]:
        """What each posting adds to a score before its token's weight, by part."""
        return [
            _worth(part.postings.counts, part.postings.rows, norm)
            for part, norm in zip(self.parts, self.norms, strict=True)
        ]


def _norm(lengths: NDArray[np.int32], mean: float) -> Floats:
    norm: Floats = (K1 * (1 - B + B * lengths / mean)).astype(np.float32)
    return norm


def _worth(counts: NDArray[np.uint8], rows: NDArray[np.integer], norm: Floats) -> Floats:
    times = counts.astype(np.float32)
    worth: Floats = times / (times + norm.take(rows))
    return worth


class Question:
    """One query's tokens, looked up once in every part."""

    def __init__(self, corpus: Corpus, query: str) -> None:
        self._corpus = corpus
        self.tokens, self._times = query_tokens(query)
        self._known = corpus.lookup(self.tokens)

    @property
    def small(self) -> bool:
        """Whether reading every posting is cheap, and every posting is there."""
        return not self._corpus.large and int(self._sizes.sum()) <= 5 * POSTINGS_READ

    def scores(self) -> Scores:
        """Of all passages, from every posting that is kept, [n]."""
        corpus = self._corpus
        scores = np.zeros(len(corpus.passages))
        weights = self._weights.astype(np.float32)
        for number, (part, places) in enumerate(zip(corpus.parts, self._known.places, strict=True)):
            asked = np.flatnonzero(places >= 0)
            at, sizes = part.postings.gather(places[asked])
            worth = corpus.worths[number][at] * np.repeat(weights[asked], sizes)
            row = part.rows[part.postings.rows[at]]
            if corpus.part_rows[number].worn:
                worth, row = worth[row >= 0], row[row >= 0]
            scores += np.bincount(row, worth, minlength=len(scores))
        return scores

    def candidates(self, count: int, mask: Mask) -> Ints:
        """The rows, of those the mask lets through, that score best by the rarest tokens."""
        read = self._affordable()
        weights = self._weights.astype(np.float32)
        rows, scores, floor = np.empty(0, dtype=np.int64), np.empty(0), 0.0
        corpus = self._corpus
        for part, own, places, norm in zip(
            corpus.parts, corpus.part_rows, self._known.places, corpus.norms, strict=True
        ):
            seen = own.seen(mask)
            if not seen.any():
                continue
            asked = np.flatnonzero((places >= 0) & read)
            at, sizes = part.postings.gather(places[asked])
            row = part.postings.rows.take(at).astype(np.int64)
            worth = _worth(part.postings.counts.take(at), row, norm)
            worth *= np.repeat(weights[asked], sizes)
            local = np.bincount(row, worth, minlength=len(seen))
            found = np.flatnonzero((local > floor) & seen)
            rows = np.concatenate([rows, part.rows[found].astype(np.int64)])
            scores = np.concatenate([scores, local[found]])
            if len(rows) > count:
                keep = np.argpartition(-scores, count - 1)[:count]
                rows, scores = rows[keep], scores[keep]
                floor = float(scores.min())
        return rows

    def recounted(self, rows: Sequence[int] | Ints) -> Scores:
        """Of these rows, exactly, from their text."""
        texts = texts_of(self._corpus.passages, rows)
        norms = self._corpus.norm[np.asarray(rows, dtype=np.int64)]
        counts = np.minimum(Recount(self.tokens).counts(texts), MOST_COUNTED).astype(np.float32)
        found: Scores = (counts / (counts + norms[:, None])) @ self._weights
        return found

    @cached_property
    def _sizes(self) -> Ints:
        """How many postings of each token are kept."""
        sizes = np.zeros(len(self.tokens), dtype=np.int64)
        for part, places in zip(self._corpus.parts, self._known.places, strict=True):
            known = np.flatnonzero(places >= 0)
            starts = part.postings.starts
            sizes[known] += starts[places[known] + 1] - starts[places[known]]
        return sizes

    @cached_property
    def _df(self) -> Ints:
        """How many passages of the work contain each token.

        The gone ones are left out, but for those of a large part: counting them would mean
        to read all postings, and merging bounds them.
        """
        df = self._known.df.copy()
        if self._corpus.large:
            return df
        for part, own, places in zip(
            self._corpus.parts, self._corpus.part_rows, self._known.places, strict=True
        ):
            if own.worn:
                known = np.flatnonzero(places >= 0)
                at, sizes = part.postings.gather(places[known])
                gone = part.rows[part.postings.rows[at]] < 0
                whose = np.repeat(np.arange(len(known)), sizes)
                df[known] -= np.bincount(whose[gone], minlength=len(known))
        return df

    @cached_property
    def _weights(self) -> Scores:
        """What a token's occurrence weighs: its rarity, as often as it is asked for."""
        n, df = len(self._corpus.passages), self._df
        # Dead passages may make a token more frequent than there are passages.
        rarity = np.log1p((np.maximum(n - df, 0) + 0.5) / (df + 0.5))
        # What occurs nowhere weighs nothing: it has no postings to be read.
        return np.where(df > 0, rarity, 0.0) * self._times

    def _affordable(self) -> Mask:
        """Which tokens' postings to read: the rarest, as many as the limit allows."""
        order = np.argsort(self._df, kind="stable")
        chosen = np.zeros(len(self.tokens), dtype=bool)
        chosen[order[np.cumsum(self._sizes[order]) <= POSTINGS_READ]] = True
        known = order[self._sizes[order] > 0]
        chosen[known[:1]] = True
        return chosen


def best(scores: Scores, k: int) -> Ints:
    """Rows of the k highest positive scores, best first, ties to the earlier."""
    positive = np.flatnonzero(scores > 0)
    if len(positive) > 4 * k:
        worst = np.partition(scores[positive], len(positive) - k)[len(positive) - k]
        positive = positive[scores[positive] >= worst]
    order = np.argsort(-scores[positive], kind="stable")[:k]
    return positive[order]
