"""`yanchi data novel` and `chunks`: from books to data sets."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from training.commands import novels
from training.data.store import load
from training.types import Chat, Text

NOVEL = Path(__file__).parents[3] / "data" / "sample" / "novel.md"

app = typer.Typer()
for command in novels.commands:
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


def test_chunks_then_summaries_then_pairs(tmp_path: Path, data_dir: Path) -> None:
    file, made = tmp_path / "chunks.jsonl", tmp_path / "made.jsonl"
    assert told("chunks", NOVEL, "--to", file)["longest"] <= 1000
    chunks = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert "".join(chunk["text"] for chunk in chunks).startswith("我替人写信")
    rows = [{"id": chunk["id"], "summary": chunk["text"][:20]} for chunk in chunks[:-1]]
    made.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    words = ("--task", "按梗概写", "--task", "续写", "--made", made, "--format", "joined")
    card = told("novel", NOVEL, "--name", "a", *words)
    assert card["report"] == {"books": 1, "chunks": len(chunks)}
    assert card["rows"] == len(chunks) - 1 + len(chunks) - 8
    assert card["refusals"]["count"] == 1
    item = load(data_dir / "datasets" / "a").train[0]
    assert isinstance(item, Chat)
    assert item.turns[0].text.endswith(f"小说。\n{chunks[0]['text'][:20]}")
    assert item.origin.work == "平安不收钱"


def test_the_text_itself_for_pre_training(data_dir: Path) -> None:
    card = told("novel", NOVEL, "--name", "a", "--task", "原文", "--length", "2000")
    assert card["kind"] == "text"
    assert isinstance(load(data_dir / "datasets" / "a").train[0], Text)
    mixed = run("novel", NOVEL, "--name", "b", "--task", "原文", "--task", "续写")
    assert mixed.exit_code == 1
    assert "请分开做" in mixed.output


def test_summaries_that_are_missing_are_told() -> None:
    result = run("novel", NOVEL, "--name", "a", "--task", "扩写", "--json")
    assert result.exit_code == 1
    assert "没有梗概，请先生成" in json.loads(result.stdout)["error"]["message"]


def test_a_file_that_is_no_book_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "空.txt"
    file.write_text(" \n")
    result = run("chunks", file, "--to", tmp_path / "x.jsonl", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == "empty_file"
