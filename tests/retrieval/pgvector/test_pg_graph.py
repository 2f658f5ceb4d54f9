"""The graph of a large work: built aside, measured, and used."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import psycopg
import pytest
from psycopg import sql

from retrieval.embed import Vectors
from retrieval.pgvector import graph
from retrieval.pgvector.database import VectorDatabase
from retrieval.pgvector.index import PgWorkIndex, remove_index
from retrieval.pgvector.search import Seen, graph_order, preferring_the_graph, statement
from retrieval.pgvector.vectors import literal
from retrieval.types import ChapterText, StoryPosition
from retrieval.vector_index import Aim
from tests.retrieval.fakes import BigramEmbeddings, book, split_sentences

AIM = Aim(exact_rows=300, recall=0.98, queries=20)
CHAPTERS, SENTENCES, TOPICS = 40, 25, 40


class Topics(BigramEmbeddings):
    """Sentences about forty things: near each other when they are about the same."""

    def __init__(self) -> None:
        super().__init__(48, "topics")
        self._centres = np.random.default_rng(0).normal(size=(TOPICS, 48))

    def embed_array(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._vector(text) for text in texts], dtype=np.float32)

    def _vector(self, text: str) -> Vectors:
        key = crc32(text.encode())
        noise = np.random.default_rng(key).normal(size=48)
        made = self._centres[key % TOPICS] + 0.8 * noise
        return np.asarray(made / np.linalg.norm(made), dtype=np.float32)


def chapters() -> list[ChapterText]:
    return book(*("".join(f"{n}章{m}句。" for m in range(SENTENCES)) for n in range(CHAPTERS)))


def graphs(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'graph%'"
        ).fetchall()
    return {name for (name,) in found}


@pytest.fixture
def large(database: VectorDatabase, work: str) -> PgWorkIndex:
    index = PgWorkIndex(database, work, Topics(), aim=AIM)
    index.sync(chapters(), split=split_sentences)
    return index


@pytest.mark.parametrize("before", [None, StoryPosition(CHAPTERS // 2)])
def test_its_recall_is_that_of_exact_search(
    large: PgWorkIndex, before: StoryPosition | None
) -> None:
    assert not large.refresh()
    assert large.snapshot.state.space is not None
    assert large.snapshot.state.space.beam is None
    queries = [large.embeddings.embed_query_array(f"第{n}个问题") for n in range(40)]
    truth = [{p for p, _ in large.nearest(query, 10, before)} for query in queries]
    assert large.tidy()
    assert large.snapshot.state.space.beam is not None

    hits = total = 0
    for query, expected in zip(queries, truth, strict=True):
        found = large.nearest(query, 10, before)
        scores = [score for _, score in found]
        assert scores == sorted(scores, reverse=True)
        hits += len(expected & {passage for passage, _ in found})
        total += len(expected)
    assert total == 400
    assert hits / total >= 0.95


def test_the_database_follows_the_graph(large: PgWorkIndex, database: VectorDatabase) -> None:
    large.tidy()
    space = large.snapshot.state.space
    assert space is not None
    query = literal(large.embeddings.embed_query_array("问题"))
    parts = [mark.part for mark in large.snapshot.marks]
    seen = Seen(parts[:-1], [(parts[0], 3)], 900, 0.9)
    nearest = statement(space, graph_order(space, query), 10, seen)

    with database.connection() as connection, connection.transaction():
        cursor = connection.execute(
            preferring_the_graph(40) + sql.SQL("EXPLAIN (COSTS OFF) ") + nearest
        )
        while cursor.nextset():
            pass
        plan = " ".join(row[0] for row in cursor)
    assert f"Index Scan using graph_{space.id} on embeddings" in plan
    assert "Sort" not in plan


def test_an_edit_is_found_through_it(large: PgWorkIndex) -> None:
    large.tidy()
    edited = [*chapters(), ChapterText("c99", 99, "尾声", "天亮了。")]
    assert large.sync(edited, split=split_sentences).embedded == 1

    found = large.nearest(large.embeddings.embed_query_array("天亮了。"), 5)
    assert found[0][0].text == "天亮了。"
    assert found[0][1] == pytest.approx(1, abs=2e-3)


def test_it_is_built_once_and_goes_with_the_work(
    url: str, database: VectorDatabase, large: PgWorkIndex
) -> None:
    assert large.tidy()
    space = large.snapshot.state.space
    assert space is not None
    assert not large.tidy()
    assert f"graph_{space.id}" in graphs(url)
    remove_index(database, large.work)
    assert f"graph_{space.id}" not in graphs(url)


def test_where_no_beam_is_good_enough_search_stays_exact(
    url: str, database: VectorDatabase, work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "BEAMS", (1,))
    index = PgWorkIndex(database, work, Topics(), aim=Aim(exact_rows=300, recall=1.01, queries=3))
    index.sync(chapters(), split=split_sentences)
    index.tidy()

    space = index.snapshot.state.space
    assert space is not None
    assert space.beam is None
    assert f"graph_{space.id}" not in graphs(url)
    assert not index.tidy()


def test_vectors_too_long_for_a_graph_are_searched_exactly(
    database: VectorDatabase, work: str
) -> None:
    model = BigramEmbeddings(graph.LONGEST + 96)
    index = PgWorkIndex(database, work, model, aim=Aim(exact_rows=0, recall=0.0, queries=1))
    index.sync(book("雨停了。船夫不肯收钱。"), split=split_sentences)

    assert not index.tidy()
    assert index.similarity_search("雨停了。", k=1)[0].page_content == "雨停了。"


def test_whoever_is_tidying_is_not_waited_for(large: PgWorkIndex, database: VectorDatabase) -> None:
    with database.turn(large.work, "tidy", 1):
        assert not large.tidy()
