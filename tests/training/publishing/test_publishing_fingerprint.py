"""A base is known again however it was saved, and no other is taken for it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from training.errors import MissingBase
from training.publishing.fingerprint import BLOCK, BLOCKS, _blocks, fingerprint


def copied(base: Path, folder: Path) -> Path:
    folder.mkdir()
    for file in base.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def edited(folder: Path, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    told = json.loads((folder / name).read_text())
    change(told)
    (folder / name).write_text(json.dumps(told))


def test_sharding_saving_anew_and_formatting_change_nothing(base: Path, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(base)
    model.save_pretrained(tmp_path / "again", max_shard_size="200KB")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "again")
    assert len(list((tmp_path / "again").glob("*.safetensors"))) > 1
    one, other = fingerprint(base), fingerprint(tmp_path / "again")
    assert one.sha256 == other.sha256
    assert one.template == other.template != ""
    assert not one.difference(other)


def test_the_ways_of_writing_one_config_are_one(base: Path, tmp_path: Path) -> None:
    """As hubs have it from transformers 4, and as transformers 5 writes it."""
    old = copied(base, tmp_path / "old")

    def as_before(config: dict[str, Any]) -> None:
        rope = config.pop("rope_parameters")
        config |= {"rope_theta": int(rope["rope_theta"]), "torch_dtype": "float32"}
        for new in ("dtype", "layer_types", "transformers_version"):
            config.pop(new, None)

    edited(old, "config.json", as_before)
    assert fingerprint(old).sha256 == fingerprint(base).sha256


def test_merges_as_pairs_or_as_words_are_one(base: Path, tmp_path: Path) -> None:
    old = copied(base, tmp_path / "old")

    def as_words(tokenizer: dict[str, Any]) -> None:
        tokenizer["model"]["merges"] = [" ".join(pair) for pair in tokenizer["model"]["merges"]]

    edited(old, "tokenizer.json", as_words)
    assert fingerprint(old).sha256 == fingerprint(base).sha256


@pytest.mark.parametrize(
    ("file", "change", "word"),
    [
        ("config.json", lambda c: c.update(num_key_value_heads=4), "结构"),
        ("config.json", lambda c: c["rope_parameters"].update(rope_theta=5e5), "结构"),
        ("tokenizer.json", lambda t: t["model"]["merges"].reverse(), "词表"),
        ("tokenizer.json", lambda t: t["added_tokens"][0].update(content="<x>"), "词表"),
    ],
)
def test_another_base_is_told_by_what_differs(
    base: Path, tmp_path: Path, file: str, change: Callable[[dict[str, Any]], None], word: str
) -> None:
    other = copied(base, tmp_path / "other")
    edited(other, file, change)
    assert fingerprint(base).difference(fingerprint(other)) == word
    assert fingerprint(base).sha256 != fingerprint(other).sha256


@pytest.mark.parametrize("where", [0, -1])
def test_other_weights_are_another_base(base: Path, tmp_path: Path, where: int) -> None:
    other = copied(base, tmp_path / "other")
    tensors = load_file(other / "model.safetensors")
    tensors["model.layers.1.mlp.up_proj.weight"].view(-1)[where] += 1
    save_file(tensors, other / "model.safetensors")
    assert fingerprint(base).difference(fingerprint(other)) == "权重"


def test_large_tensors_are_sampled_from_end_to_end() -> None:
    blocks = list(_blocks(10**8))
    assert len(blocks) == BLOCKS
    assert blocks[0] == (0, BLOCK)
    assert sum(blocks[-1]) == 10**8
    assert list(_blocks(BLOCKS * BLOCK)) == [(0, BLOCKS * BLOCK)]


def test_a_tied_head_counts_once(base: Path, tmp_path: Path) -> None:
    """Some savers write the output head along although it is the embedding."""
    other = copied(base, tmp_path / "other")
    tensors = load_file(other / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, other / "model.safetensors")
    assert fingerprint(other).sha256 == fingerprint(base).sha256


def test_another_template_is_the_same_base_and_told_apart(base: Path, tmp_path: Path) -> None:
    other = copied(base, tmp_path / "other")
    (other / "chat_template.jinja").write_text("{{ messages }}\n")
    assert fingerprint(other).sha256 == fingerprint(base).sha256
    assert fingerprint(other).template != fingerprint(base).template
    inside = copied(base, tmp_path / "inside")
    template = (inside / "chat_template.jinja").read_text()
    (inside / "chat_template.jinja").unlink()
    edited(inside, "tokenizer_config.json", lambda c: c.update(chat_template=template))
    assert fingerprint(inside).template == fingerprint(base).template


def test_the_name_is_the_one_it_was_fetched_by(base: Path, tmp_path: Path) -> None:
    other = copied(base, tmp_path / "Qwen--Qwen3-8B")
    assert fingerprint(other).name == "Qwen--Qwen3-8B"
    (other / "manifest.json").write_text('{"name": "Qwen/Qwen3-8B"}')
    assert fingerprint(other).name == "Qwen/Qwen3-8B"


def test_what_is_no_whole_model_is_told(base: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingBase, match=r"config\.json"):
        fingerprint(tmp_path / "nothing")
    torn = copied(base, tmp_path / "torn")
    (torn / "model.safetensors").write_bytes((torn / "model.safetensors").read_bytes()[:500])
    with pytest.raises(MissingBase, match="不是完整的"):
        fingerprint(torn)
    (torn / "model.safetensors").unlink()
    with pytest.raises(MissingBase, match="缺 model"):
        fingerprint(torn)


def test_as_a_program_it_prints_one_object_or_a_sentence(base: Path, tmp_path: Path) -> None:
    def run(folder: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "training.publishing.fingerprint", str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert json.loads(run(base).stdout)["sha256"] == fingerprint(base).sha256
    failed = run(tmp_path)
    assert failed.returncode == 1
    assert failed.stderr.endswith("。\n")


def test_the_program_needs_no_heavy_library() -> None:
    code = (
        "import sys; from training.publishing import fingerprint; "
        "print(*{'torch', 'numpy', 'transformers'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == ""
