import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import rank
from retrieval.types import Found, Passage, StoryPosition


def passage(number: int, text: str = "") -> Passage:
    words = text or f"第{number}段的文字。"
    return Passage("c0", 0, "", number * 100, number * 100 + len(words), words)


def ranked(*scores: tuple[int, float]) -> list[tuple[Passage, float]]:
    return [(passage(number), score) for number, score in scores]


def numbers(found: list[Found]) -> list[int]:
    return [one.passage.start // 100 for one in found]


HALVES = {"lexical": 0.5, "dense": 0.5}


def test_what_both_methods_find_beats_what_one_does() -> None:
    lists = {
        "lexical": ranked((1, 9.0), (2, 8.0), (3, 1.0)),
        "dense": ranked((4, 0.9), (2, 0.8), (5, 0.1)),
    }
    found = rank.fuse(lists, HALVES)

    assert numbers(found)[0] == 2
    assert found[0].ranks == {"lexical": 2, "dense": 2}
    assert found[0].score == pytest.approx((7 / 8 + 7 / 8) / 2)
    assert {1: {"lexical": 1}, 4: {"dense": 1}}.items() <= {
        number: one.ranks for number, one in zip(numbers(found), found, strict=True)
    }.items()


def test_a_clear_first_place_is_kept_where_ranks_would_lose_it() -> None:
    """Reciprocal ranks would put 2 first: it is second in both lists."""
    lists = {
        "lexical": ranked((1, 30.0), (2, 4.0), (3, 3.0)),
        "dense": ranked((4, 0.51), (2, 0.5), (5, 0.1)),
    }

    assert numbers(rank.fuse(lists, {"lexical": 0.8, "dense": 0.2}))[0] == 1


def test_one_method_alone_keeps_its_order() -> None:
    only = ranked((3, 5.0), (1, 4.0), (2, 0.5))

    assert numbers(rank.fuse({"lexical": only, "dense": []})) == [3, 1, 2]
    assert numbers(rank.fuse({"dense": only})) == [3, 1, 2]
    assert rank.fuse({"dense": only})[0].score == pytest.approx(1)


def test_equal_scores_fall_to_the_earlier_passage() -> None:
    assert numbers(rank.fuse({"dense": ranked((7, 0.5), (2, 0.5), (5, 0.5))})) == [2, 5, 7]


def test_nothing_found_is_nothing() -> None:
    assert rank.fuse({}) == rank.fuse({"lexical": [], "dense": []}) == []


def test_a_method_without_a_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="rerank"):
        rank.fuse({"rerank": ranked((1, 1.0))})


scores = st.lists(
    st.tuples(st.integers(0, 20), st.floats(-50, 50)), max_size=15, unique_by=lambda pair: pair[0]
).map(lambda pairs: ranked(*sorted(pairs, key=lambda pair: -pair[1])))


@settings(deadline=None, max_examples=100)
@given(scores, scores, st.floats(0.05, 0.95))
def test_every_passage_comes_once_best_first_within_zero_and_one(
    lexical: list[tuple[Passage, float]], dense: list[tuple[Passage, float]], weight: float
) -> None:
    found = rank.fuse(
        {"lexical": lexical, "dense": dense}, {"lexical": 1 - weight, "dense": weight}
    )

    assert {one.passage for one in found} == {p for p, _ in [*lexical, *dense]}
    assert len(found) == len({one.passage for one in found})
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(-1e-9 <= one.score <= 1 + 1e-9 for one in found)


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
