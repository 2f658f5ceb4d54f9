"""Models that change, fail, come back, or take long; and the segments that saves leave."""

import multiprocessing
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from retrieval.embed import Vectors
from retrieval.errors import EmbedderUnavailable
from retrieval.former import FormerModels
from retrieval.index import WorkIndex
from retrieval.lexical import LexicalIndex
from retrieval.snapshot import Maker
from retrieval.types import ChapterText
from tests.retrieval.fakes import BigramEmbeddings, book, split_sentences


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "work-1"


@pytest.fixture
def index(folder: Path, embeddings: BigramEmbeddings, chapters: list[ChapterText]) -> WorkIndex:
    opened = WorkIndex.open(folder, embeddings)
    opened.sync(chapters, split=split_sentences)
    return opened


class Former(FormerModels):
    """Models that can still be had, and how often one was asked for."""

    def __init__(self, *models: BigramEmbeddings) -> None:
        self.asked = 0
        super().__init__(lambda maker: self._pick(maker, models))

    def _pick(self, maker: Maker, models: tuple[BigramEmbeddings, ...]) -> BigramEmbeddings:
        self.asked += 1
        for model in models:
            if model.fingerprint == maker.fingerprint:
                return model
        raise EmbedderUnavailable("嵌入模型不在了。")


@pytest.mark.usefixtures("index")
def test_another_model_takes_over_and_the_old_index_serves_until_then(
    folder: Path, chapters: list[ChapterText]
) -> None:
    former = Former(BigramEmbeddings())
    other = WorkIndex.open(folder, BigramEmbeddings(dimension=128), former=former)

    assert other.stale_reason is not None
    assert "另一个嵌入模型（bigram-hash）" in other.stale_reason
    assert other.similarity_search("渡口的船夫", k=1)[0].page_content == "渡口的船夫不肯收钱。"
    assert former.asked == 1
    assert other.sync(chapters, split=split_sentences).embedded == 9
    assert other.stale_reason is None
    assert other.snapshot.vectors.shape == (9, 128)
    assert other.similarity_search("渡口的船夫", k=1)[0].page_content == "渡口的船夫不肯收钱。"
    assert former.asked == 1


@pytest.mark.usefixtures("index")
def test_a_former_model_that_is_gone_leaves_words(folder: Path) -> None:
    other = WorkIndex.open(folder, BigramEmbeddings(dimension=32), former=Former())

    assert other.similarity_search("渡口的船夫") == []
    assert other.snapshot.lexical.search("渡口的船夫", 1)[0][0].text == "渡口的船夫不肯收钱。"


@pytest.mark.usefixtures("index")
def test_a_former_model_that_is_no_longer_itself_is_not_asked(folder: Path) -> None:
    changed = FormerModels(lambda _: BigramEmbeddings(fingerprint="changed"))
    other = WorkIndex.open(folder, BigramEmbeddings(dimension=32), former=changed)

    assert other.similarity_search("渡口的船夫") == []


def many(count: int, word: str = "船夫") -> list[ChapterText]:
    return book(*("".join(f"{word}第{c}夜第{n}次来。" for n in range(50)) for c in range(count)))


def test_what_progress_raises_ends_the_sync_and_what_is_embedded_is_kept(index: WorkIndex) -> None:
    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    model = index.embeddings
    assert isinstance(model, BigramEmbeddings)
    model.embedded.clear()
    with pytest.raises(KeyboardInterrupt):
        index.sync(many(10), stop, split=split_sentences)

    assert len(index.snapshot.passages) == 500
    assert index.snapshot.without_vectors == 500
    assert "500 段没有算出向量" in str(index.stale_reason)
    assert index.snapshot.lexical.search("第9夜第49次", 1)[0][0].chapter == 9
    kept = len(model.embedded)
    assert 0 < kept < 500
    again = WorkIndex.open(index.folder, BigramEmbeddings())
    assert again.sync(many(10), split=split_sentences).embedded == 500 - kept
    assert again.stale_reason is None
    np.testing.assert_array_equal(
        again.snapshot.vectors, model.embed_array([p.text for p in again.snapshot.passages])
    )
    assert sorted(path.name for path in index.folder.iterdir())[1:] == ["manifest.json"]


def test_time_that_is_over_ends_the_sync_and_the_next_goes_on(index: WorkIndex) -> None:
    reports = []
    while not reports or reports[-1].waiting:
        reports.append(index.sync(many(40), split=split_sentences, seconds=0))
        assert len(reports) < 50

    assert sum(report.embedded for report in reports) == 2000
    assert index.stale_reason is None


def test_who_saves_during_a_long_embedding_is_found_by_words_at_once(
    folder: Path, index: WorkIndex
) -> None:
    chapters = many(10)
    seen: list[bool] = []

    def save_once(*_: int) -> None:
        if seen:
            return
        chapters.append(ChapterText("new", 10, "新章", "骆驼来了。"))
        saver = WorkIndex.open(folder, BigramEmbeddings())
        assert saver.sync(chapters, split=split_sentences, seconds=0).waiting == 501
        found = saver.snapshot.lexical.search("骆驼", 1)
        seen.append(found[0][0].text == "骆驼来了。")

    report = index.sync(lambda: chapters, save_once, split=split_sentences)

    assert seen == [True]
    assert report.waiting == 0
    assert index.snapshot.passages[-1].text == "骆驼来了。"
    assert index.stale_reason is None


def test_the_write_lock_is_free_while_texts_are_embedded(folder: Path, index: WorkIndex) -> None:
    free: list[bool] = []

    def look(*_: int) -> None:
        with FileLock(folder.with_name(".work-1.lock"), timeout=1):
            free.append(True)

    index.sync(many(10), look, split=split_sentences)
    assert free


def _embed_in_a_process(folder: Path) -> None:
    WorkIndex.open(folder, BigramEmbeddings()).sync(many(30), split=split_sentences)


def test_two_processes_that_embed_one_book_both_end_with_the_whole(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_embed_in_a_process, args=(folder,)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0, 0]
    index = WorkIndex.open(folder, BigramEmbeddings())
    assert index.stale_reason is None
    texts = [passage.text for passage in index.snapshot.passages]
    assert texts == [p.text for chapter in many(30) for p in split_sentences(chapter)]
    np.testing.assert_array_equal(index.snapshot.vectors, BigramEmbeddings().embed_array(texts))
    assert len(list(folder.iterdir())) == 2


class Unavailable(BigramEmbeddings):
    """A model whose files are gone, until they are back."""

    broken = True

    @property
    def fingerprint(self) -> str:
        if self.broken:
            raise EmbedderUnavailable("嵌入模型用不了。")
        return super().fingerprint


def test_without_a_model_words_find_everything_and_vectors_come_later(
    folder: Path, chapters: list[ChapterText]
) -> None:
    model = Unavailable()
    index = WorkIndex.open(folder, model)
    report = index.sync(chapters, split=split_sentences)

    assert (report.waiting, report.reason) == (9, "嵌入模型用不了。")
    assert index.stale_reason == "嵌入模型用不了。"
    assert index.similarity_search("船夫") == []
    assert index.snapshot.lexical.search("船夫", 1)[0][0].chapter in (1, 2)
    model.broken = False
    assert index.sync(chapters, split=split_sentences).embedded == 9
    assert index.stale_reason is None


@pytest.mark.usefixtures("index")
def test_an_edit_without_a_model_keeps_the_vectors_that_are_there(
    folder: Path, chapters: list[ChapterText]
) -> None:
    broken = WorkIndex.open(folder, Unavailable(), former=Former(BigramEmbeddings()))
    edited = [*chapters, ChapterText("c9", 9, "尾声", "天亮了。")]

    assert broken.sync(edited, split=split_sentences).waiting == 1
    assert broken.similarity_search("渡口的船夫", k=1)[0].page_content == "渡口的船夫不肯收钱。"
    whole = WorkIndex.open(folder, BigramEmbeddings())
    assert whole.sync(edited, split=split_sentences).embedded == 1


class Breaking(BigramEmbeddings):
    def embed_array(self, _: Sequence[str]) -> Vectors:
        raise EmbedderUnavailable("计算向量时出错。")


def test_a_model_that_breaks_while_it_works_leaves_the_words(
    folder: Path, index: WorkIndex, chapters: list[ChapterText]
) -> None:
    broken = WorkIndex.open(folder, Breaking())
    for edited in ([*chapters, ChapterText("c9", 9, "尾声", "天亮了。")], many(10)):
        report = broken.sync(edited, split=split_sentences)
        assert report.reason == "计算向量时出错。"
        assert list(broken.snapshot.passages)[-1].text == split_sentences(edited[-1])[-1].text
    assert index.refresh()


def test_many_saves_leave_few_segments_and_the_same_state(index: WorkIndex) -> None:
    chapters = many(12)
    for turn in range(30):
        place = turn % 12
        text = chapters[place].text.replace("船夫", f"船夫{turn}", 1)
        chapters[place] = replace(chapters[place], text=text)
        index.sync(chapters, split=split_sentences)
    before = (list(index.snapshot.passages), index.snapshot.vectors)
    assert len(index.snapshot.segments) > 8

    assert index.tidy()
    while index.tidy():
        pass
    assert len(index.snapshot.segments) < 8
    again = WorkIndex.open(index.folder, BigramEmbeddings())
    for state in (index.snapshot, again.snapshot):
        assert list(state.passages) == before[0]
        np.testing.assert_array_equal(state.vectors, before[1])
    rebuilt = LexicalIndex(before[0])
    np.testing.assert_allclose(
        again.snapshot.lexical.scores("船夫第3夜29"), rebuilt.scores("船夫第3夜29"), rtol=1e-5
    )


@pytest.mark.usefixtures("index")
def test_a_model_whose_vectors_changed_their_length_leaves_words_until_it_has_rebuilt(
    folder: Path, chapters: list[ChapterText]
) -> None:
    class Longer(BigramEmbeddings):
        """Says that it is the old one, and is not."""

        @property
        def fingerprint(self) -> str:
            return "bigrams-64"

    index = WorkIndex.open(folder, Longer(dimension=128))
    assert index.similarity_search("渡口的船夫") == []
    assert index.sync(chapters, split=split_sentences).embedded == 9
    assert index.similarity_search("渡口的船夫", k=1)[0].page_content == "渡口的船夫不肯收钱。"
