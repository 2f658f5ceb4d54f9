"""`yanchi advise`: sentences for a person, one object for the page."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

import yanchi
from training.advice.cost import Cost
from training.errors import RunFailed


def run(*words: object) -> Result:
    return CliRunner().invoke(yanchi.app, ["advise", *map(str, words)])


@pytest.fixture
def recipe(voice: str, base: Path, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    told = {"name": "x", "base": str(base), "data": [voice], "epochs": 12, "length": 800}
    path.write_text(yaml.safe_dump(told))
    return path


def test_one_object_for_the_page(recipe: Path, tmp_path: Path) -> None:
    result = run(recipe, "--no-probe", "--data-dir", tmp_path, "--json", "--progress-json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["level"] == "warn"
    assert told["measured"] is False
    fields = {"key", "value", "advised", "level", "sentence", "says", "facts"}
    assert set(told["advice"][0]) == fields
    assert {"rows", "length", "epochs", "tuning.rank", "learning_rate", "seconds",
            "peak_memory_bytes"} <= {each["key"] for each in told["advice"]}  # fmt: skip
    last = json.loads(result.stderr.splitlines()[-1])
    assert last["done"] == last["total"] == 120


def test_sentences_for_a_person(recipe: Path, tmp_path: Path) -> None:
    result = run(recipe, "--no-probe", "--data-dir", tmp_path)
    assert "! 1.7% 的样本超过 800 个词元" in result.stdout
    assert "建议：1024" in result.stdout
    assert "可以开始训练" in result.stderr


def test_a_probes_figures_take_the_formulas_place(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*_: Any, **__: Any) -> Cost:
        return Cost(123.0, 2**30, measured=True)

    monkeypatch.setattr("training.advice.probe.probe", measured)
    told = json.loads(run(recipe, "--data-dir", tmp_path, "--json").stdout)
    assert (told["measured"], told["tokens_per_second"]) == (True, 123.0)


def test_a_probe_that_fails_leaves_the_formula(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> Cost:
        raise RunFailed("试跑没有成功：内存不够。")

    monkeypatch.setattr("training.advice.probe.probe", fails)
    result = run(recipe, "--data-dir", tmp_path, "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["measured"] is False
    assert told["advice"][-1]["sentence"] == "试跑没有成功：内存不够。"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [({"base": "none"}, "missing_base", "yanchi model pull"), ({"data": ["none"]}, "bad_input", ""),
     ({"epoch": 3}, "bad_recipe", "epochs")],
)  # fmt: skip
def test_what_is_wrong_is_a_sentence(
    recipe: Path, tmp_path: Path, change: dict[str, Any], code: str, words: str
) -> None:
    told = yaml.safe_load(recipe.read_text()) | change
    recipe.write_text(yaml.safe_dump(told))
    result = run(recipe, "--no-probe", "--data-dir", tmp_path, "--json")
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert error["code"] == code
    assert words in error["message"]
    assert run(tmp_path / "nowhere.yaml").exit_code == 2
