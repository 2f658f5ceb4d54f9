"""How often some passages contain a query's tokens: what every lexical feature is made of.

In a small work the postings say it; in a large one, whose common postings are cut down, the
passages' own text does. Knows nothing of features or rankings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.bm25 import Corpus
from retrieval.expand import Asked
from retrieval.passage_columns import texts_of
from retrieval.tokens import PAIR_SHIFT, Ints, letters

Floats = NDArray[np.float32]

_PAIR = (1 << PAIR_SHIFT) - 1


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
    df = np.zeros(len(tokens), dtype=np.int64)
    counts = np.zeros((len(rows), len(tokens)), dtype=np.float32)
    place = np.full(len(corpus.passages) + 1, -1, dtype=np.int32)
    place[rows] = np.arange(len(rows))
    for part in corpus.parts:
        places = part.postings.places(tokens)
        known = np.flatnonzero(places >= 0)
        df[known] += part.postings.df[places[known]]
        if not corpus.large:
            at, sizes = part.postings.gather(places[known])
            whose = np.repeat(known, sizes)
            row = part.rows[part.postings.rows[at]]
            df -= np.bincount(whose[row < 0], minlength=len(tokens))
            local = place[row]  # a gone row is -1, and the last place is -1 as well
            mine = local >= 0
            counts[local[mine], whose[mine]] = part.postings.counts[at[mine]]
    if corpus.large:
        counts = _counted(texts_of(corpus.passages, rows), tokens)
    return Counts(rows, counts, _rarity(df, len(corpus.passages)), corpus.norm[rows])


def heaviest(corpus: Corpus, asked: Asked, most: int) -> Asked:
    """The query without what matters least in it, where it has more than `most` tokens."""
    if len(asked.tokens) <= most:
        return asked
    df = np.zeros(len(asked.tokens), dtype=np.int64)
    for part in corpus.parts:
        places = part.postings.places(asked.tokens)
        known = np.flatnonzero(places >= 0)
        df[known] += part.postings.df[places[known]]
    weights = _rarity(df, len(corpus.passages)) * asked.times
    kept = np.zeros(len(weights), dtype=bool)
    kept[np.argsort(-weights, kind="stable")[:most]] = True
    return asked.only(kept)


def _rarity(df: Ints, n: int) -> Floats:
    """BM25's weight of tokens that stand in df of n passages; dead ones may exceed n."""
    idf = np.log1p((np.maximum(n - df, 0) + 0.5) / (df + 0.5))
    return np.where(df > 0, idf, 0.0).astype(np.float32)


def _counted(texts: Sequence[str], tokens: Ints) -> Floats:
    token, text, _ = occurrences(texts, tokens)
    size = len(texts) * len(tokens)
    flat = np.bincount(text * len(tokens) + token, minlength=size)
    return flat.reshape(len(texts), len(tokens)).astype(np.float32)


def occurrences(texts: Sequence[str], tokens: Ints) -> tuple[Ints, Ints, Ints]:
    """Every occurrence of the tokens, [t] rising, in the texts: which token, in which text,
    at which offset; three arrays of one length."""
    none = np.empty(0, dtype=np.int64)
    if not texts or not len(tokens):
        return none, none, none
    letter = letters("\0".join(texts)).astype(np.int64)
    wanted = np.unique(np.concatenate([tokens & _PAIR, tokens >> PAIR_SHIFT]))
    asked = np.zeros(int(wanted[-1]) + 2, dtype=bool)
    asked[wanted] = True
    asked[0] = False
    ours = asked[np.minimum(letter, len(asked) - 1)]
    single = np.flatnonzero(ours)
    pair = np.flatnonzero(ours[:-1] & ours[1:])
    found = np.concatenate([letter[single], (letter[pair] << PAIR_SHIFT) | letter[pair + 1]])
    where = np.concatenate([single, pair])
    token = np.minimum(np.searchsorted(tokens, found), len(tokens) - 1)
    met = tokens[token] == found
    token, where = token[met], where[met]
    widths = np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts))
    begins = np.cumsum(widths) - widths
    text = np.repeat(np.arange(len(texts)), widths)[where]
    return token, text, where - begins[text]
