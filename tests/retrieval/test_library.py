import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import bm25
from retrieval.embed import SentenceTransformerEmbeddings
from retrieval.errors import IndexFailure
from retrieval.index import WorkIndex
from retrieval.library import WORDS_ONLY, Library
from retrieval.stores import FileStore
from retrieval.types import ChapterText, Found, StoryPosition
from tests.retrieval.fakes import BigramEmbeddings, book

SCENES = [
    "沈砚在雨夜里磨墨，灯花爆了一声，他想起师父临终前交给他的那方旧砚台。",
    "渡口的船夫不肯收钱，沈砚便把砚台押给了他，约定三日以后来赎。",
    "江面起了大雾，老猫蹲在船头，尾巴一下一下地扫着缆绳。",
    "县令的轿子停在巷口，师爷挑着灯笼，说是要查一件二十年前的旧案。",
]


def long_book(chapters: int = 8) -> list[ChapterText]:
    """Each chapter has a passage of its own and a few that look like all others."""
    return book(
        *(
            "".join(
                f"{SCENES[(number + turn) % 4]}第{number}章第{turn}遍。\n" for turn in range(20)
            )
            for number in range(chapters)
        )
    )


@pytest.fixture
def library(tmp_path: Path) -> Library:
    opened = Library(FileStore(tmp_path / "index"), BigramEmbeddings())
    opened.sync("w1", long_book())
    return opened


def places(found: list[Found]) -> list[tuple[int, int]]:
    return [(one.passage.chapter, one.passage.start) for one in found]


def test_what_matters_comes_back_first(library: Library) -> None:
    found = library.recall("w1", "船夫收下砚台，约定三日来赎，第5章第7遍", k=3)

    assert len(found) == 3
    assert found[0].passage.chapter == 5
    assert "第5章第7遍" in found[0].passage.text
    assert set(found[0].ranks) == {"lexical", "dense"}


@settings(deadline=None, max_examples=40)
@given(
    st.builds(StoryPosition, st.integers(0, 9), st.integers(0, 1200)),
    st.sampled_from(["船夫", "县令的轿子停在巷口", "第7章第19遍"]),
)
def test_the_future_never_comes_back(
    tmp_path_factory: pytest.TempPathFactory, before: StoryPosition, query: str
) -> None:
    library = Library(FileStore(tmp_path_factory.getbasetemp() / "future"), BigramEmbeddings())
    library.sync("w", long_book())

    assert all(one.passage.ends <= before for one in library.recall("w", query, 50, before))


def test_a_large_work_answers_as_a_small_one_does(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bm25, "LARGE", 1)
    large = Library(FileStore(tmp_path / "index"), BigramEmbeddings())
    for query in ("船夫收下砚台，约定三日来赎，第5章第7遍", "江面起了大雾"):
        for before in (None, StoryPosition(3, 100)):
            found, expected = (one.recall("w1", query, 10, before) for one in (large, library))
            assert [(one.passage, one.ranks) for one in found] == [
                (one.passage, one.ranks) for one in expected
            ]


def test_the_text_that_stands_in_the_prompt_does_not_come_back(library: Library) -> None:
    chapter = long_book()[4]
    before = StoryPosition(4, len(chapter.text))
    tail = chapter.text[-500:]
    found = library.recall("w1", tail, 50, before, exclude_text=tail)

    assert found
    assert not [
        one
        for one in found
        if one.passage.chapter == 4 and one.passage.end > len(chapter.text) - 500
    ]


def test_the_end_of_a_long_query_decides(library: Library) -> None:
    noise = "县令的轿子停在巷口。" * 10_000
    started = time.process_time()
    found = library.recall("w1", noise + "老猫。" * 200 + "第3章第2遍", k=1)

    assert time.process_time() - started < 1
    assert found == library.recall("w1", "老猫。" * 200 + "第3章第2遍", k=1)


@pytest.mark.parametrize("query", ["", " \n", "。。。", "zzz"])
def test_a_query_that_says_nothing_does_not_fail(library: Library, query: str) -> None:
    assert len(library.recall("w1", query, k=3)) <= 3


def test_a_work_without_text_has_nothing_to_recall(library: Library) -> None:
    assert library.recall("unknown", "砚台") == []
    assert library.stale_reason("unknown") == "还没有索引"
    library.sync("empty", [])
    assert library.recall("empty", "砚台") == []
    assert library.stale_reason("empty") is None


def test_an_edit_is_seen_by_words_and_vectors_at_once(library: Library) -> None:
    chapters = long_book()
    chapters[2] = replace(chapters[2], text="忽然来了一头骆驼。")
    report = library.sync("w1", chapters)

    assert report.chapters_changed == 1
    (found,) = library.recall("w1", "一头骆驼", k=1)
    assert found.passage.text == "忽然来了一头骆驼。"
    assert found.ranks == {"lexical": 1, "dense": 1}


def test_what_another_process_wrote_is_seen(library: Library, tmp_path: Path) -> None:
    library.recall("w1", "砚台")
    WorkIndex.open(tmp_path / "index" / "w1", BigramEmbeddings()).sync(book("忽然来了骆驼。"))

    assert library.recall("w1", "骆驼")[0].passage.text == "忽然来了骆驼。"


def test_works_do_not_see_each_other(library: Library) -> None:
    library.sync("w2", book("骆驼。"))

    assert [one.passage.text for one in library.recall("w2", "砚台和骆驼")] == ["骆驼。"]


def test_a_dropped_work_is_gone(library: Library, tmp_path: Path) -> None:
    library.drop("w1")
    library.drop("w1")

    assert not (tmp_path / "index" / "w1").exists()
    assert library.recall("w1", "砚台") == []


@pytest.mark.usefixtures("library")
def test_dropping_needs_no_model(tmp_path: Path) -> None:
    broken = Library(
        FileStore(tmp_path / "index"), SentenceTransformerEmbeddings(tmp_path / "no-model")
    )
    broken.drop("w1")

    assert not (tmp_path / "index" / "w1").exists()
    assert broken.recall("w1", "砚台") == []


@pytest.mark.usefixtures("library")
def test_without_its_model_a_library_goes_by_words_and_says_so(tmp_path: Path) -> None:
    broken = Library(
        FileStore(tmp_path / "index"), SentenceTransformerEmbeddings(tmp_path / "no-model")
    )
    broken.sync("w1", [*long_book(), ChapterText("new", 9, "新章", "忽然来了一头骆驼。")])
    (found, *_) = broken.recall("w1", "一头骆驼", k=3)

    assert found.passage.text == "忽然来了一头骆驼。"
    assert set(found.ranks) == {"lexical"}
    assert broken.limits("w1") == WORDS_ONLY


def test_a_library_that_has_all_it_needs_has_no_limits(library: Library) -> None:
    assert library.limits("w1") is None
    assert library.limits("unknown") == "还没有索引"


def test_whoever_finds_a_damaged_index_has_it_made_again(tmp_path: Path) -> None:
    Library(FileStore(tmp_path / "index"), BigramEmbeddings()).sync("w1", long_book())
    blob = next((tmp_path / "index" / "w1").glob("*/text.utf8"))
    blob.write_bytes(blob.read_bytes()[:-1])
    told: list[str] = []
    library = Library(FileStore(tmp_path / "index"), BigramEmbeddings(), on_damage=told.append)

    assert library.recall("w1", "砚台") == []
    assert library.recall("w1", "砚台") == []
    assert told == ["w1"]
    assert library.sync("w1", long_book()).embedded > 0
    assert library.recall("w1", "砚台")


def test_open_works_share_one_memory(tmp_path: Path) -> None:
    library = Library(FileStore(tmp_path), BigramEmbeddings())
    for number in range(4):
        library.sync(f"w{number}", long_book())
    one = library._work("w0").bytes
    assert one > 10_000

    small = Library(FileStore(tmp_path), BigramEmbeddings(), memory=int(2.5 * one))
    for _ in range(2):
        for number in range(4):
            assert small.recall(f"w{number}", "船夫")
            assert len(small._open) <= 3
    assert len(small._open) >= 2


@pytest.mark.parametrize(
    "work_id", ["", "..", "../w1", "a/b", "/etc", "a\0b", ".w1.lock", "x" * 65]
)
def test_ids_that_are_paths_are_refused(library: Library, work_id: str) -> None:
    for call in (library.drop, library.stale_reason, lambda one: library.recall(one, "砚台")):
        with pytest.raises(IndexFailure, match="编号"):
            call(work_id)


def test_only_so_many_works_stay_open_and_the_others_open_again(tmp_path: Path) -> None:
    library = Library(FileStore(tmp_path), BigramEmbeddings(), open_works=2)
    for number in range(4):
        library.sync(f"w{number}", book(f"第{number}匹骆驼。"))

    assert len(library._open) == 2
    for number in range(4):
        assert library.recall(f"w{number}", "骆驼")[0].passage.text == f"第{number}匹骆驼。"


def test_many_threads_may_recall_and_save_at_once(library: Library) -> None:
    wrong: list[object] = []

    def use(number: int) -> None:
        work = f"w{number % 3}"
        try:
            for turn in range(6):
                if number % 2:
                    library.sync(work, long_book(2 + turn % 3))
                for one in library.recall(work, "船夫", 5, StoryPosition(1, 0)):
                    if one.passage.chapter > 0:
                        wrong.append(one)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
