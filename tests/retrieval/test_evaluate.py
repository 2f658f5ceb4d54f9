import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from retrieval import evaluate
from retrieval.evaluate import MISSED, Span
from retrieval.types import Found, Passage, StoryPosition


def passage(chapter: int, start: int, end: int) -> Passage:
    return Passage(f"c{chapter}", chapter, "", start, end, "字" * (end - start))


def test_recall_counts_what_is_among_the_first_k() -> None:
    ranks = [1, 3, 10, 11, MISSED]

    assert evaluate.recall_at(ranks) == 3 / 5
    assert evaluate.recall_at(ranks, 1) == 1 / 5
    assert evaluate.recall_at(ranks, 11) == 4 / 5
    assert evaluate.recall_at([]) == 0


def test_reciprocal_ranks_end_with_depth() -> None:
    assert evaluate.mrr([1, 2, 4, 11, MISSED]) == pytest.approx((1 + 1 / 2 + 1 / 4) / 5)
    assert evaluate.mrr([1, 2, 4, 11, MISSED], 2) == pytest.approx((1 + 1 / 2) / 5)
    assert evaluate.mrr([]) == 0


def test_a_passage_answers_by_half_of_the_shorter() -> None:
    gold = [Span(2, 100, 200)]

    assert evaluate.answers(passage(2, 0, 150), gold)  # half of the span
    assert not evaluate.answers(passage(2, 0, 149), gold)
    assert evaluate.answers(passage(2, 180, 220), gold)  # half of the passage
    assert not evaluate.answers(passage(2, 181, 221), gold)
    assert evaluate.answers(passage(2, 0, 900), gold)  # the whole span inside
    assert not evaluate.answers(passage(3, 100, 200), gold)
    assert not evaluate.answers(passage(2, 300, 400), gold)
    assert evaluate.answers(passage(3, 100, 200), [*gold, Span(3, 100, 200)])


def test_ranks_are_of_the_first_right_answer() -> None:
    order = [passage(1, 0, 9), passage(4, 0, 9), passage(1, 9, 18), passage(2, 0, 9)]

    assert evaluate.span_rank(order, [Span(1, 9, 18), Span(2, 0, 9)]) == 3
    assert evaluate.span_rank(order, [Span(5, 0, 9)]) == MISSED
    assert evaluate.chapter_order(order) == [1, 4, 2]
    assert evaluate.chapter_rank([1, 4, 2], {2}) == 3
    assert evaluate.chapter_rank([1, 4, 2], {7}) == MISSED


def test_the_interval_is_that_of_every_possible_draw() -> None:
    """Four queries, margins 1, 1, 0, -1: all 4⁴ equally likely draws, enumerated."""
    margins = np.array([1, 1, 0, -1])
    every = np.array([margins[list(draw)].mean() for draw in product(range(4), repeat=4)])
    low, high = np.quantile(every, [0.05, 0.95])

    interval = evaluate.paired_interval([1, 1, 1, 0], [0, 0, 1, 1], level=0.9)

    assert interval == (pytest.approx(0.25), pytest.approx(low), pytest.approx(high))


def test_a_sure_margin_has_no_width() -> None:
    assert evaluate.paired_interval([1, 1, 1], [0, 0, 0]) == (1, 1, 1)
    assert evaluate.paired_interval([1, 0], [1, 0]) == (0, 0, 0)


def test_a_large_sample_has_the_normal_interval() -> None:
    rng = np.random.default_rng(1)
    ours, theirs = rng.random(400) < 0.7, rng.random(400) < 0.6
    margin = ours.astype(float) - theirs
    half = 1.96 * margin.std() / 20

    interval = evaluate.paired_interval(ours, theirs)

    assert interval.mean == pytest.approx(margin.mean())
    assert interval.high - interval.mean == pytest.approx(half, rel=0.08)
    assert interval.mean - interval.low == pytest.approx(half, rel=0.08)


@pytest.mark.parametrize(("ours", "theirs"), [([1, 0], [1]), ([], []), ([[1]], [[0]])])
def test_what_does_not_pair_is_refused(ours: list[int], theirs: list[int]) -> None:
    with pytest.raises(ValueError, match="pair"):
        evaluate.paired_interval(ours, theirs)


def test_hits_are_ones_and_zeros() -> None:
    assert evaluate.hits([1, 10, 11, MISSED]).tolist() == [1, 1, 0, 0]


def test_leaks_are_what_ends_after_the_position() -> None:
    found = [Found(passage(0, 0, 9), 1.0), Found(passage(1, 0, 9), 0.5)]

    assert evaluate.leak_rate([(found, StoryPosition(1, 9))]) == 0
    assert evaluate.leak_rate([(found, StoryPosition(1, 8)), (found, None)]) == 1 / 4
    assert evaluate.leak_rate([([], StoryPosition(0))]) == 0


def test_queries_are_read_line_by_line(tmp_path: Path) -> None:
    line = {
        "id": "书-001",
        "kind": "alias",
        "query": "凤辣子怎么笑的",
        "gold": [{"chapter": 2, "start": 10, "end": 99, "sha256": "00"}],
    }
    path = tmp_path / "书.jsonl"
    path.write_text(json.dumps(line, ensure_ascii=False) + "\n\n", encoding="utf-8")

    (query,) = evaluate.read_queries(path)

    assert (query.id, query.kind, query.text) == ("书-001", "alias", "凤辣子怎么笑的")
    assert query.gold == (Span(2, 10, 99),)


def test_a_query_without_gold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "书.jsonl"
    path.write_text('{"id": "a", "kind": "alias", "query": "谁", "gold": []}', encoding="utf-8")

    with pytest.raises(ValueError, match="gold"):
        evaluate.read_queries(path)
