"""The code that measures: it must be able to tell a good method from a bad one."""
# ruff: noqa: ARG001, ARG002, ARG005 (stand-ins have the arguments of what they stand for)

import asyncio
import json
import os
import random
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest

from bench import api, leaks, retrieval_tables
from bench.__main__ import BENCHES, chosen
from bench.api_client import Round, Stream, _Reader
from bench.latency import of_passages
from bench.leaks import Manuscript, Place
from bench.peers import base, langchain, llamaindex, packages, parts, words
from bench.peers.base import CHAPTER_DEPTH, Method, PeerMissing, Searcher
from bench.report import Report
from bench.retrieval import STEPS
from bench.retrieval_quality import Measured, measure_chapters, measure_spans
from bench.retrieval_sets import ChapterQuery, ChapterTask, Task, novel, questions, without_lines
from retrieval.chunk import chunk_chapter
from retrieval.evaluate import Query, Span
from retrieval.timeline import View
from retrieval.types import ChapterText, Character, Found, Passage, Scene, StoryPosition
from tests.conftest import ROOT
from tests.retrieval.fakes import BigramEmbeddings


def chapter(order: int, text: str) -> ChapterText:
    return ChapterText(f"c{order}", order, "", text)


class Fixed(Searcher):
    """Gives the passages of these chapters, whatever is asked."""

    def __init__(self, *found: Passage) -> None:
        self._found = list(found)

    def passages(self, query: str, k: int) -> list[Passage]:
        return self._found[:k]


def fixed(*found: Passage) -> Method:
    return Method("x", "fixed", "", lambda chapters, cast: Fixed(*found), single=True)


def missing(chapters: Sequence[ChapterText], cast: Sequence[Character]) -> Searcher:
    raise PeerMissing("not here")


# --- which benches run ------------------------------------------------------------------------


def test_a_group_is_its_steps_and_a_step_of_it_stands_alone() -> None:
    assert chosen(["retrieval"]) == list(STEPS)
    assert chosen(["retrieval", "titles"]) == ["titles"]
    assert chosen(["retrieval", "ttft"]) == [*STEPS, "ttft"]
    assert chosen([]) == list(BENCHES)
    with pytest.raises(ValueError, match="unknown: nothing"):
        chosen(["nothing"])


# --- the peers --------------------------------------------------------------------------------


def test_tokens_cross_no_punctuation() -> None:
    assert words.bigrams("春江，水暖") == ["春江", "水暖"]
    assert words.characters_and_bigrams("春江。") == ["春", "江", "春江"]
    assert words.words("他说：“好！”") == ["他", "说", "好"]


def test_bm25_finds_the_passage_that_has_the_words() -> None:
    book = [chapter(0, "春天的江水很暖。"), chapter(1, "冬天的山上有雪。")]
    for build in (words.on_words, words.on_bigrams, words.on_characters):
        searcher = build(book, ())
        assert [p.chapter for p in searcher.passages("山上的雪", 1)] == [1]
        assert searcher.passages("，", 5) == []
        assert searcher.chapters("山上的雪")[0] == 1


def test_a_chapters_three_best_passages_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    book = [chapter(0, "一二。" * 250), chapter(1, "三四。" * 1_000)]
    searcher = words.ThreeBest(book, words.bigrams)
    count = [len(chunk_chapter(c)) for c in book]
    scores = np.array([3.0] + [0.0] * (count[0] - 1) + [1.5] * count[1], dtype=np.float32)
    monkeypatch.setattr(searcher, "_scores", lambda query: scores)
    assert count[1] >= 3
    assert searcher.chapters("") == [1, 0]
    assert words.Words.chapters(searcher, "") == [0, 1]


def test_reciprocal_ranks_are_summed() -> None:
    a, b, c = (base.cut(chapter(n, "文"), 0, 1) for n in range(3))
    fused = parts.Reciprocal([Fixed(a, b), Fixed(b, c)])
    assert fused.passages("", 3) == [b, a, c]  # 1/62 + 1/61, 1/61, 1/62


def test_names_are_resolved_and_the_rarer_counts_more() -> None:
    cast = [Character("f", "王熙凤", ("凤姐",)), Character("b", "宝玉")]
    book = [chapter(0, "宝玉来了。"), chapter(1, "王熙凤笑了。"), chapter(2, "宝玉走了。")]
    found = parts.names(book, cast).passages("凤姐问宝玉", 5)
    assert [p.chapter for p in found] == [1, 0, 2]
    assert parts.names(book, cast).passages("谁也没有", 5) == []


@pytest.mark.parametrize("peer", [langchain, llamaindex])
def test_a_peers_chunks_are_pieces_of_their_chapters(
    peer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = novel("sample")[:2]
    monkeypatch.setattr(peer, "shipped_model", BigramEmbeddings)
    build: base.Build = getattr(peer, peer.__name__.rsplit(".", 1)[1])
    try:
        found = build(book, ()).passages("十七封信", 30)
    except PeerMissing as reason:
        pytest.skip(str(reason))
    assert 5 < len(found) <= 30
    assert all(p.text == book[p.chapter].text[p.start : p.end] for p in found)
    assert all(0 < len(p.text) <= 400 for p in found)


def test_a_peer_that_is_not_installed_is_said_to_be_missing() -> None:
    with pytest.raises(PeerMissing, match="make bench-peers"), packages.importing("it"):
        import no_such_peer  # type: ignore[import-not-found] # noqa: F401


def test_the_peers_lock_only_adds_to_the_pinned_environment() -> None:
    def pinned(name: str) -> set[str]:
        lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
        return {line.split("==")[0] for line in lines if "==" in line}

    assert {"langchain-community", "llama-index-core"} <= pinned("bench.txt")
    assert not pinned("bench.txt") & (pinned("cpu.txt") | pinned("cuda.txt"))


def test_litellm_is_locked_at_the_version_that_is_asked_for() -> None:
    asked, locked = (
        (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
        for name in ("litellm.in", "litellm.txt")
    )
    (wanted,) = [line.replace("[proxy]", "") for line in asked if line.startswith("litellm")]
    assert f"{wanted} \\" in locked


# --- what is measured -------------------------------------------------------------------------


def test_ranks_are_those_of_the_right_answers() -> None:
    book = [chapter(n, "文" * 100) for n in range(3)]
    found = [base.cut(book[n], 0, 100) for n in (2, 0, 1)]
    task = ChapterTask("甲", book, [ChapterQuery("?", 0), ChapterQuery("?", 1)])
    assert measure_chapters("t", [task], [fixed(*found)])[0].ranks["甲"].tolist() == [2, 3]
    spans = Task("甲", book, [Query("1", "alias", "?", (Span(1, 20, 90),))])
    assert measure_spans("t", [spans], [fixed(*found)])[0].ranks["甲"].tolist() == [3]
    assert CHAPTER_DEPTH >= 100


def test_books_count_alike_and_absence_is_told() -> None:
    method = Method("f", "peer", "", missing)
    one = Measured(method, {"甲": np.array([1.0, 1.0, 1.0]), "乙": np.array([99.0])})
    assert one.recall == 0.75
    assert one.over_books == 0.5
    absent = measure_chapters("t", [ChapterTask("甲", [], [])], [method])[0]
    assert absent.missing == {"甲": "not here"}
    assert absent.why_not == "not here"


def test_lines_that_repeat_a_heading_are_taken_out() -> None:
    text = "下回分解。\n第一回 春江水暖 冬山雪寒\n且说春江水暖。"
    assert without_lines(text, {"春江水暖冬山雪寒"}) == "下回分解。\n且说春江水暖。"


def test_the_samples_questions_all_stand_in_the_sample() -> None:
    task = next(task for task in questions() if task.book == "sample")
    assert len(task.queries) >= 30
    assert task.left_out == 0
    assert task.cast


def test_the_margin_is_over_the_best_single_method() -> None:
    def measured(name: str, ranks: list[float]) -> Measured:
        return Measured(Method("", name, "", missing), {"甲": np.array(ranks)})

    report = Report()
    whole = measured("ours", [1.0, 1.0, 1.0, 99.0])
    singles = [measured("weak", [99.0] * 4), measured("strong", [1.0, 99.0, 2.0, 99.0])]
    retrieval_tables._margin(report, whole, singles[1], singles)
    told = {f.name: (f.value, f.note) for f in report.figures}
    assert told["paraphrase_r10_best_single"] == (0.5, "strong")
    assert told["paraphrase_margin"][0] == 0.25
    assert told["paraphrase_margin_low"][0] <= 0.25 <= told["paraphrase_margin_high"][0]


def test_a_books_beginning_has_as_many_passages_as_are_wanted() -> None:
    book = novel("sample")
    cut = of_passages(book, 30)
    assert sum(len(chunk_chapter(c)) for c in cut) == 30
    assert all(book[c.order].text.startswith(c.text) for c in cut)


# --- leaks ------------------------------------------------------------------------------------


def judged(start: int, end: int, *, at: int, tail: int = 0, text: str | None = None) -> bool:
    told = chapter(0, "一二三四五六七八九十")
    passage = Passage("c0", 0, "", start, end, text or told.text[start:end])
    place = Place(View(StoryPosition(0, at)), told.text[at - tail : at])
    return leaks.leaked(Manuscript([told]), place, Found(passage, 1.0))


def test_what_stands_behind_in_the_prompt_or_no_longer_is_a_leak() -> None:
    assert not judged(0, 4, at=4)
    assert judged(0, 5, at=4)
    assert judged(0, 4, at=8, tail=5)
    assert not judged(0, 3, at=8, tail=5)
    assert judged(0, 4, at=8, text="旧的文字")


def test_story_time_is_judged_by_its_definition() -> None:
    here = StoryPosition(3, 10)
    before = Scene(1, 0, 50, when=-1)
    ending = Scene(1, 0, 50, when=9)
    unknown = Scene(1, 0, 50, when=None)
    backstory = Scene(5, 0, None, when=0, backstory=True)
    assert not leaks.is_future([], here, 3, 9)
    assert leaks.is_future([], here, 3, 10)
    assert not leaks.is_future([before], here, 1, 5)
    assert leaks.is_future([ending], here, 1, 5)
    assert not leaks.is_future([ending], here, 1, 60)
    assert leaks.is_future([unknown], here, 1, 5)
    assert not leaks.is_future([backstory], here, 5, 5)
    flashback = Scene(3, 0, 50, when=-1)
    assert leaks.is_future([flashback], here, 2, 5)
    assert not leaks.is_future([flashback], here, 3, 5)


class Forgetful:
    """A library that forgets where is written."""

    def sync(self, work: str, chapters: Sequence[ChapterText]) -> None:
        self._passages = [p for c in chapters for p in chunk_chapter(c)]

    def recall(
        self, work: str, query: str, k: int, before: object = None, exclude_text: str = ""
    ) -> list[Found]:
        return [Found(p, 1.0) for p in self._passages if query[:4] in p.text][:k]


def test_a_library_that_forgets_the_place_is_caught() -> None:
    answers = list(leaks._of_book(Forgetful(), "w", random.Random(1)))  # type: ignore[arg-type]
    assert len(answers) == leaks.EDITS * leaks.PLACES
    assert any(leaks.leaked(*asked, one) for asked, found in answers for one in found)


@pytest.mark.parametrize("seed", range(20))
def test_edited_chapters_are_in_order_with_their_own_ids(seed: int) -> None:
    chance = random.Random(seed)
    book = leaks._some_chapters(chance)
    for _ in range(30):
        book = leaks.edited(book, chance)
    assert [c.order for c in book.chapters] == list(range(len(book.chapters)))
    assert len({c.id for c in book.chapters}) == len(book.chapters) >= 2


# --- the API ----------------------------------------------------------------------------------


async def _read(*pieces: bytes) -> _Reader:
    reader = _Reader()
    for piece in pieces:
        reader.data_received(piece)
    return reader


@pytest.mark.parametrize("size", range(1, 40))
def test_tokens_are_counted_wherever_a_stream_is_cut(size: int) -> None:
    told = b'data: {"delta":{"content":"\xe9\x9b\xa8"}}\n\n' * 7 + b"data: [DONE]\n\n"
    reader = asyncio.run(_read(*(told[n : n + size] for n in range(0, len(told), size))))
    assert reader.tokens == 7
    assert 0 < len(reader.gaps) <= 6
    assert reader.ended.done()
    assert reader.began <= reader.first <= reader.last


def test_tokens_that_come_at_once_make_one_gap_and_a_broken_stream_ends() -> None:
    async def broken() -> _Reader:
        reader = await _read(b'"content":', b'"content":"content":"content":')
        assert not reader.ended.done()
        reader.connection_lost(None)
        return reader

    reader = asyncio.run(broken())
    assert (reader.tokens, len(reader.gaps), reader.ended.done()) == (4, 1, True)


def way(name: str, seconds: float, first: float, gap: float) -> api.Way:
    made = api.Way(name, "", psutil.Process(os.getpid()), cpu=[0.5], engine_cpu=[0.4])
    streams = [Stream(5, 5 + first, 5 + seconds, [gap] * 9, 10)]
    made.rounds += [Round(seconds, streams, 0.3), Round(seconds, streams, 0.6)]
    return made


def test_what_a_way_adds_is_told_beside_the_engine_and_beside_the_other() -> None:
    report = Report()
    ways = [
        way("engine", 10, 0.1, 0.01),
        way("desk", 12.5, 0.2, 0.012),
        way("litellm", 40, 1, 0.03),
    ]
    api._table(report, ways)
    api._figures(report, *ways)
    told = {figure.name: figure.value for figure in report.figures}
    assert told == {
        "engine_tokens_s": 6400, "client_cpu": 0.6,
        "throughput_ratio": 0.8, "itl_added_ms": 2, "token_added_ms": 250, "ttft_added_ms": 100,
        "litellm_throughput_ratio": 0.25, "litellm_itl_added_ms": 20,
        "litellm_token_added_ms": 3000, "litellm_ttft_added_ms": 900,
        "throughput_over_litellm": 3.2, "itl_over_litellm_ms": -18,
        "token_over_litellm_ms": -2750, "ttft_over_litellm_ms": -800,
    }  # fmt: skip
    assert [row[0] for row in report.comparisons[0].rows] == ["engine", "desk", "litellm"]


# --- the report -------------------------------------------------------------------------------


def test_figures_join_those_that_the_file_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "figures.json"
    target.write_text('{"older": 1}', encoding="utf-8")
    monkeypatch.setenv("BENCH_JSON", str(target))
    report = Report()
    report.add("titles_r10", 0.5, "", "half")
    report.table("ours and theirs", ["method", "R@10"], [["ours", "0.500"]])
    report.save()
    report.print()
    assert json.loads(target.read_text(encoding="utf-8")) == {"older": 1, "titles_r10": 0.5}
    assert "ours and theirs" in capsys.readouterr().out
