"""The features of every query's candidates, computed by the code that the desk runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from retrieval import rank
from retrieval.bm25 import Corpus, LexicalPart, Question, best
from retrieval.counts import Floats
from retrieval.embed import PassageEmbeddings, Vectors
from retrieval.evaluate import Query, answers, chapter_order, chapter_rank, span_rank
from retrieval.evidence import Evidence, Scene
from retrieval.expand import Asked, Expander
from retrieval.passage_columns import texts_of
from retrieval.postings import Postings
from retrieval.tokens import Ints
from retrieval.types import Passage
from training.fusion.tasks import Task

Looked = tuple[Asked, list[Vectors], dict[str, Ints]]
"""A query, its vectors, and each method's rows."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One query: its candidates' features, and which of them are right."""

    task: str
    """The task's kind."""
    query: Query
    features: Floats
    """[candidates, features]."""
    right: NDArray[np.bool_]
    """[candidates]."""
    single: dict[str, float]
    """For each method by itself, the rank of the first right answer."""


class OpenBook:
    """A book in memory, searched exactly."""

    def __init__(self, passages: tuple[Passage, ...], model: PassageEmbeddings) -> None:
        self.passages = passages
        self._model = model
        texts = [passage.text for passage in passages]
        part = LexicalPart(Postings.build(texts), np.arange(len(texts), dtype=np.int32))
        self._corpus = Corpus(passages, [part])
        self._vectors = model.embed_array(texts)
        chapters = np.array([passage.chapter for passage in passages])
        starts = np.append(np.flatnonzero(np.diff(chapters, prepend=-1)), len(passages))
        self.work = rank.Work(passages, self._corpus, starts, self._cosines)

    def _cosines(self, vectors: Vectors, rows: Ints) -> Floats:
        return cast(Floats, vectors @ self._vectors[rows].T)

    def vectors(self, asked: Asked) -> list[Vectors]:
        """Of the query, then of its clauses."""
        return [self._model.embed_query_array(text) for text in (asked.text, *asked.clauses)]

    def found(self, asked: Asked, vector: Vectors, depth: int) -> dict[str, Ints]:
        """Each method's rows, best first."""
        scores = self._vectors @ vector
        return {
            "lexical": best(Question(self._corpus, asked.text).scores(), depth),
            "dense": np.argsort(-scores, kind="stable")[:depth],
            "names": best(self._names(asked), depth),
        }

    def _names(self, asked: Asked) -> NDArray[np.float64]:
        """Of every passage, by the people named alone; what names by themselves are worth."""
        everything = np.arange(len(self.passages))
        if not asked.people:
            return np.zeros(len(everything))
        scene = rank.look(self.work, asked, (), everything, np.ones(len(everything), dtype=bool))
        return Evidence(scene).names.astype(np.float64)


def samples(task: Task, model: PassageEmbeddings) -> Iterator[Sample]:
    """One for each query of the task; `chapters` are candidates where it asks for chapters."""
    book, expander = OpenBook(task.passages, model), Expander(task.cast)
    for query in task.queries:
        asked = expander.asked(query.text)
        vectors = book.vectors(asked)
        by_chapter = task.kind == "chapters"
        depth = rank.CHAPTER_DEPTH if by_chapter else rank.DEPTH
        found = book.found(asked, vectors[0], depth)
        make = _chapters if by_chapter else _passages
        yield make(task.kind, query, book, (asked, vectors, found))


def _passages(kind: str, query: Query, book: OpenBook, looked: Looked) -> Sample:
    scene, ordered = _scene(book, looked)
    places = np.flatnonzero(np.isin(scene.counts.rows, ordered))
    rows = scene.counts.rows[places]
    features = Evidence(scene).passages(places, texts_of(book.passages, rows))
    right = np.array([answers(book.passages[int(row)], query.gold) for row in rows])
    single = {
        name: span_rank((book.passages[int(row)] for row in one), query.gold)
        for name, one in looked[2].items()
    }
    return Sample(kind, query, features, right, single)


def _chapters(kind: str, query: Query, book: OpenBook, looked: Looked) -> Sample:
    scene, _ = _scene(book, looked)
    evidence = Evidence(scene)
    gold = {span.chapter for span in query.gold}
    first = scene.counts.rows[evidence.chapters.starts]
    right = np.array([book.passages[int(row)].chapter in gold for row in first])
    single = {
        name: chapter_rank(chapter_order(book.passages[int(row)] for row in one), gold)
        for name, one in looked[2].items()
    }
    return Sample(kind, query, evidence.of_chapters(), right, single)


def _scene(book: OpenBook, looked: Looked) -> tuple[Scene, Ints]:
    """What the desk looks at, and its candidates; names alone bring none."""
    asked, vectors, found = looked
    seen = np.ones(len(book.passages), dtype=bool)
    ordered = rank.merged([found["lexical"], found["dense"]], seen)
    return rank.look(book.work, asked, vectors, ordered, seen), ordered
