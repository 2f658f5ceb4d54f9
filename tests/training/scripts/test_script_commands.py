"""`yanchi data script`, `roles` and `selfknowledge`: from files to data sets."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from training.commands import scripts
from training.data.store import load
from training.types import Chat

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "data" / "sample" / "script.txt"
CARD = ROOT / "data" / "personas" / "1-huanhuan.json"

app = typer.Typer()
for command in scripts.commands:
    app.command(command.__name__)(command)


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("YANCHI_DATA_DIR", str(tmp_path))
    return tmp_path


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def told(*words: str | Path) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_script_becomes_a_data_set(data_dir: Path) -> None:
    card = told("script", SAMPLE, "--role", "嬛嬛", "--name", "听柳轩", "--turns", "6")
    data = load(data_dir / "datasets" / "听柳轩")
    assert card["rows"] == len(data.train) >= 170
    assert card["made"]["options"]["aliases"] == {"嬛嬛": ["闻才人", "闻婕妤"]}
    assert card["report"]["speeches"] >= 170
    assert card["sources"][0]["name"] == "script.txt"
    item = data.train[100]
    assert isinstance(item, Chat)
    assert item.origin.source == "听柳轩"
    assert item.turns[-1].learned


def test_progress_is_told_a_program_in_lines() -> None:
    words = ("--role", "嬛嬛", "--name", "a", "--progress-json", "--json")
    result = run("script", SAMPLE, *words)
    last = json.loads(result.stderr.splitlines()[-1])
    rows = json.loads(result.stdout)["rows"]
    assert (last["done"], last["total"]) == (rows, rows)


def test_a_persona_card_gives_the_desks_prompt(data_dir: Path) -> None:
    told("script", SAMPLE, "--role", "嬛嬛", "--name", "a", "--persona", CARD, "--user", "小顾")
    item = load(data_dir / "datasets" / "a").train[0]
    assert isinstance(item, Chat)
    assert item.turns[0].role == "system"
    assert item.turns[0].text.startswith("你就是嬛嬛，正在同小顾说话。")
    both = run(
        "script", SAMPLE, "--role", "嬛嬛", "--name", "b", "--persona", CARD, "--system", "x"
    )
    assert both.exit_code == 1
    assert "--persona" in both.output


def test_aliases_come_from_options_and_a_table(tmp_path: Path) -> None:
    file = tmp_path / "戏.txt"
    file.write_text("甄嬛：一。\n皇帝：二。\n莞贵人：三。\n熹贵妃：四。\n", encoding="utf-8")
    table = tmp_path / "aliases.yaml"
    table.write_text("甄嬛: [莞贵人]\n", encoding="utf-8")
    words = ("roles", file, "--alias", "甄嬛=熹贵妃", "--aliases", table)
    assert told(*words)["speakers"][0] == {
        "name": "甄嬛", "speeches": 3, "characters": 6, "scenes": 1, "aliases": ["熹贵妃", "莞贵人"],
    }  # fmt: skip
    table.write_text("[a, b]\n", encoding="utf-8")
    refused = run(*words)
    assert refused.exit_code == 1
    assert "别名表要写成" in refused.output


def test_guessed_aliases_count_only_on_request(tmp_path: Path) -> None:
    file = tmp_path / "戏.txt"
    file.write_text("悟空：一。\n八戒：二。\n孙悟空：三。\n悟空：四。\n", encoding="utf-8")
    assert told("roles", file)["guesses"][0]["alias"] == "孙悟空"
    plain = told("script", file, "--role", "悟空", "--name", "a")
    guessed = told("script", file, "--role", "悟空", "--name", "b", "--guess")
    assert (plain["report"]["speeches"], guessed["report"]["speeches"]) == (2, 3)


def test_a_role_that_never_speaks_fails_with_who_does() -> None:
    result = run("script", SAMPLE, "--role", "如懿", "--name", "a", "--json")
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert error["code"] == "bad_input"
    assert "没有“如懿”的台词" in error["message"]


@pytest.mark.parametrize("turns", ["0", "many", "-1"])
def test_turns_are_a_number_or_all(turns: str) -> None:
    result = run("script", SAMPLE, "--role", "嬛嬛", "--name", "a", "--turns", turns)
    assert result.exit_code == 1
    assert "出错" in result.output


def test_doubtful_rows_are_told(tmp_path: Path) -> None:
    file = tmp_path / "戏.txt"
    file.write_text("浣碧：一。\n浣碧：二。\n眉庄：三。\n浣碧，四！\n", encoding="utf-8")
    assert "第 4 行" in run("roles", file).output
    assert told("script", file, "--role", "眉庄", "--name", "a")["report"]["doubts"][0]["line"] == 4


def test_broken_rows_of_json_lines_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "scenes.jsonl"
    file.write_text('{"text": "甲：一。\\n乙：二。"}\n{"te\n', encoding="utf-8")
    card = told("script", file, "--role", "乙", "--name", "a")
    assert card["refusals"]["count"] == 1
    assert "没有收进来的有 1 处" in run("script", file, "--role", "乙", "--name", "b").output


def test_self_knowledge_from_a_card_and_from_words(data_dir: Path) -> None:
    assert told("selfknowledge", CARD, "--name", "a", "--served")["rows"] >= 60
    item = load(data_dir / "datasets" / "a").train[0]
    assert isinstance(item, Chat)
    assert item.turns[0].text.startswith("你就是嬛嬛")
    words = (
        "--role",
        "小砚",
        "--description",
        "小砚是写小说的助手。",
        "--maker",
        "砚池",
        "--count",
        "40",
    )
    assert told("selfknowledge", "--name", "b", *words)["rows"] == 40
    neither = run("selfknowledge", "--name", "c")
    assert neither.exit_code == 1
    assert "人物卡" in neither.output
