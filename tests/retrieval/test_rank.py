import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import rank
from retrieval.evidence import CHAPTER_FEATURES, PASSAGE_FEATURES
from retrieval.expand import Expander
from retrieval.types import Character, Found, Passage, StoryPosition
from tests.retrieval.books import work_of


def passage(number: int, text: str = "") -> Passage:
    words = text or f"第{number}段的文字。"
    return Passage("c0", 0, "", number * 100, number * 100 + len(words), words)


def ranked(*scores: tuple[int, float]) -> list[tuple[Passage, float]]:
    return [(passage(number), score) for number, score in scores]


def numbers(found: list[Found]) -> list[int]:
    return [one.passage.start // 100 for one in found]


HALVES = {"lexical": 0.5, "dense": 0.5}


scores = st.lists(
    st.tuples(st.integers(0, 20), st.floats(-50, 50)), max_size=15, unique_by=lambda pair: pair[0]
).map(lambda pairs: ranked(*sorted(pairs, key=lambda pair: -pair[1])))


def as_found(*texts: str) -> list[Found]:
    return [Found(passage(number, text), 1 - number / 100) for number, text in enumerate(texts)]


LONG = "".join(chr(0x4E00 + number) for number in range(400))


def test_what_stands_in_the_prompt_is_left_out() -> None:
    found = as_found(
        "老猫睡了。\n", "沈砚磨墨。", LONG, LONG[:300] + "另" * 100, LONG[:40] + "另" * 360
    )
    text = f"雨夜。老猫睡了。{LONG}他想。"

    assert [one.passage.text[:5] for one in rank.not_standing_in(text, found)] == [
        "沈砚磨墨。",
        LONG[:5],
    ]
    assert [*rank.not_standing_in("", found)] == found


def test_half_of_a_passage_in_the_prompt_is_enough_to_leave_it_out() -> None:
    (found,) = as_found(LONG)

    assert [*rank.not_standing_in(LONG[190:], [found])] == []
    assert [*rank.not_standing_in(LONG[320:], [found])] == [found]


def test_overlap_is_told_by_position() -> None:
    passages = [
        Passage("c0", 0, "", 0, 50, "甲" * 50),
        Passage("c1", 1, "", 0, 40, "乙" * 40),
        Passage("c1", 1, "", 40, 80, "丙" * 40),
        Passage("c1", 1, "", 80, 120, "丁" * 40),
    ]

    assert rank.overlapping(passages, StoryPosition(1, 100), 0) == set()
    assert rank.overlapping(passages, StoryPosition(1, 80), 10) == {2}
    assert rank.overlapping(passages, StoryPosition(1, 80), 40) == {2}
    assert rank.overlapping(passages, StoryPosition(1, 80), 41) == {1, 2}
    assert rank.overlapping(passages, StoryPosition(1, 100), 500) == {1, 2, 3}


def test_a_refrain_fills_one_place() -> None:
    found = as_found("且听下回分解。", "沈砚磨墨。", "且听下回分解。\n")

    assert [*rank.distinct(found)] == found[:2]


BOOK = [
    ["沈砚在雨夜里磨墨。", "老猫睡在窗台上。", "信被雨打湿了。"],
    ["琏二奶奶笑着进来。", "众人都不说话。", "老猫跑了出去，打翻了灯。"],
    ["凤姐又病了，连药也不肯吃。", "沈砚把信烧了。"],
]
CAST = [Character("1", "王熙凤", ("凤姐", "琏二奶奶"))]
ALL = np.ones(8, dtype=bool)
EVERY = {"lexical": [*range(8)], "dense": [*range(8)]}


def order(query: str, seen: np.ndarray = ALL, large: bool = False, **found: list[int]) -> list[int]:
    """Rows of BOOK, best first."""
    work = work_of(BOOK, large)
    asked = Expander(CAST).asked(query)
    texts = [passage.text for passage in work.passages]
    vectors = [
        np.array([t.count("砚"), t.count("猫")], np.float32) for t in (query, *asked.clauses)
    ]
    best = [*rank.combine(work, asked, vectors, found or EVERY, seen)]
    assert [one.score for one in best] == sorted((one.score for one in best), reverse=True)
    assert all(0 <= one.score <= 1 for one in best)
    return [texts.index(one.passage.text) for one in best]


def test_words_meaning_and_names_bring_their_passage_to_the_top() -> None:
    assert order("老猫把灯打翻")[0] == 5
    assert order("砚台里磨着墨")[0] == 0
    assert set(order("凤姐笑")[:2]) == {3, 6}
    assert order("王熙凤")[0] in (3, 6)


def test_a_large_work_is_looked_at_through_its_text_with_the_same_answer() -> None:
    for query in ("老猫把灯打翻", "凤姐笑", "信"):
        assert order(query, large=True) == order(query)


def test_what_may_not_be_seen_is_neither_found_nor_looked_at() -> None:
    seen = ALL.copy()
    seen[[2, 5, 6, 7]] = False
    work = work_of(BOOK)
    asked = Expander(CAST).asked("老猫把灯打翻，凤姐病了")

    assert set(order("老猫把灯打翻，凤姐病了", seen)) == {0, 1, 3, 4}
    scene = rank.look(work, asked, (), np.array([1, 3]), seen)
    assert scene.counts.rows.tolist() == [0, 1, 3, 4]
    assert [*rank.combine(work, asked, (), {"lexical": [5]}, seen)] == []
    assert [chapter for chapter, _ in rank.chapters(work, asked, (), EVERY, seen)] != []
    assert 2 not in [chapter for chapter, _ in rank.chapters(work, asked, (), EVERY, seen)]


def test_only_candidates_come_back_and_say_who_found_them() -> None:
    work = work_of(BOOK)
    asked = Expander().asked("老猫打翻灯")
    found = {"lexical": [5, 1], "dense": [1, 4]}

    ranks = {one.passage.text: one.ranks for one in rank.combine(work, asked, (), found, ALL)}

    assert ranks == {
        BOOK[1][2]: {"lexical": 1},
        BOOK[0][1]: {"lexical": 2, "dense": 1},
        BOOK[1][1]: {"dense": 2},
    }


def test_equal_evidence_falls_to_the_earlier_passage() -> None:
    work = work_of([["雨停了。"], ["雨停了。"], ["雨停了。"]])
    asked = Expander().asked("雪")
    seen = np.ones(3, dtype=bool)

    best = [*rank.combine(work, asked, (), {"dense": [2, 0, 1]}, seen)]

    assert [one.passage.chapter for one in best] == [0, 1, 2]


def test_a_chapter_is_found_by_what_its_passages_say_together() -> None:
    work = work_of(BOOK)
    chapters = rank.chapters(work, Expander(CAST).asked("王熙凤病重，沈砚烧信"), (), EVERY, ALL)

    assert chapters[0][0] == 2
    assert sorted(chapter for chapter, _ in chapters) == [0, 1, 2]
    assert rank.chapters(work, Expander().asked("信"), (), {}, ALL) == []


def test_where_too_much_could_be_looked_at_the_better_candidates_chapters_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rank, "ROWS", 4)
    scene = rank.look(work_of(BOOK), Expander().asked("信"), (), np.array([7, 4]), ALL)

    assert scene.counts.rows.tolist() == [4, 6, 7]


def test_candidates_take_turns() -> None:
    seen = ALL.copy()
    seen[3] = False

    assert rank.merged([[5, 3, 1], [1, 2]], seen).tolist() == [5, 1, 2]
    assert rank.merged([], ALL).tolist() == []


def test_shipped_weights_are_for_these_features() -> None:
    weights = rank.fitted()

    assert weights.passages.shape == (len(PASSAGE_FEATURES),)
    assert weights.chapters.shape == (len(CHAPTER_FEATURES),)


def test_weights_for_other_features_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.json"
    path.write_text(json.dumps({"passages": {"rerank": 1.0}, "chapters": {}}), encoding="utf-8")
    monkeypatch.setattr(rank, "_WEIGHTS", path)
    rank.fitted.cache_clear()

    with pytest.raises(ValueError, match="rerank"):
        rank.fitted()
    rank.fitted.cache_clear()


@settings(deadline=None, max_examples=60)
@given(
    st.text("老猫沈砚信雨凤姐，笑 a", max_size=40),
    st.lists(st.booleans(), min_size=8, max_size=8),
    st.permutations(range(8)),
)
def test_every_visible_candidate_comes_back_once(
    query: str, seen: list[bool], found: list[int]
) -> None:
    candidates = found[:5]
    visible = np.array(seen)

    best = order(query, visible, lexical=candidates[:3], dense=candidates[2:])

    assert sorted(best) == sorted(row for row in candidates if visible[row])
