"""Recipes: what is refused, in which words, and that what is written is read back."""

from pathlib import Path

import pytest

from training.errors import BadRecipe
from training.tuning.config import Recipe

SMALLEST = {"name": "huanhuan", "base": "Qwen2.5-0.5B-Instruct", "data": "huanhuan"}


def parse(**changes: object) -> Recipe:
    return Recipe.parse(SMALLEST | changes)


def refusal(**changes: object) -> str:
    with pytest.raises(BadRecipe) as caught:
        parse(**changes)
    return str(caught.value)


def test_smallest_recipe_has_every_default() -> None:
    recipe = parse()
    assert recipe.data[0].path == "huanhuan"
    assert recipe.method == "sft"
    assert recipe.makes_adapter
    assert recipe.system == "keep"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    recipe = parse(
        data=["a", {"path": "b", "weight": 0.5}],
        system={"text": "你是甄嬛。"},
        tuning={"kind": "rslora", "targets": ["q_proj", "v_proj"]},
        held_out=0.05,
    )
    file = tmp_path / "recipe.yaml"
    file.write_text(recipe.yaml(), "utf-8")
    assert Recipe.read(file) == recipe
    assert recipe.own_system == "你是甄嬛。"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rte": 1e-4}, "不认识 learning_rte，是否想写 learning_rate？"),
        ({"tuning": {"rnak": 8}}, "不认识 tuning.rnak，是否想写 tuning.rank？"),
        ({"data": [{"path": "a", "wieght": 1}]}, "是否想写 data.0.weight？"),
        ({"zzzz": 1}, "不认识 zzzz"),
        ({"epochs": 0}, "epochs：应大于 0"),
        ({"length": "long"}, "length：应是整数"),
        ({"method": "ppo"}, "method：只能是 'pretrain'、'sft'、'dpo'、'kto'"),
        ({"name": "嬛 嬛"}, "name：只能用英文字母"),
        ({"system": "没有前缀"}, "system：只能是 keep、none、served"),
        ({"system": "text:  "}, "system：只能是"),
        ({"data": []}, "data：至少要有一项"),
        ({"learning_rate": float("nan")}, "learning_rate：应是有限的数"),
        ({"tuning": {"kind": "galore", "lora_plus_ratio": 16}}, "galore 没有 A、B 两个矩阵"),
        ({"tuning": {"kind": "full"}, "continue_from": "a"}, "full 改的却是底座的全部权重"),
        ({"method": "dpo", "packing": True}, "packing 只用于 pretrain 和 sft"),
        ({"method": "dpo", "tuning": {"kind": "pissa"}}, "pissa 会改动底座"),
    ],
)
def test_wrong_keys_are_refused_by_name(changes: dict[str, object], words: str) -> None:
    assert words in refusal(**changes)


def test_every_wrong_key_is_told_at_once() -> None:
    told = refusal(epochs=0, length=1)
    assert "epochs" in told
    assert "length" in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\nname: b\n", "name 写了两次"),
        ("- a\n", "应是一组"),
        ("name: [", "不是合格的 YAML"),
        ("name: a\nbase: b\ndata: c\nlearning_rate: 1e-4\nbatches: 2\n", "是否想写 batch？"),
    ],
)
def test_files_that_are_no_recipe(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(BadRecipe, match=r"r\.yaml") as caught:
        Recipe.read(file)
    assert words in str(caught.value)


def test_scientific_numbers_of_yaml_are_numbers(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("name: a\nbase: b\ndata: c\nlearning_rate: 2e-4\n", "utf-8")
    assert Recipe.read(file).learning_rate == 2e-4


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="读不了配方"):
        Recipe.read(tmp_path / "none.yaml")
