"""The general questions are sound: right answers are right, wrong ones are not."""

import ast
import json
import operator
from collections import Counter
from pathlib import Path

import pytest

from training.judging import probe
from training.judging.forgetting import compare
from training.judging.probe import KINDS, Answered, Question, accuracy, questions

ROWS = [
    json.loads(line)
    for kind in KINDS
    for line in (Path(probe.__file__).parent / "probes" / f"{kind}.jsonl").read_text().splitlines()
]
SUMS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv, ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip


def test_there_are_enough_of_every_kind() -> None:
    kinds = Counter(question.kind for question in questions())
    assert sum(kinds.values()) >= 120
    assert min(kinds[kind] for kind in KINDS) >= 20
    assert len({question.id for question in questions()}) == len(questions()) == len(ROWS)
    assert len({question.text for question in questions()}) == len(questions())


@pytest.mark.parametrize("question", [q for q in questions() if not q.written], ids=lambda q: q.id)
def test_options_are_different(question: Question) -> None:
    assert len(set(question.options)) == 4
    assert 0 <= question.right < 4
    assert question.prompt.startswith(question.text)


def test_the_right_option_stands_anywhere() -> None:
    places = Counter(q.right for q in questions() if not q.written)
    assert min(places[n] for n in range(4)) >= 0.15 * sum(places.values())


@pytest.mark.parametrize("row", [r for r in ROWS if "expression" in r], ids=lambda r: r["id"])
def test_sums_are_right(row: dict[str, str]) -> None:
    wanted = reckon(ast.parse(row["expression"], mode="eval").body)
    assert [float(answer) for answer in row["answers"]] == [wanted]


def reckon(node: ast.AST) -> float:
    if isinstance(node, ast.Constant):
        return float(node.value) if isinstance(node.value, float) else node.value  # type: ignore
    assert isinstance(node, ast.BinOp)
    return SUMS[type(node.op)](reckon(node.left), reckon(node.right))


@pytest.mark.parametrize("row", [r for r in ROWS if "options" not in r], ids=lambda r: r["id"])
def test_written_answers_are_told_apart(row: dict) -> None:
    question = next(each for each in questions() if each.id == row["id"])
    for right in row.get("answers", [row.get("example")]):
        assert question.is_right(right)
        assert question.is_right(f" {right}\n")
    for wrong in ("", "对不起，我不知道。", question.text, "当然可以！答案如下：一二三"):
        assert not question.is_right(wrong)


def test_quotes_and_a_full_stop_are_forgiven() -> None:
    question = Question("x", "instruction", "写", answers=("渡口的灯亮了",))
    assert question.is_right("“渡口的灯亮了。”")
    assert question.is_right("渡口的灯亮了。")
    assert not question.is_right("渡口的灯没亮")
    assert Question("x", "arithmetic", "算", answers=("42",)).is_right("４２")


def test_before_and_after_are_compared_question_by_question() -> None:
    asked = questions()[:4]
    base = [Answered(q.id, q.kind, "甲", right) for q, right in zip(asked, (1, 1, 0, 0), strict=1)]
    tuned = [Answered(q.id, q.kind, "乙", right) for q, right in zip(asked, (1, 0, 1, 0), strict=1)]
    found = compare(base, tuned)
    assert found.base["all"] == found.tuned["all"] == 0.5
    assert [row[0] for row in found.lost] == [asked[1].prompt]
    assert found.won == ((asked[2].prompt, "甲", "乙"),)
    assert found.margin is not None
    assert found.margin.low < 0 == found.margin.mean < found.margin.high
    assert accuracy([]) == 0
    assert compare(base, None).tuned is None
