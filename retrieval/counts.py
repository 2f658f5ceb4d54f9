"""How often some passages contain a query's tokens: what every lexical feature is made of.

In a small work the postings say it; in a large one, whose common postings are cut down, the
passages' own text does. Knows nothing of features or rankings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.bm25 import Corpus, Lookup
from retrieval.expand import Asked
from retrieval.passage_columns import texts_of
from retrieval.recount import Recount
from retrieval.tokens import Ints

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Counts:
    """Over r rows and t tokens."""

    rows: Ints
    """[r], rising: rows of the work."""
    counts: Floats
    """[r, t]: occurrences."""
    idf: Floats
    """[t]: rarity in the whole work; 0 for what does not occur."""
    norm: Floats
    """[r]: what the passage's length adds to a BM25 denominator."""


def count(corpus: Corpus, tokens: Ints, rows: Ints) -> Counts:
    """The counts of these rows, [r] rising, for these tokens, [t] rising."""
    known = corpus.lookup(tokens)
    if corpus.large:
        counts = Recount(tokens).counts(texts_of(corpus.passages, rows)).astype(np.float32)
        df = known.df
    else:
        counts, gone = _looked_up(corpus, known, rows)
        df = known.df - gone
    return Counts(rows, counts, _rarity(df, len(corpus.passages)), corpus.norm[rows])


def _looked_up(corpus: Corpus, known: Lookup, rows: Ints) -> tuple[Floats, Ints]:
    """The counts, [r, t], and how many passages that are gone contain each token, [t]."""
    counts = np.zeros((len(rows), len(known.tokens)), dtype=np.float32)
    gone = np.zeros(len(known.tokens), dtype=np.int64)
    place = np.full(len(corpus.passages) + 1, -1, dtype=np.int32)
    place[rows] = np.arange(len(rows))
    for part, places in zip(corpus.parts, known.places, strict=True):
        there = np.flatnonzero(places >= 0)
        at, sizes = part.postings.gather(places[there])
        whose = np.repeat(there, sizes)
        row = part.rows[part.postings.rows[at]]
        gone += np.bincount(whose[row < 0], minlength=len(gone))
        local = place[row]  # a gone row is -1, and the last place is -1 as well
        mine = local >= 0
        counts[local[mine], whose[mine]] = part.postings.counts[at[mine]]
    return counts, gone


def heaviest(corpus: Corpus, asked: Asked, most: int) -> Asked:
    """The query without what matters least in it, where it has more than `most` tokens."""
    if len(asked.tokens) <= most:
        return asked
    df = corpus.lookup(asked.tokens).df
    weights = _rarity(df, len(corpus.passages)) * asked.times
    kept = np.zeros(len(weights), dtype=bool)
    kept[np.argsort(-weights, kind="stable")[:most]] = True
    return asked.only(kept)


def _rarity(df: Ints, n: int) -> Floats:
    """BM25's weight of tokens that stand in df of n passages; dead ones may exceed n."""
    idf = np.log1p((np.maximum(n - df, 0) + 0.5) / (df + 0.5))
    return np.where(df > 0, idf, 0.0).astype(np.float32)
