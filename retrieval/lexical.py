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

A small work is answered exactly, a large one by the candidates that the query's rarest tokens
bring (see `bm25.py`). Knows nothing of vectors, files or fusion.
"""

from collections.abc import Collection, Sequence

import numpy as np

from retrieval import visibility
from retrieval.bm25 import Corpus, LexicalPart, Question, Scores, best
from retrieval.postings import Postings
from retrieval.tokens import Ints
from retrieval.types import Passage

__all__ = ["LexicalIndex", "LexicalPart"]

_CANDIDATES = 200
"""Passages rescored exactly, at least; two for each that is asked for, if that is more."""


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
        self.corpus = Corpus(passages, parts)

    def scores(self, query: str) -> Scores:
        """BM25 of every passage, [n], in story order; a repeated word counts each time.

        Exact but for the common tokens of a large work, whose postings are not all kept;
        `scores_of` is exact there too.
        """
        return Question(self.corpus, query).scores()

    def scores_of(self, query: str, rows: Sequence[int] | Ints) -> Scores:
        """Exact BM25 of these rows alone, counted in their text, [len(rows)]."""
        return Question(self.corpus, query).recounted(rows)

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
        mask = visibility.mask(self.passages, before, exclude)
        return [(self.passages[row], score) for row, score in self.rows(query, k, mask)]

    def rows(self, query: str, k: int, mask: visibility.Mask) -> list[tuple[int, float]]:
        """The same as row numbers, of those that `mask`, [n], lets through."""
        asked = Question(self.corpus, query)
        if k <= 0 or not len(asked.tokens):
            return []
        if asked.small:
            scores = asked.scores() * mask
            return [(int(row), float(scores[row])) for row in best(scores, k)]
        rows = np.sort(asked.candidates(max(_CANDIDATES, 2 * k), mask))
        exact = asked.recounted(rows)
        return [(int(rows[at]), float(exact[at])) for at in best(exact, k)]
