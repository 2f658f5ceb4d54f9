"""What is said of recipes, runs and evaluations: the page has each sentence in English, and the
facts that come along are all it needs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retrieval.evaluate import Interval
from server.settings import ROOT
from training.advice.advise import advise, look
from training.advice.cost import Cost, Machine
from training.judging.comparing import Answers
from training.judging.outcomes import outcomes
from training.judging.votes import CRITERIA
from training.tuning.config import Recipe
from training.tuning.watchdog import WINDOW, Watchdog

TABLE = (ROOT / "webui/src/rooms/training/words/said.ts").read_text("utf-8")
SAYING = {
    "watchdog.py": ("alarm.", {"_once"}),
    "outcomes.py": ("found.", {"_told", "_repeating", "Outcome"}),
}
"""Where the code is the first argument, and how the page tells whose it is."""
_SAYS = re.compile(r"(?!tuning\.)[a-z_]+\.[a-z_]+")
_HELPER = re.compile(r"^const (\w+) =(.*?)(?=^const |^export )", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r'^  "([a-z_.]+)":(.*?)(?=^  "|^  //|^\};)', re.MULTILINE | re.DOTALL)

ENTRIES = dict(_ENTRY.findall(TABLE.split("ENGLISH:", 1)[1]))
HELPERS = dict(_HELPER.findall(TABLE))


def codes() -> Iterator[str]:
    for path in (ROOT / "training").rglob("*.py"):
        whose, makers = SAYING.get(path.name, ("", set()))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Finding" | "_within")):
                    yield from constants(node)
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in makers:
                    yield from first_of(node, whose)
                case ast.Assign(targets=[ast.Name(id="says")], value=value):
                    yield from constants(value)


def first_of(call: ast.Call, whose: str) -> Iterator[str]:
    """A judge's code is made of its criterion; one that is handed on stands where it began."""
    match call.args[0]:
        case ast.Constant(value=code):
            yield f"{whose}{code}"
        case ast.JoinedStr():
            yield from (f"{whose}judge_{criterion}" for criterion in CRITERIA)


def constants(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield from [each.value] if _SAYS.fullmatch(each.value) else []


def needs(text: str) -> set[str]:
    """The facts that a piece of the table reads, those of its helpers among them."""
    called = set(re.findall(r"\b(\w+)\(", text)) & set(HELPERS)
    return set(re.findall(r"\bf\.(\w+)", text)).union(*(needs(HELPERS[each]) for each in called))


def test_each_sentence_is_there_in_english_and_no_other() -> None:
    assert set(codes()) == set(ENTRIES)


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"length": 400}, {"length": 400, "too_long": "cut"}, {"length": 512, "packing": True},
        {"epochs": 40, "learning_rate": 0.01}, {"epochs": 0.1, "learning_rate": 1e-9},
        {"accumulate": 64}, {"steps": 3}, {"sample_every": 1}, {"length": 10**6},
        {"tuning": {"kind": "pissa", "rank": 512}}, {"tuning": {"rank": 200}}, {"tuning": {"rank": 12}},
        {"tuning": {"kind": "dora"}}, {"tuning": {"kind": "pissa"}}, {"tuning": {"kind": "full"}},
        {"tuning": {"kind": "qlora"}}, {"tuning": {"targets": ["q_proj"]}},
        {"tuning": {"targets": ["lm_head"]}}, {"tuning": {"targets": ["x_proj"]}},
    ],
)  # fmt: skip
def test_an_advice_brings_what_its_english_needs(
    voice: str, base: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    recipe = Recipe.parse({"name": "x", "base": str(base), "data": [voice]} | changes)
    amounts = look(recipe, base, tmp_path)
    machine = Machine("cpu", "fp32", product_flops=1e11, memory=2**20)
    measured = Cost(tokens_per_second=0.01, peak_bytes=2**30, measured=True)
    for found in advise(recipe, base, amounts, machine, measured).findings:
        assert found.says, found
        assert needs(ENTRIES[found.says]) <= set(found.facts), found


def test_an_alarm_brings_what_its_english_needs() -> None:
    said = Watchdog()
    alarms = [
        *(alarm for _ in range(3 * WINDOW) for alarm in said.stepped(2.0)),
        *(alarm for step in range(3) for alarm in said.evaluated(step, 1.0 + step)),
        *said.ended(), *said.sampled(9, " "), *said.sampled(9, "走了又走" * 40),
    ]  # fmt: skip
    assert [each.code for each in alarms] == [
        "loss_flat", "eval_rising", "no_better", "empty_output", "repetition",
    ]  # fmt: skip
    for each in alarms:
        assert needs(ENTRIES[f"alarm.{each.code}"]) <= set(each.facts), each


def test_an_outcome_brings_what_its_english_needs() -> None:
    texts = {f"{n}": "雨下了一夜，" * (n + 90) for n in range(8)}
    answers: Answers = {"base": texts, "adapter": {key: text[::-1] for key, text in texts.items()}}
    margins = {"adapter": Interval(0.1, 0.05, 0.15)}
    found = outcomes(None, {}, answers, answers, None, margins, None, None)
    assert [each.code for each in found] == ["rouge", "repetition", "long"]
    for each in found:
        assert needs(ENTRIES[f"found.{each.code}"]) <= set(each.facts), each
