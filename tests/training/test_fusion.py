"""The recipe of the ranking weights, on books small enough to work out by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from retrieval.evaluate import MISSED, Query, Span
from retrieval.evidence import CHAPTER_FEATURES, PASSAGE_FEATURES
from retrieval.types import Passage
from tests.retrieval.fakes import BigramEmbeddings
from training.fusion.fit import fit, ranks
from training.fusion.report import report
from training.fusion.samples import Sample, samples
from training.fusion.tasks import Task, read_tasks


def sample(features: list[list[float]], right: int | None, lexical: float = MISSED) -> Sample:
    rights = np.array([row == right for row in range(len(features))])
    query = Query("q", "alias", "谁", (Span(0, 0, 1),))
    made = np.array(features, dtype=np.float32)
    return Sample("spans", query, made, rights, {"lexical": lexical, "dense": MISSED})


def test_what_tells_right_from_wrong_gets_the_weight() -> None:
    """The first feature decides, the second says nothing."""
    rng = np.random.default_rng(0)
    told = [
        sample([[float(row == n % 4), rng.normal()] for row in range(4)], n % 4) for n in range(200)
    ]

    weights = fit(told, 0.03)

    assert weights[0] > 1
    assert abs(weights[1]) < 0.2
    assert (ranks(told, weights) == 1).mean() > 0.9


def test_weights_are_where_the_loss_is_flat() -> None:
    """One query, two candidates: the slope of log(1 + e^-w) + ridge w² is nothing there."""
    (weight,) = fit([sample([[1.0], [0.0]], 0)], ridge=0.1)

    assert -1 / (1 + np.exp(weight)) + 2 * 0.1 * weight == pytest.approx(0, abs=1e-4)


def test_what_cannot_be_learnt_from_is_refused() -> None:
    with pytest.raises(ValueError, match="right"):
        fit([sample([[1.0], [2.0]], None)], 0.1)


def test_ties_count_against_the_right_one() -> None:
    one = np.ones(1, dtype=np.float32)

    assert ranks([sample([[3.0], [2.0], [2.0]], 1)], one) == [3]
    assert ranks([sample([[3.0], [2.0]], None)], one) == [MISSED]


def test_a_book_is_measured_with_the_others_weights() -> None:
    """甲 wants a high feature, 乙 a low one: left out, each is led astray by the other."""
    wrong = [[float(n)] for n in range(12)]
    books = {
        "甲": [sample([*wrong, [20.0]], 12, lexical=1.0)] * 3,
        "乙": [sample([*wrong, [-20.0]], 12, lexical=1.0)],
    }

    told = report(books, 0.03)

    assert told.by_book["甲"].left_out == (0, 0)
    assert told.by_book["甲"].seen == (1, 1)
    assert told.by_book["乙"].seen == (0, 0)
    assert told.by_task["spans"].queries == 4
    assert told.by_kind["alias"].best_single == "lexical"
    assert told.by_kind["alias"].margin == (-1, -1, -1)


PASSAGES = tuple(
    Passage(f"c{number}", number, "", 0, len(text), text)
    for number, text in enumerate(["沈砚在雨夜里磨墨。", "老猫睡在窗台上。", "信被雨打湿了。"])
)


@pytest.mark.parametrize(
    ("kind", "features"), [("spans", PASSAGE_FEATURES), ("chapters", CHAPTER_FEATURES)]
)
def test_samples_are_what_the_desk_would_weigh(kind: str, features: tuple[str, ...]) -> None:
    asked = (Query("q", "paraphrase", "猫在哪里睡", (Span(1, 0, 8),)),)

    (one,) = samples(Task("书", kind, PASSAGES, (), asked), BigramEmbeddings())

    assert one.features.shape[1] == len(features)
    assert one.right.sum() == 1
    assert one.single["lexical"] == 1
    assert one.single["names"] == MISSED
    assert np.isfinite(one.features).all()


def test_tasks_are_read_from_the_folders(tmp_path: Path) -> None:
    data, queries = tmp_path / "data", tmp_path / "queries"
    for folder in (data / "novels", data / "retrieval", queries / "casts"):
        folder.mkdir(parents=True)
    chapters = [
        f"第{n}回　{title}\n\n{'雨停了，沈砚磨墨。' * 30}\n"
        for n, title in [("一", "磨墨"), ("二", "问猫")]
    ]
    (data / "novels" / "书.txt").write_text("\n".join(chapters), encoding="utf-8")
    write(
        queries / "书.jsonl",
        {
            "id": "1",
            "kind": "alias",
            "query": "谁磨墨",
            "gold": [{"chapter": 1, "start": 0, "end": 60}],
        },
    )
    (queries / "casts" / "书.json").write_text(
        json.dumps([{"name": "沈砚", "aliases": ["砚儿"], "role": ""}]), encoding="utf-8"
    )
    write(
        data / "retrieval" / "chapter_title_retrieval.jsonl",
        {"id": "书-2", "book": "书", "query": "问猫", "gold_chapter": "第二回"},
    )
    for book in ("搜神记", "笑林广记"):
        write(
            data / "retrieval" / f"{book}.corpus.jsonl",
            {"pid": "a#0", "section": "a", "text": "猫眠"},
            {"pid": "a#1", "section": "a", "text": "雨止"},
        )
        write(data / "retrieval" / f"{book}.queries.jsonl", {"query": "雨停了", "gold_pid": "a#1"})

    tasks = read_tasks(data, queries, tmp_path / "novel.md")

    assert [(task.kind, task.book) for task in tasks] == [
        ("spans", "书"), ("chapters", "书"), ("classical", "搜神记"), ("classical", "笑林广记"),
    ]  # fmt: skip
    assert tasks[0].cast[0].aliases == ("砚儿",)
    assert tasks[1].queries[0].gold[0].chapter == 1
    assert tasks[2].queries[0].gold == (Span(0, 2, 4),)
    assert "问猫" not in "".join(passage.text for passage in tasks[1].passages)


def write(path: Path, *lines: dict[str, object]) -> None:
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    path.write_text(text, encoding="utf-8")
