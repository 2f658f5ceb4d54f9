import json
import multiprocessing
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from retrieval.errors import IndexFailure, WrongDimension
from retrieval.index import WorkIndex, remove_index
from retrieval.types import ChapterText, StoryPosition
from tests.retrieval.fakes import BigramEmbeddings, book, split_sentences


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "work-1"


@pytest.fixture
def index(folder: Path, embeddings: BigramEmbeddings, chapters: list[ChapterText]) -> WorkIndex:
    opened = WorkIndex.open(folder, embeddings)
    opened.sync(chapters, split=split_sentences)
    return opened


def texts(index: WorkIndex) -> list[str]:
    return [passage.text for passage in index.snapshot.passages]


def test_a_work_that_was_never_indexed_is_empty(folder: Path) -> None:
    index = WorkIndex.open(folder, BigramEmbeddings())

    assert index.stale_reason == "还没有索引"
    assert index.similarity_search("沈砚") == []
    assert not folder.exists()


def test_what_was_synced_is_there_after_a_restart(folder: Path, index: WorkIndex) -> None:
    again = WorkIndex.open(folder, BigramEmbeddings())

    assert again.stale_reason is None
    assert list(again.snapshot.passages) == list(index.snapshot.passages)
    assert again.similarity_search("渡口的船夫", k=1)[0].page_content == "渡口的船夫不肯收钱。"


def test_an_empty_book_is_in_order(folder: Path) -> None:
    index = WorkIndex.open(folder, BigramEmbeddings())
    report = index.sync([], split=split_sentences)

    assert report.passages_total == 0
    assert WorkIndex.open(folder, BigramEmbeddings()).stale_reason is None


def test_damage_is_stale_and_the_next_sync_repairs(
    folder: Path, index: WorkIndex, chapters: list[ChapterText]
) -> None:
    vectors = next(folder.glob("*/vectors-*.faiss"))
    vectors.write_bytes(vectors.read_bytes()[:-1])
    damaged = WorkIndex.open(folder, BigramEmbeddings())

    assert damaged.stale_reason == "索引的文件损坏了"
    damaged.sync(chapters, split=split_sentences)
    assert texts(damaged) == texts(index)
    assert WorkIndex.open(folder, BigramEmbeddings()).stale_reason is None


def test_deleting_the_folder_costs_one_rebuild(
    folder: Path, index: WorkIndex, chapters: list[ChapterText]
) -> None:
    before = texts(index)
    remove_index(folder)
    remove_index(folder)

    assert not folder.exists()
    assert index.refresh()
    assert texts(index) == []
    assert index.sync(chapters, split=split_sentences).embedded == 9
    assert texts(index) == before


def test_a_sync_without_news_writes_nothing(
    folder: Path, index: WorkIndex, chapters: list[ChapterText]
) -> None:
    before = (folder / "manifest.json").stat().st_mtime_ns
    index.sync(chapters, split=split_sentences)

    assert (folder / "manifest.json").stat().st_mtime_ns == before


def test_the_manifest_tells_what_it_came_from(
    folder: Path, index: WorkIndex, chapters: list[ChapterText]
) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))

    assert manifest["maker"]["fingerprint"] == index.embeddings.fingerprint
    assert (manifest["maker"]["dimension"], manifest["passages"]) == (64, 9)
    (segment,) = manifest["segments"].values()
    assert (segment["vectors"]["kind"], segment["vectors"]["recall"]) == ("flat", 1.0)
    assert all(len(seal["sha256"]) == 64 for seal in segment["files"].values())
    assert [chapter["title"] for chapter in manifest["chapters"]] == [c.title for c in chapters]


def test_another_writers_generation_is_picked_up(
    folder: Path, index: WorkIndex, chapters: list[ChapterText]
) -> None:
    writer = WorkIndex.open(folder, BigramEmbeddings())
    assert not index.refresh()
    writer.sync(chapters[:1], split=split_sentences)

    assert index.refresh()
    assert texts(index) == texts(writer)
    assert not index.refresh()


def test_a_writer_goes_on_from_what_another_wrote(
    folder: Path, index: WorkIndex, chapters: list[ChapterText]
) -> None:
    longer = [*chapters, ChapterText("c9", 9, "尾声", "天亮了。")]
    WorkIndex.open(folder, BigramEmbeddings()).sync(longer, split=split_sentences)

    assert index.sync(longer, split=split_sentences).embedded == 0


def _sync_in_a_process(folder: Path, number: int) -> None:
    index = WorkIndex.open(folder, BigramEmbeddings())
    for turn in range(5):
        index.sync(book(f"第{number}个。" * (turn + 1)), split=split_sentences)


def test_two_processes_do_not_write_over_each_other(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=_sync_in_a_process, args=(folder, number)) for number in range(2)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0, 0]
    index = WorkIndex.open(folder, BigramEmbeddings())
    assert index.stale_reason is None
    assert texts(index) in (["第0个。"] * 5, ["第1个。"] * 5)
    assert len(list(folder.iterdir())) == 2


def test_a_writer_that_waits_too_long_says_so(folder: Path, chapters: list[ChapterText]) -> None:
    index = WorkIndex.open(folder, BigramEmbeddings(), lock_seconds=0.05)

    with (
        FileLock(folder.with_name(".work-1.lock")),
        pytest.raises(IndexFailure, match="正在更新"),
    ):
        index.sync(chapters, split=split_sentences)


def test_of_two_saves_in_a_row_the_later_text_wins(folder: Path) -> None:
    """The save that got its turn last asks for the chapters last."""
    truth = book("旧的。")
    index = WorkIndex.open(folder, BigramEmbeddings())
    holding, waiting = threading.Event(), threading.Event()

    def first() -> list[ChapterText]:
        holding.set()
        waiting.wait(10)
        return book("旧的。")

    early = threading.Thread(target=lambda: index.sync(first, split=split_sentences))
    early.start()
    holding.wait(10)
    late = threading.Thread(target=lambda: index.sync(lambda: truth, split=split_sentences))
    late.start()
    truth = book("新的。")
    waiting.set()
    early.join()
    late.join()

    assert texts(index) == ["新的。"]


def test_readers_go_on_while_a_writer_works(index: WorkIndex, chapters: list[ChapterText]) -> None:
    """Every search sees one state whole: its passages are all of the old book or the new."""
    old = set(texts(index))
    new_chapters = book(*(f"渡口第{number}夜。船夫第{number}次来。" for number in range(40)))
    new = {p.text for chapter in new_chapters for p in split_sentences(chapter)}
    done = threading.Event()
    mixed: list[set[str]] = []

    def read() -> None:
        while not done.is_set():
            found = {document.page_content for document in index.similarity_search("渡口", 50)}
            if not (found <= old or found <= new):
                mixed.append(found)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(4):
        index.sync(new_chapters, split=split_sentences)
        index.sync(chapters, split=split_sentences)
    done.set()
    for reader in readers:
        reader.join()

    assert mixed == []


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    index = WorkIndex.open(tmp_path / "file" / "work", BigramEmbeddings())

    with pytest.raises(IndexFailure, match="写不进"):
        index.sync(book("甲。"), split=split_sentences)


class TestAsVectorStore:
    def test_documents_say_where_they_stand(self, index: WorkIndex) -> None:
        (document, score), *_ = index.similarity_search_with_score("砚台却还在舱板上", k=2)

        assert document.page_content == "砚台却还在舱板上。"
        assert document.id == "c2:10"
        assert document.metadata == {
            "chapter_id": "c2",
            "chapter": 2,
            "title": "第3章",
            "start": 10,
            "end": 19,
        }
        assert 0.9 < score <= 1.0001

    def test_before_is_honoured(self, index: WorkIndex) -> None:
        found = index.similarity_search("老猫跳上了船", k=9, before=StoryPosition(1, 0))

        assert len(found) == 3
        assert {document.metadata["chapter"] for document in found} == {0}

    def test_it_serves_as_a_retriever(self, index: WorkIndex) -> None:
        retriever = index.as_retriever(search_kwargs={"k": 2, "before": StoryPosition(2, 0)})

        assert retriever.invoke("渡口的船夫")[0].page_content == "渡口的船夫不肯收钱。"

    def test_relevance_is_the_cosine(self, index: WorkIndex) -> None:
        (_, relevance), *_ = index.similarity_search_with_relevance_scores("江面起雾。", k=1)

        assert relevance == pytest.approx(1, abs=1e-5)

    def test_a_vector_of_another_dimension_is_refused(self, index: WorkIndex) -> None:
        with pytest.raises(WrongDimension):
            index.similarity_search_by_vector([1.0, 2.0])

    def test_texts_come_and_go_with_chapters_only(self, index: WorkIndex) -> None:
        with pytest.raises(IndexFailure, match="章节"):
            index.add_texts(["一段文字"])
        with pytest.raises(IndexFailure, match="章节"):
            index.delete(["c2:10"])

    def test_from_texts_makes_each_text_a_chapter(self, folder: Path) -> None:
        index = WorkIndex.from_texts(
            ["沈砚在磨墨。", "江面起了雾。"],
            BigramEmbeddings(),
            [{"title": "雨夜"}, {"title": "渡口"}],
            folder=folder,
        )

        (found,) = index.similarity_search("江面", k=1)
        assert (found.metadata["title"], found.metadata["chapter"]) == ("渡口", 1)


def test_a_renamed_chapter_renames_its_passages(
    index: WorkIndex, chapters: list[ChapterText]
) -> None:
    renamed = [replace(chapters[0], title="雨夜"), *chapters[1:]]
    report = index.sync(renamed, split=split_sentences)

    assert report.embedded == 0
    assert index.similarity_search("沈砚在雨夜里磨墨", k=1)[0].metadata["title"] == "雨夜"
