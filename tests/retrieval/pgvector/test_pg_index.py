"""The index of a work in a real PostgreSQL."""

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import psycopg
import pytest

from retrieval.embed import Vectors
from retrieval.errors import IndexFailure, WrongDimension
from retrieval.index import WorkIndex
from retrieval.pgvector import rows
from retrieval.pgvector.database import VectorDatabase
from retrieval.pgvector.index import PgWorkIndex, remove_index
from retrieval.types import ChapterText, StoryPosition
from tests.retrieval.fakes import BigramEmbeddings, book, split_sentences


class Tolerant(BigramEmbeddings):
    """Reads half a character as a question mark, as tokenizers do in their way."""

    def embed_array(self, texts: Sequence[str]) -> Vectors:
        return super().embed_array([one.encode("utf-8", "replace").decode() for one in texts])


def texts(index: PgWorkIndex) -> list[str]:
    return [passage.text for passage in index.snapshot.passages]


def count(url: str, table: str, work: str) -> int:
    """Rows of a work; passages and embeddings by their parts."""
    where = "work = %s"
    if table in ("passages", "embeddings"):
        where = "part IN (SELECT id FROM yanchi_vectors.parts WHERE work = %s)"
    with psycopg.connect(url) as connection:
        found = connection.execute(
            f"SELECT count(*) FROM yanchi_vectors.{table} WHERE {where}", (work,)
        ).fetchone()
    assert found is not None
    return int(found[0])


def test_a_work_that_was_never_indexed_is_empty(database: VectorDatabase, work: str) -> None:
    index = PgWorkIndex(database, work, BigramEmbeddings())

    assert index.damaged
    assert index.stale_reason == "还没有索引"
    assert index.similarity_search("沈砚") == []
    assert len(index.snapshot.passages) == 0


def test_what_one_desk_synced_another_finds(
    database: VectorDatabase, work: str, index: PgWorkIndex
) -> None:
    again = PgWorkIndex(database, work, BigramEmbeddings())

    assert again.stale_reason is None
    assert list(again.snapshot.passages) == list(index.snapshot.passages)
    assert again.similarity_search("渡口的船夫", k=1)[0].page_content == "渡口的船夫不肯收钱。"


def test_an_empty_book_is_in_order(database: VectorDatabase, work: str) -> None:
    report = PgWorkIndex(database, work, BigramEmbeddings()).sync([])

    assert report.passages_total == 0
    assert PgWorkIndex(database, work, BigramEmbeddings()).stale_reason is None


@pytest.mark.parametrize("before", [None, StoryPosition(1, 12), StoryPosition(2, 10)])
def test_it_answers_as_the_index_over_files_does(
    index: PgWorkIndex,
    tmp_path_factory: pytest.TempPathFactory,
    chapters: list[ChapterText],
    before: StoryPosition | None,
) -> None:
    files = WorkIndex(tmp_path_factory.mktemp("files") / "work", BigramEmbeddings())
    files.sync(chapters, split=split_sentences)

    for query in ("沈砚在雨夜里磨墨", "砚台押给了船夫", "老猫"):
        vector = index.embeddings.embed_query_array(query)
        expected = dict(files.nearest(vector, 9, before, exclude={1, 4}))
        found = index.nearest(vector, 9, before, exclude={1, 4})
        assert {p: pytest.approx(score, abs=2e-3) for p, score in expected.items()} == dict(found)
        assert [s for _, s in found] == sorted((s for _, s in found), reverse=True)
        words = index.snapshot.lexical.search(query, 9, before)
        assert words == files.snapshot.lexical.search(query, 9, before)


def test_vectors_and_cosines_are_in_story_order(index: PgWorkIndex) -> None:
    expected = BigramEmbeddings().embed_array(texts(index))

    np.testing.assert_allclose(index.snapshot.vectors, expected, atol=1e-3)
    (cosines,) = index.snapshot.cosines(expected[4][None], np.array([8, 4, 0]))
    np.testing.assert_allclose(cosines, expected[[8, 4, 0]] @ expected[4], atol=2e-3)


class TestSync:
    def test_without_news_nothing_is_written(
        self, index: PgWorkIndex, chapters: list[ChapterText]
    ) -> None:
        before = index.snapshot
        report = index.sync(chapters, split=split_sentences)

        assert (report.chapters_changed, report.embedded, report.reused) == (0, 0, 9)
        assert index.snapshot is before

    def test_only_changed_chapters_are_written(
        self, index: PgWorkIndex, chapters: list[ChapterText]
    ) -> None:
        old = {mark.id: mark.part for mark in index.snapshot.marks}
        edited = replace(chapters[1], text="渡口的船夫不肯收钱。沈砚走了。")
        report = index.sync([chapters[0], edited, chapters[2]], split=split_sentences)

        assert (report.chapters_changed, report.embedded, report.removed) == (1, 1, 2)
        assert report.reused == report.passages_total - 1
        new = {mark.id: mark.part for mark in index.snapshot.marks}
        assert {chapter for chapter in old if old[chapter] != new[chapter]} == {"c1"}
        assert index.similarity_search("沈砚走了", k=1)[0].page_content == "沈砚走了。"
        assert index.snapshot.lexical.search("走了", 1)[0][0].text == "沈砚走了。"
        assert "江面起雾。" not in texts(index)

    def test_a_new_order_and_new_names_write_no_passage(
        self, index: PgWorkIndex, chapters: list[ChapterText]
    ) -> None:
        old = {mark.part for mark in index.snapshot.marks}
        turned = [replace(one, order=2 - one.order, title=f"又名{one.title}") for one in chapters]
        report = index.sync(turned, split=split_sentences)

        assert report.embedded == 0
        assert {mark.part for mark in index.snapshot.marks} == old
        assert index.snapshot.passages[0].text == "雾散以后船夫不见了。"
        assert index.snapshot.passages[0].title == "又名第3章"
        found = index.similarity_search("沈砚在雨夜里磨墨", k=9, before=StoryPosition(1, 0))
        assert {document.metadata["chapter_id"] for document in found} == {"c2"}

    def test_text_that_moves_is_not_embedded_again(
        self, index: PgWorkIndex, chapters: list[ChapterText]
    ) -> None:
        moved = [replace(chapters[0], text=chapters[0].text + "江面起雾。"), chapters[2]]
        report = index.sync(moved, split=split_sentences)

        assert (report.embedded, report.passages_total) == (0, 7)
        assert index.snapshot.without_vectors == 0

    def test_a_text_that_repeats_is_embedded_once(
        self, database: VectorDatabase, work: str
    ) -> None:
        index = PgWorkIndex(database, work, BigramEmbeddings())
        report = index.sync(book("雨停了。雨停了。", "雨停了。"), split=split_sentences)

        assert (report.embedded, report.passages_total) == (1, 3)
        assert len(index.similarity_search("雨停了。", k=9)) == 3

    def test_many_texts_are_found_by_words_before_they_have_vectors(
        self, database: VectorDatabase, work: str
    ) -> None:
        model = BigramEmbeddings()
        model.batch_size = 2
        reader = PgWorkIndex(database, work, model)
        seen: list[tuple[int, int]] = []

        def look(*_: int) -> None:
            reader.refresh()
            by_words = reader.snapshot.lexical.search("灯", 99)
            seen.append((len(by_words), len(reader.similarity_search("灯亮了", k=99))))

        chapters = book(*("".join(f"第{n}盏灯亮了{m}次。" for m in range(5)) for n in range(8)))
        PgWorkIndex(database, work, model).sync(chapters, look, split=split_sentences)

        assert set(seen) == {(40, 0)}
        reader.refresh()
        assert len(reader.similarity_search("灯亮了", k=99)) == 40

    def test_what_was_embedded_before_an_interruption_is_kept(
        self, database: VectorDatabase, work: str
    ) -> None:
        model = BigramEmbeddings()
        model.batch_size = 2
        index = PgWorkIndex(database, work, model)
        chapters = book("".join(f"第{n}夜。" for n in range(40)))

        def stop(done: int, _: int) -> None:
            if done == 24:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            index.sync(chapters, stop, split=split_sentences)
        index.refresh()
        assert index.snapshot.without_vectors == 40
        assert index.sync(chapters, split=split_sentences).embedded == 16
        assert len(model.embedded) == len(set(model.embedded)) == 40

    def test_what_postgresql_refuses_in_texts_is_kept(
        self, database: VectorDatabase, work: str
    ) -> None:
        told = [ChapterText("c0", 0, "零\0章", "一个\0字符。半个\ud83d字符。")]
        PgWorkIndex(database, work, Tolerant()).sync(told, split=split_sentences)
        again = PgWorkIndex(database, work, Tolerant())

        assert texts(again) == ["一个\0字符。", "半个\ud83d字符。"]
        assert again.snapshot.passages[0].title == "零\0章"

    def test_chapters_without_an_order_change_nothing(
        self, index: PgWorkIndex, chapters: list[ChapterText]
    ) -> None:
        before = texts(index)
        with pytest.raises(IndexFailure, match="次序相同"):
            index.sync([replace(one, order=0) for one in chapters], split=split_sentences)
        index.refresh()
        assert texts(index) == before


class TestAnotherModel:
    def test_the_old_one_serves_until_the_new_one_is_ready(
        self, database: VectorDatabase, work: str, index: PgWorkIndex, chapters: list[ChapterText]
    ) -> None:
        other = PgWorkIndex(database, work, BigramEmbeddings(dimension=32))
        assert other.stale_reason is not None
        assert "另一个嵌入模型" in other.stale_reason
        served: list[str] = []

        def look(*_: int) -> None:
            index.refresh()
            served.append(index.similarity_search("江面起雾", k=1)[0].page_content)

        report = other.sync(chapters, look, split=split_sentences)
        assert (report.embedded, report.reused) == (9, 0)
        assert set(served) == {"江面起雾。"}
        assert other.stale_reason is None
        assert other.similarity_search("江面起雾", k=1)[0].page_content == "江面起雾。"
        assert index.refresh()
        assert index.stale_reason is not None
        with pytest.raises(WrongDimension):
            index.nearest(np.ones(64, dtype=np.float32), 1)

    def test_going_back_soon_costs_nothing(
        self, database: VectorDatabase, work: str, index: PgWorkIndex, chapters: list[ChapterText]
    ) -> None:
        PgWorkIndex(database, work, BigramEmbeddings(32)).sync(chapters, split=split_sentences)

        assert index.sync(chapters, split=split_sentences).embedded == 0
        assert index.stale_reason is None


class TestReaders:
    def test_an_old_state_stays_whole(self, index: PgWorkIndex) -> None:
        held = index.snapshot
        index.sync(book("全新的。"), split=split_sentences)
        vector = index.embeddings.embed_query_array("江面起雾")

        assert held.nearest(vector, 1)[0][0].text == "江面起雾。"
        assert len(held.nearest(vector, 99)) == 9
        assert texts(index) == ["全新的。"]

    def test_what_nobody_names_is_deleted_after_a_while(
        self, url: str, work: str, index: PgWorkIndex
    ) -> None:
        index.sync(book("全新的。"), split=split_sentences)
        assert count(url, "passages", work) == 10
        with psycopg.connect(url) as connection:
            connection.execute(
                "UPDATE yanchi_vectors.parts SET retired = retired - %s", (rows.GRACE,)
            )
        index.tidy()

        assert [count(url, table, work) for table in ("passages", "embeddings", "parts")] == [1] * 3

    def test_they_go_on_while_a_writer_works(
        self, index: PgWorkIndex, chapters: list[ChapterText]
    ) -> None:
        """Every search sees one state whole: its passages are all of the old book or the new."""
        old = set(texts(index))
        new_chapters = book(*(f"渡口第{n}夜。船夫第{n}次来。" for n in range(8)))
        new = {p.text for chapter in new_chapters for p in split_sentences(chapter)}
        done = threading.Event()
        mixed: list[set[str]] = []

        def read() -> None:
            while not done.is_set():
                found = {document.page_content for document in index.similarity_search("渡口", 50)}
                if found != old and found != new:
                    mixed.append(found)

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        for _ in range(3):
            index.sync(new_chapters, split=split_sentences)
            index.sync(chapters, split=split_sentences)
        done.set()
        for reader in readers:
            reader.join()

        assert mixed == []

    def test_after_an_edit_one_chapter_is_fetched(
        self, database: VectorDatabase, work: str, chapters: list[ChapterText]
    ) -> None:
        index = PgWorkIndex(database, work, BigramEmbeddings())
        for turn in range(40):
            chapters[turn % 3] = replace(chapters[turn % 3], text=f"第{turn}稿。老猫睡了。")
            index.sync(chapters, split=split_sentences)
            expected = [p.text for chapter in chapters for p in split_sentences(chapter)]
            assert texts(index) == expected
            found = index.snapshot.lexical.search(f"第{turn}稿", 1)
            assert found[0][0].text == f"第{turn}稿。"


def test_a_dropped_work_leaves_nothing(
    url: str, database: VectorDatabase, work: str, index: PgWorkIndex, chapters: list[ChapterText]
) -> None:
    remove_index(database, work)
    remove_index(database, work)

    tables = ("chapters", "parts", "spaces", "passages", "embeddings")
    assert [count(url, table, work) for table in tables] == [0] * 5
    assert index.refresh()
    assert index.damaged
    assert texts(index) == []
    assert index.sync(chapters, split=split_sentences).embedded == 9


class TestAsVectorStore:
    def test_documents_say_where_they_stand(self, index: PgWorkIndex) -> None:
        (document, score), *_ = index.similarity_search_with_score("砚台却还在舱板上", k=2)

        assert document.id == "c2:10"
        assert document.metadata == {
            "chapter_id": "c2", "chapter": 2, "title": "第3章", "start": 10, "end": 19,
        }  # fmt: skip
        assert 0.9 < score <= 1.001

    def test_it_serves_as_a_retriever(self, index: PgWorkIndex) -> None:
        retriever = index.as_retriever(search_kwargs={"k": 2, "before": StoryPosition(2, 0)})

        assert retriever.invoke("渡口的船夫")[0].page_content == "渡口的船夫不肯收钱。"

    def test_texts_come_and_go_with_chapters_only(self, index: PgWorkIndex) -> None:
        with pytest.raises(IndexFailure, match="章节"):
            index.add_texts(["一段文字"])

    def test_from_texts_makes_each_text_a_chapter(
        self, database: VectorDatabase, work: str
    ) -> None:
        index = PgWorkIndex.from_texts(
            ["沈砚在磨墨。", "江面起了雾。"],
            BigramEmbeddings(),
            [{"title": "雨夜"}, {"title": "渡口"}],
            database=database,
            work=work,
        )

        (found,) = index.similarity_search("江面", k=1)
        assert (found.metadata["title"], found.metadata["chapter"]) == ("渡口", 1)
