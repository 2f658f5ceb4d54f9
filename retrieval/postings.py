"""Which passages contain which token how often: the inverted index of one set of passages.

Columns only, so that a file of them is memory-mapped as it is. In a large set the postings
of very common tokens are cut down to their best: they weigh next to nothing, are most of
the bytes, and `lexical.py` counts them in the candidates' own text. Knows nothing of
stories, deleted passages or the weights of tokens, which depend on the whole work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.tokens import Ints, letters, tokens

K1 = 1.5
B = 0.75
LARGE = 20_000
"""Passages from which on common tokens are cut down."""
COMMON = 0.1
"""A token in a larger share of the passages than this is common."""
BEST = 1024
"""How many postings a common token keeps."""
MOST_COUNTED = 255
"""Beyond so many occurrences in one passage BM25 no longer tells them apart."""
_BLOCK = 8192
"""Passages tokenised at a time, for the memory's sake."""

COLUMNS = ("tokens", "df", "starts", "rows", "counts", "lengths")


@dataclass(frozen=True, slots=True)
class Postings:
    """Over n passages and m distinct tokens, p postings."""

    tokens: Ints
    """[m], rising."""
    df: NDArray[np.int32]
    """[m]: passages that contain the token, whether their postings were kept or not."""
    starts: Ints
    """[m + 1]: the token's postings are rows[starts[i]:starts[i + 1]], rising."""
    rows: NDArray[np.uint16] | NDArray[np.uint32]
    """[p]."""
    counts: NDArray[np.uint8]
    """[p]: occurrences, at most 255."""
    lengths: NDArray[np.int32]
    """[n]: tokens in each passage."""

    @classmethod
    def build(cls, texts: Sequence[str]) -> "Postings":
        """Postings of the texts, in their order; about 0.1 s per million characters."""
        bits = max(16, len(texts).bit_length())
        keys, lengths = _keys(texts, bits)
        keys.sort()
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        counts = np.minimum(np.diff(first, append=len(keys)), MOST_COUNTED).astype(np.uint8)
        keys = keys[first]
        token = keys >> bits
        low = keys & ((1 << bits) - 1)
        rows = low.astype(np.uint16) if bits == 16 else low.astype(np.uint32)
        del keys, low
        begins = np.flatnonzero(np.diff(token, prepend=-1))
        starts = np.append(begins, len(token)).astype(np.int64)
        df = np.diff(starts).astype(np.int32)
        made = cls(token[begins], df, starts, rows, counts, lengths)
        return _thinned(made) if len(texts) > LARGE else made

    @classmethod
    def of_columns(cls, columns: Mapping[str, NDArray[np.generic]]) -> "Postings":
        return cls(**columns)  # type: ignore[arg-type]

    @property
    def complete(self) -> bool:
        """Whether every posting was kept."""
        return int(self.df.sum(dtype=np.int64)) == len(self.rows)

    def places(self, wanted: Ints) -> Ints:
        """Where each of the rising tokens stands in `tokens`; -1 where it does not occur."""
        place = np.searchsorted(self.tokens, wanted)
        known = place < len(self.tokens)
        known[known] = self.tokens[place[known]] == wanted[known]
        return np.where(known, place, -1)

    def gather(self, places: Ints) -> tuple[Ints, Ints]:
        """Indices of all postings of the tokens at `places` (none is -1), token by token,
        and how many each token has."""
        starts = self.starts[places]
        sizes = self.starts[places + 1] - starts
        # One gather for all postings: a loop over 1,000 tokens would cost 5 ms.
        at = np.repeat(starts - np.cumsum(sizes) + sizes, sizes)
        at += np.arange(len(at))
        return at, sizes


def _keys(texts: Sequence[str], bits: int) -> tuple[Ints, NDArray[np.int32]]:
    """(token << bits | row) of every token of every text, and the texts' lengths in tokens."""
    keys, lengths = [np.empty(0, dtype=np.int64)], []
    for begin in range(0, len(texts), _BLOCK):
        block = texts[begin : begin + _BLOCK]
        found, at = tokens(letters("\0".join(block)))
        widths = np.fromiter((len(text) + 1 for text in block), np.int64, len(block))
        row = np.repeat(np.arange(len(block)), widths)[at]
        lengths.append(np.bincount(row, minlength=len(block)).astype(np.int32))
        keys.append((found << bits) | (row + begin))
    return np.concatenate(keys), np.concatenate([np.empty(0, dtype=np.int32), *lengths])


def _thinned(whole: Postings) -> Postings:
    """Common tokens keep only the BEST postings by what a posting adds to a score."""
    common = np.flatnonzero(whole.df > max(COMMON * len(whole.lengths), BEST))
    norm = K1 * (1 - B + B * whole.lengths / max(float(whole.lengths.mean()), 1.0))
    keep = np.ones(len(whole.rows), dtype=bool)
    for place in common:
        begin, end = int(whole.starts[place]), int(whole.starts[place + 1])
        counts = whole.counts[begin:end].astype(np.float32)
        worth = counts / (counts + norm[whole.rows[begin:end]])
        keep[begin:end] = False
        keep[begin + np.argpartition(-worth, BEST)[:BEST]] = True
    kept = np.append(0, np.cumsum(keep, dtype=np.int64))
    return Postings(
        whole.tokens, whole.df, kept[whole.starts], whole.rows[keep], whole.counts[keep],
        whole.lengths,
    )  # fmt: skip
