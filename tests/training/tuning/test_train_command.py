"""`yanchi train` as a person and as a program call it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.training.tuning.runs import losses, make_sets, recipe
from training.commands.train import app, find_recipe
from training.errors import BadRecipe
from training.tuning.run_folder import RunFolder


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    make_sets(tmp_path)
    return tmp_path


def call(data_dir: Path, *words: str) -> Any:
    return CliRunner().invoke(app, [*words, "--data-dir", str(data_dir)])


def written(base: Path, data_dir: Path, **changes: Any) -> str:
    file = data_dir / "recipe.yaml"
    file.write_text(recipe(base, **changes).yaml(), "utf-8")
    return str(file)


def test_a_recipe_becomes_a_run(base: Path, data_dir: Path) -> None:
    told = call(data_dir, written(base, data_dir, steps=2), "--json")
    assert told.exit_code == 0
    result = json.loads(told.stdout)
    assert (result["state"], result["step"]) == ("done", 2)
    assert Path(result["left"]).is_dir()
    assert list(losses(RunFolder(Path(result["run"])))) == [1, 2]
    assert Path(result["run"]).parent == data_dir / "runs"


def test_rows_that_were_left_out_are_told(base: Path, data_dir: Path) -> None:
    told = call(data_dir, written(base, data_dir, steps=1, length=56))
    assert told.exit_code == 0
    assert "条没有收（第一处：talk 第" in told.stderr
    assert told.stdout == ""


def test_the_result_alone_is_on_standard_output(base: Path, data_dir: Path) -> None:
    """In a process of its own, where libraries print what they like."""
    file = written(base, data_dir, steps=2, tuning={"kind": "badam"})
    told = subprocess.run(
        [sys.executable, "-m", "yanchi", "train", file, "--data-dir", str(data_dir), "--json",
         "--progress-json"],
        capture_output=True, text=True, cwd=Path(__file__).resolve().parents[3], check=True,
    )  # fmt: skip
    assert json.loads(told.stdout)["state"] == "done"
    lines = [json.loads(line) for line in told.stderr.splitlines()]
    assert lines[-1]["done"] == lines[-1]["total"] == 2
    assert "损失" in lines[-1]["note"]


def test_a_run_is_resumed_by_its_name(base: Path, data_dir: Path) -> None:
    stopped = RunFolder.create(data_dir / "runs", recipe(base, steps=2).yaml())
    told = call(data_dir, "--resume", stopped.path.name, "--json")
    assert told.exit_code == 0
    assert json.loads(told.stdout)["run"] == str(stopped.path)
    again = call(data_dir, "--resume", stopped.path.name, "--json")
    assert again.exit_code == 1
    assert "已经练完了" in json.loads(again.stdout)["error"]["message"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("a.yaml", "--resume", "b"), 2),
        (("nowhere",), 1),
        (("--resume", "nowhere"), 1),
    ],
)
def test_wrong_words(data_dir: Path, words: tuple[str, ...], code: int) -> None:
    assert call(data_dir, *words).exit_code == code


def test_recipes_that_come_along_have_names() -> None:
    assert find_recipe("cpu-tiny").name == "cpu-tiny.yaml"
    with pytest.raises(BadRecipe, match=r"自带的有：.*cpu-tiny"):
        find_recipe("nowhere")
