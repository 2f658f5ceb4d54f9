"""Many desks on one database: writers in processes of their own, and what recall makes of it."""

import multiprocessing
import os
import signal
from typing import Any

import psycopg
import pytest

from retrieval.library import Library
from retrieval.pgvector import run
from retrieval.pgvector.database import VectorDatabase
from retrieval.pgvector.index import PgWorkIndex
from retrieval.pgvector.store import PgStore
from retrieval.types import ChapterText, StoryPosition
from tests.retrieval.fakes import BigramEmbeddings, book, split_sentences
from tests.retrieval.pgvector.test_pg_index import count, texts


def _sync(url: str, work: str, number: int, barrier: Any) -> None:
    barrier.wait(60)
    index = PgWorkIndex(VectorDatabase(url), work, BigramEmbeddings())
    for turn in range(5):
        index.sync(book(f"第{number}个。" * (turn + 1), "同一句话。"), split=split_sentences)


def test_two_desks_do_not_write_over_each_other(
    url: str, database: VectorDatabase, work: str
) -> None:
    """Nor when they come first, and both make the tables."""
    with psycopg.connect(url) as connection:
        connection.execute("DROP SCHEMA IF EXISTS yanchi_vectors CASCADE")
        connection.execute("DROP EXTENSION IF EXISTS vector")
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    writers = [
        context.Process(target=_sync, args=(url, work, number, barrier)) for number in range(2)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0, 0]
    index = PgWorkIndex(database, work, BigramEmbeddings())
    assert index.stale_reason is None
    assert texts(index) in ([f"第{number}个。"] * 5 + ["同一句话。"] for number in range(2))
    assert len(index.similarity_search("第个", k=99)) == 6
    assert count(url, "chapters", work) == 2


def _embed_and_die(url: str, work: str, chapters: list[ChapterText]) -> None:
    def die(done: int, _: int) -> None:
        if done >= 16:
            os.kill(os.getpid(), signal.SIGKILL)

    model = BigramEmbeddings()
    model.batch_size = 2
    PgWorkIndex(VectorDatabase(url), work, model).sync(chapters, die, split=split_sentences)


def test_who_comes_after_one_that_died_goes_on_from_there(
    url: str, database: VectorDatabase, work: str
) -> None:
    chapters = book("".join(f"第{n}夜。" for n in range(40)))
    context = multiprocessing.get_context("spawn")
    writer = context.Process(target=_embed_and_die, args=(url, work, chapters))
    writer.start()
    writer.join()

    assert writer.exitcode == -9
    index = PgWorkIndex(database, work, BigramEmbeddings(), lock_seconds=20)
    assert index.sync(chapters, split=split_sentences).embedded == 24
    assert index.stale_reason is None


def test_whoever_is_embedding_the_same_book_is_not_in_the_way(
    database: VectorDatabase, work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "SLICE_SECONDS", 0.02)
    model = BigramEmbeddings()
    model.batch_size = 2
    index = PgWorkIndex(database, work, model)
    chapters = book("".join(f"第{n}夜。" for n in range(40)))

    with database.turn(work, "embedding", 1):
        report = index.sync(chapters, split=split_sentences, seconds=0.2)
    assert (report.embedded, report.waiting, report.reason) == (0, 40, None)
    assert index.sync(chapters, split=split_sentences).waiting == 0
    assert len(model.embedded) == 40


def test_what_one_desk_saves_another_recalls(
    url: str, work: str, chapters: list[ChapterText]
) -> None:
    desks = [Library(PgStore(url), BigramEmbeddings()) for _ in range(2)]
    desks[0].sync(work, chapters)
    (found, *_) = desks[1].recall(work, "船夫收不收钱", before=StoryPosition(2, 0))
    assert "渡口的船夫不肯收钱。" in found.passage.text
    assert set(found.ranks) == {"lexical", "dense"}

    edited = [chapters[0], ChapterText("c1", 1, "第2章", "渡口空无一人。"), chapters[2]]
    desks[1].sync(work, edited)
    (found, *_) = desks[0].recall(work, "渡口有没有人", before=StoryPosition(2, 0))
    assert found.passage.text == "渡口空无一人。"
    assert desks[0].stale_reason(work) is None
    assert desks[0].recall(work, "渡口", before=StoryPosition(0, 0)) == []
    for desk in desks:
        desk.close()


@pytest.mark.parametrize("query", ["船夫" * 50_000, "", " "])
def test_a_query_of_any_length_is_answered(
    url: str, work: str, chapters: list[ChapterText], query: str
) -> None:
    desk = Library(PgStore(url), BigramEmbeddings())
    desk.sync(work, chapters)

    assert bool(desk.recall(work, query)) == bool(query.strip())
    desk.close()
