from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.embed import Vectors
from retrieval.errors import IndexFailure, WrongDimension
from retrieval.index import WorkIndex
from retrieval.lexical import LexicalIndex
from retrieval.snapshot import Snapshot
from retrieval.sync import SyncReport
from retrieval.types import ChapterText, Passage
from tests.retrieval.fakes import BigramEmbeddings, book, split_sentences


class Sync:
    """Goes from state to state and remembers what was chunked and embedded."""

    def __init__(self, folder: Path) -> None:
        self.model = BigramEmbeddings()
        self.index = WorkIndex.open(folder, self.model)
        self.chunked: list[str] = []
        self.progress: list[tuple[int, int]] = []

    @property
    def snapshot(self) -> Snapshot:
        return self.index.snapshot

    def to(self, chapters: list[ChapterText]) -> SyncReport:
        self.model.embedded.clear()
        self.chunked.clear()
        self.progress.clear()
        return self.index.sync(chapters, self._note, split=self._split)

    def _split(self, chapter: ChapterText) -> list[Passage]:
        self.chunked.append(chapter.id)
        return split_sentences(chapter)

    def _note(self, done: int, total: int) -> None:
        self.progress.append((done, total))

    def check(self, chapters: list[ChapterText]) -> None:
        """The state is the one that a rebuild from nothing would give."""
        told = sorted(chapters, key=lambda chapter: chapter.order)
        passages = [passage for chapter in told for passage in split_sentences(chapter)]
        assert list(self.snapshot.passages) == passages
        vectors = BigramEmbeddings().embed_array([passage.text for passage in passages])
        np.testing.assert_array_equal(self.snapshot.vectors, vectors)
        assert [mark.id for mark in self.snapshot.marks] == [chapter.id for chapter in told]
        words = LexicalIndex(passages).scores("老猫甲乙乙丙丁。")
        np.testing.assert_allclose(
            self.snapshot.lexical.scores("老猫甲乙乙丙丁。"), words, rtol=1e-5
        )


@pytest.fixture
def sync(tmp_path: Path) -> Sync:
    return Sync(tmp_path / "work")


def test_the_first_sync_embeds_everything(sync: Sync, chapters: list[ChapterText]) -> None:
    report = sync.to(chapters)

    assert (report.chapters_changed, report.passages_total, report.embedded) == (3, 9, 9)
    assert (report.reused, report.removed) == (0, 0)
    assert sync.progress[-1] == (9, 9)
    sync.check(chapters)


def test_nothing_new_is_nothing_done(sync: Sync, chapters: list[ChapterText]) -> None:
    sync.to(chapters)
    state = sync.snapshot
    report = sync.to(chapters)

    assert sync.snapshot is state
    assert (report.chapters_changed, report.embedded, report.reused) == (0, 0, 9)
    assert (sync.chunked, sync.model.embedded, sync.progress) == ([], [], [])


def test_one_edited_sentence_is_one_embedding(sync: Sync, chapters: list[ChapterText]) -> None:
    sync.to(chapters)
    chapters[1] = replace(chapters[1], text=chapters[1].text.replace("江面起雾", "江面落雪"))
    report = sync.to(chapters)

    assert sync.chunked == ["c1"]
    assert sync.model.embedded == ["江面落雪。"]
    assert (report.chapters_changed, report.reused, report.removed) == (1, 8, 1)
    sync.check(chapters)


def test_reordering_and_renaming_embed_nothing(sync: Sync, chapters: list[ChapterText]) -> None:
    sync.to(chapters)
    first, second, third = chapters
    moved = [replace(first, order=9), replace(second, title="渡口"), replace(third, order=0)]
    report = sync.to(moved)

    assert sync.chunked == sync.model.embedded == []
    assert (report.chapters_changed, report.embedded, report.removed) == (0, 0, 0)
    sync.check(moved)


def test_a_chapter_cut_in_two_embeds_nothing(sync: Sync) -> None:
    sync.to(book("一句。二句。三句。"))
    halves = book("一句。", "二句。三句。")
    report = sync.to(halves)

    assert report.embedded == 0
    sync.check(halves)


def test_deleted_chapters_are_forgotten(sync: Sync, chapters: list[ChapterText]) -> None:
    sync.to(chapters)
    report = sync.to(chapters[:1])

    assert (report.passages_total, report.removed) == (3, 6)
    sync.check(chapters[:1])
    assert sync.to([]).passages_total == 0
    sync.check([])


def test_a_sentence_that_stands_twice_is_embedded_once(sync: Sync) -> None:
    twice = book("老猫。老猫。", "老猫。")
    report = sync.to(twice)

    assert sync.model.embedded == ["老猫。"]
    assert report.passages_total == 3
    assert sync.to(book("老猫。")).removed == 2


sentences = st.lists(st.sampled_from(["甲。", "乙乙。", "丙丙丙。", "丁"]), max_size=4)
books = st.lists(sentences, max_size=4).map(lambda texts: book(*("".join(t) for t in texts)))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(books, st.randoms(use_true_random=False)), max_size=4))
def test_any_way_leads_to_what_a_rebuild_gives(
    steps: list[tuple[list[ChapterText], object]],
) -> None:
    with TemporaryDirectory() as folder:
        sync = Sync(Path(folder) / "work")
        for chapters, random in steps:
            orders = list(range(len(chapters)))
            random.shuffle(orders)  # type: ignore[attr-defined]
            moved = [replace(c, order=order) for c, order in zip(chapters, orders, strict=True)]
            sync.to(moved)
            sync.check(moved)
            if orders and orders[0] % 2:
                sync.index.tidy()
                sync.check(moved)


def test_two_chapters_in_one_place_are_refused(sync: Sync) -> None:
    first, second = book("甲。", "乙。")

    with pytest.raises(IndexFailure, match="「第1章」和「第2章」的次序相同"):
        sync.to([first, replace(second, order=0)])
    with pytest.raises(IndexFailure, match="同一个编号"):
        sync.to([first, replace(second, id="c0")])


def shifted(chapter: ChapterText) -> list[Passage]:
    return [replace(p, start=p.start + 1, end=p.end + 1) for p in split_sentences(chapter)]


def backwards(chapter: ChapterText) -> list[Passage]:
    return split_sentences(chapter)[::-1]


def elsewhere(chapter: ChapterText) -> list[Passage]:
    return [replace(p, chapter=p.chapter + 1) for p in split_sentences(chapter)]


@pytest.mark.parametrize("split", [shifted, backwards, elsewhere])
def test_a_splitter_that_lies_about_places_is_caught(
    sync: Sync, split: object, chapters: list[ChapterText]
) -> None:
    with pytest.raises(IndexFailure, match="对不上"):
        sync.index.sync(chapters, split=split)  # type: ignore[arg-type]


class Faulty(BigramEmbeddings):
    def __init__(self, rows: Vectors) -> None:
        super().__init__()
        self.rows = rows

    def embed_array(self, texts: list[str]) -> Vectors:  # type: ignore[override]
        return np.repeat(self.rows, len(texts), axis=0)


def test_a_model_that_lies_about_its_dimension_is_caught(tmp_path: Path) -> None:
    index = WorkIndex.open(tmp_path / "w", Faulty(np.ones((1, 63), dtype=np.float32)))

    with pytest.raises(WrongDimension, match="63 维"):
        index.sync(book("甲。"), split=split_sentences)


def test_numbers_that_are_none_are_caught(tmp_path: Path) -> None:
    index = WorkIndex.open(tmp_path / "w", Faulty(np.full((1, 64), np.nan, dtype=np.float32)))

    with pytest.raises(IndexFailure, match="无效的数值"):
        index.sync(book("甲。"), split=split_sentences)
