"""BM25 over passages, on characters and pairs of neighbouring characters.

Characters and bigrams need no dictionary, so a name the author made up weighs as much as
a word; on classical and modern fiction they also found more than words did. The formula
is Lucene's variant as bm25s computes it (S. Robertson, H. Zaragoza, "The Probabilistic
Relevance Framework", 2009; C. Kamphuis et al., "Which BM25 Do You Mean?", 2020); a test
holds the two together.

bm25s itself is not used here because the index is rebuilt on every save while requests are
served: it takes 1.1 s of Python loops that hold the interpreter, and 0.8 s to import, for
a novel of 850,000 characters. Sorting (token, row) keys in numpy gives the same numbers in
a quarter of a second, which leaves nothing worth caching or keeping on disk.

Knows nothing of vectors, files or fusion.
"""

import unicodedata
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval import timeline
from retrieval.types import Passage, StoryPosition

Ints = NDArray[np.int64]

K1 = 1.5
B = 0.75
_CODE_POINTS = 0x110000
_NONE = 0
"""The letter that is no letter: punctuation, white space, the seam between passages."""
_UNSEEN = -1


def _folded(code: int) -> int:
    """The code point a character counts as (width and case folded), 0 for what is no word."""
    char = unicodedata.normalize("NFKC", chr(code)).lower()
    if len(char) != 1:
        char = chr(code)
    return ord(char) if char.isalnum() else _NONE


def _code_points(text: str) -> Ints:
    # surrogatepass: a lone surrogate from a broken import must not stop the index.
    encoded = text.encode("utf-32-le", "surrogatepass")
    return np.frombuffer(encoded, dtype=np.uint32).astype(np.int64)


class _Alphabet:
    """Numbers the letters of a corpus from 1, and their tokens: letters, then pairs."""

    def __init__(self, codes: Ints) -> None:
        seen = np.zeros(_CODE_POINTS, dtype=bool)
        seen[codes] = True
        present = [int(code) for code in np.flatnonzero(seen)]
        self._number: dict[int, int] = {_NONE: 0}
        self._letter = np.full(_CODE_POINTS, _UNSEEN, dtype=np.int32)
        for code in present:
            self._letter[code] = self._number.setdefault(_folded(code), len(self._number))
        self._size = len(self._number)

    def tokens(self, codes: Ints) -> tuple[Ints, Ints]:
        """Tokens of a text and, for each, where in the text it begins."""
        letter = self._letters(codes)
        single = np.flatnonzero(letter)
        pair = np.flatnonzero((letter[:-1] > 0) & (letter[1:] > 0))
        pairs = self._size * (1 + letter[pair]) + letter[pair + 1]
        return np.concatenate([letter[single], pairs]), np.concatenate([single, pair])

    def _letters(self, codes: Ints) -> Ints:
        letter = self._letter[codes].astype(np.int64)
        # A query may write a known letter in another width or case.
        for code in np.unique(codes[letter == _UNSEEN]):
            letter[codes == code] = self._number.get(_folded(int(code)), _NONE)
        return letter


class LexicalIndex:
    """Immutable, so that any number of threads may search it.

    Document frequencies are those of the whole book, the future included: they weigh the
    query's words, and no passage of the future can be returned.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        """`passages` in story order; takes about 0.3 s per million characters."""
        self.passages = passages
        texts = [passage.text for passage in passages]
        codes = _code_points("\0".join(texts))
        self._alphabet = _Alphabet(codes)
        tokens, places = self._alphabet.tokens(codes)
        widths = np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts))
        rows = np.repeat(np.arange(len(texts)), widths)[places]
        self._count(tokens, rows)

    def _count(self, tokens: Ints, rows: Ints) -> None:
        """Postings sorted by token, then row, each with its share of the score."""
        total = max(len(self.passages), 1)
        keys, counts = np.unique(tokens * total + rows, return_counts=True)
        token = keys // total
        self._row = (keys - token * total).astype(np.int32)
        first = np.ones(len(token), dtype=bool)
        first[1:] = token[1:] != token[:-1]
        self._start = np.append(np.flatnonzero(first), len(token))
        self._token = token[self._start[:-1]]
        df = np.diff(self._start)
        idf = np.log1p((total - df + 0.5) / (df + 0.5))
        length = np.bincount(rows, minlength=total)
        norm = K1 * (1 - B + B * length / (length.mean() or 1.0))
        self._score = (np.repeat(idf, df) * counts / (counts + norm[self._row])).astype(np.float32)

    def scores(self, query: str) -> NDArray[np.float64]:
        """BM25 of every passage, [n], in story order; a repeated word counts each time."""
        tokens, _ = self._alphabet.tokens(_code_points(query))
        tokens, times = np.unique(tokens, return_counts=True)
        place = np.searchsorted(self._token, tokens)
        known = place < len(self._token)
        known[known] = self._token[place[known]] == tokens[known]
        place, times = place[known], times[known]
        starts, sizes = self._start[place], self._start[place + 1] - self._start[place]
        # One gather for all postings: a loop over 1,000 tokens would cost 5 ms.
        offset = np.repeat(starts - np.cumsum(sizes) + sizes, sizes)
        at = offset + np.arange(int(sizes.sum()))
        weights = self._score[at] * np.repeat(times, sizes)
        scores = np.bincount(self._row[at], weights, minlength=len(self.passages))
        return scores.astype(np.float64, copy=False)

    def search(
        self,
        query: str,
        k: int,
        before: StoryPosition | None = None,
        exclude: Collection[int] = (),
    ) -> list[tuple[Passage, float]]:
        """The k best passages that share a token with the query, best first.

        The story is cut before the best are chosen; `exclude` names rows of `passages`.
        Ties fall to the earlier passage.
        """
        visible = timeline.cut(self.passages, before)
        scores = self.scores(query)[:visible]
        scores[[row for row in exclude if row < visible]] = 0.0
        order = np.argsort(-scores, kind="stable")[: max(k, 0)]
        return [(self.passages[row], float(scores[row])) for row in order if scores[row] > 0]
