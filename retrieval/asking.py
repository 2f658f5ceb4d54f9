"""One query in one state of a work: every method's candidates and what `rank` weighs them by.

Knows nothing of works, prompts or what is done with the answer.
"""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial

from retrieval import rank, visibility
from retrieval.embed import Vectors
from retrieval.expand import Asked, Expander
from retrieval.stores import IndexState, OpenIndex
from retrieval.types import Character, Found
from retrieval.visibility import Mask, When

_ASIDE = ThreadPoolExecutor(thread_name_prefix="nearest")
"""Where meaning is searched beside words: FAISS does not hold the interpreter."""


@dataclass(frozen=True, slots=True)
class Asking:
    work: rank.Work
    asked: Asked
    vectors: Sequence[Vectors]
    """Of the query and of each of its clauses; none where no model is there."""
    found: dict[str, list[int]]
    """Each method's rows, best first."""
    seen: Mask

    def passages(self) -> Iterator[Found]:
        """Best first, as they are asked for."""
        return rank.combine(self.work, self.asked, self.vectors, self.found, self.seen)

    def chapters(self) -> list[tuple[int, float]]:
        """(place in the telling, score in 0..1), best first."""
        return rank.chapters(self.work, self.asked, self.vectors, self.found, self.seen)


def ask(
    index: OpenIndex,
    snapshot: IndexState,
    query: str,
    depth: int,
    before: When = None,
    exclude: Collection[int] = (),
    cast: Sequence[Character] = (),
) -> Asking:
    """`exclude` names rows; `depth` is how many candidates each method brings. Raises
    WrongDimension, IndexFailure."""
    asked = _expander(tuple((c.id, c.name, c.aliases) for c in cast)).asked(query)
    seen = visibility.mask(snapshot.passages, before, exclude)
    made = [index.query_vector(text, snapshot) for text in (asked.text, *asked.clauses)]
    vectors = [vector for vector in made if vector is not None]
    if len(vectors) < len(made):
        vectors = []
    found = _found(snapshot, query, vectors, depth, seen)
    work = rank.Work(snapshot.passages, snapshot.lexical.corpus, snapshot.starts, snapshot.cosines)
    return Asking(work, asked, vectors, found, seen)


def _found(
    snapshot: IndexState, query: str, vectors: Sequence[Vectors], depth: int, seen: Mask
) -> dict[str, list[int]]:
    """Each method's rows, best first; in a large work both search at the same time."""
    words = partial(snapshot.lexical.rows, query, depth, seen)
    if not vectors:
        return {"lexical": [row for row, _ in words()]}
    meaning = partial(snapshot.nearest_rows, vectors[0], depth, seen)
    # In a small one handing it over costs more than is gained.
    aside = _ASIDE.submit(meaning).result if snapshot.lexical.corpus.large else meaning
    by_words, by_meaning = words(), aside()
    return {"lexical": [row for row, _ in by_words], "dense": [row for row, _ in by_meaning]}


@lru_cache(maxsize=64)
def _expander(cast: tuple[tuple[str, str, tuple[str, ...]], ...]) -> Expander:
    return Expander([Character(*names) for names in cast])
