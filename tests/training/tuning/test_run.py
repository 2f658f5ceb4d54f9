"""Runs from beginning to end on a tiny Qwen: every method, every kind, what is left behind."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tests.training.tiny import chats, make_data
from tests.training.tuning.runs import evaluations, losses, make_sets, recipe
from training.errors import BadRecipe, MissingBase, RunFailed
from training.publishing.lineage import Lineage
from training.tuning.run import resume, start
from training.tuning.run_folder import RunFolder
from training.types import Chat, Turn


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    make_sets(tmp_path)
    return tmp_path


def notes(run: RunFolder) -> str:
    return "".join(each["message"] for each in run.entries() if each["type"] == "note")


@pytest.mark.parametrize("method", ["sft", "pretrain", "dpo", "kto"])
def test_every_method_learns(base: Path, data_dir: Path, method: str) -> None:
    run = start(recipe(base, method=method, epochs=4), data_dir)
    told, seen = losses(run), evaluations(run)
    status = run.status()
    assert (status.state, status.step) == ("done", status.steps)
    assert seen[status.best_step or 0] < seen[0]
    assert list(told) == list(range(1, status.steps + 1))
    assert status.peak_memory_bytes > 0
    assert (status.tokens_per_second or 0) > 0
    assert list(run.tensorboard.iterdir())


@pytest.mark.parametrize("kind", ["lora", "rslora", "dora", "pissa", "full", "galore", "badam"])
def test_every_kind_learns_and_leaves_what_it_learned(
    base: Path, data_dir: Path, kind: str
) -> None:
    tuning = {"kind": kind, "rank": 4, "switch_every": 2}
    run = start(recipe(base, tuning=tuning, epochs=4), data_dir)
    seen = evaluations(run)
    assert run.status().state == "done"
    best = seen[run.status().best_step or 0]
    assert best < seen[0]
    left = _loaded(base, run, kind)
    assert _held_out_loss(left, base, data_dir) == pytest.approx(best, abs=0.02)


def _loaded(base: Path, run: RunFolder, kind: str) -> Any:
    if kind in ("full", "galore", "badam"):
        return AutoModelForCausalLM.from_pretrained(run.model)
    causal = AutoModelForCausalLM.from_pretrained(base)
    return PeftModel.from_pretrained(causal, run.adapter)


def _held_out_loss(model: Any, base: Path, data_dir: Path) -> float:
    """Counted without any of the trainer's code but the masks."""
    from training.tuning.base import load_tokenizer
    from training.tuning.prepare import prepare

    prepared = prepare(recipe(base), *load_tokenizer(base), data_dir)
    nats = counted = 0.0
    for (example,) in prepared.held_out:
        ids = torch.tensor(example.ids[None].astype("int64"))
        with torch.no_grad():
            log_probs = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
        each = log_probs.gather(-1, ids[0, 1:, None])[:, 0]
        nats -= each[torch.from_numpy(example.learned[1:])].sum().item()
        counted += example.targets
    return nats / counted


def test_what_is_left_is_plain_lora_in_bf16(base: Path, data_dir: Path) -> None:
    run = start(recipe(base, tuning={"kind": "rslora", "rank": 4}), data_dir)
    config = json.loads((run.adapter / "adapter_config.json").read_text("utf-8"))
    assert config["use_rslora"]
    assert config["r"] == 4
    weights = load_file(run.adapter / "adapter_model.safetensors")
    assert {each.dtype for each in weights.values()} == {torch.bfloat16}
    lineage = Lineage.read(run.path)
    assert lineage.data[0].name == "talk"
    assert lineage.run == run.path.name
    assert lineage.template


def test_pissa_is_left_as_plain_lora_of_twice_the_rank(base: Path, data_dir: Path) -> None:
    run = start(recipe(base, tuning={"kind": "pissa", "rank": 4}), data_dir)
    config = json.loads((run.adapter / "adapter_config.json").read_text("utf-8"))
    assert config["r"] == 8
    assert config["init_lora_weights"] is True
    assert "秩由 4 变为 8" in run.status().message


def test_dora_is_left_as_it_is_with_a_word_to_the_author(base: Path, data_dir: Path) -> None:
    run = start(recipe(base, tuning={"kind": "dora", "rank": 4}), data_dir)
    config = json.loads((run.adapter / "adapter_config.json").read_text("utf-8"))
    assert config["use_dora"]
    assert "DoRA 不能作为适配器服务" in run.status().message


def test_packed_rows_and_big_batches_teach_the_same(base: Path, data_dir: Path) -> None:
    """One step over all rows, however they are cut into batches."""
    how = [{"batch": 1, "accumulate": 12}, {"batch": 12, "accumulate": 1},
           {"batch": 3, "accumulate": 4}, {"batch": 1, "accumulate": 12, "packing": True,
                                          "length": 2048}]  # fmt: skip
    seen = [evaluations(start(recipe(base, steps=1, warmup=0, **each), data_dir)) for each in how]
    for other in seen[1:]:
        assert other[1] == pytest.approx(seen[0][1], abs=1e-4)


def test_lora_plus_moves_b_further(base: Path, data_dir: Path) -> None:
    sums = {}
    for ratio in (None, 16):
        run = start(
            recipe(base, tuning={"rank": 4, "lora_plus_ratio": ratio}, steps=1, warmup=0,
                   learning_rate=1e-4), data_dir)  # fmt: skip
        weights = load_file(run.checkpoints()[-1].path / "adapter_model.safetensors")
        sums[ratio] = sum(w.abs().sum().item() for n, w in weights.items() if "lora_B" in n)
    assert sums[16] == pytest.approx(16 * sums[None], rel=0.01)


def test_bf16_learns_as_well(base: Path, data_dir: Path) -> None:
    seen = {
        dtype: evaluations(start(recipe(base, dtype=dtype, epochs=4), data_dir))
        for dtype in ("fp32", "bf16")
    }
    last = max(seen["fp32"])
    assert seen["bf16"][last] == pytest.approx(seen["fp32"][last], abs=0.02)
    assert seen["bf16"][last] < seen["bf16"][0]


def test_recomputed_activations_change_nothing(base: Path, data_dir: Path) -> None:
    plain, saving = (
        losses(start(recipe(base, checkpoint_activations=each), data_dir)) for each in (False, True)
    )
    assert saving == pytest.approx(plain, abs=1e-5)


def test_an_adapter_is_trained_on(base: Path, data_dir: Path) -> None:
    first = start(recipe(base, epochs=4, tuning={"rank": 4}), data_dir)
    again = start(
        recipe(base, continue_from=str(first.adapter), evaluate_every=1, epochs=1), data_dir
    )
    ended = evaluations(first)[first.status().best_step or 0]
    assert evaluations(again)[0] == pytest.approx(ended, abs=0.02)
    assert f"接着 {first.adapter.name} 练" in notes(again)


def test_an_adapter_of_another_base_is_refused(base: Path, data_dir: Path, tmp_path: Path) -> None:
    first = start(recipe(base), data_dir)
    lineage = json.loads((first.path / "lineage.json").read_text("utf-8"))
    lineage["base"]["sha256"] = "0" * 64
    (first.path / "lineage.json").write_text(json.dumps(lineage), "utf-8")
    with pytest.raises(MissingBase, match="请换回原来的底座"):
        start(recipe(base, continue_from=str(first.adapter)), data_dir, at=tmp_path / "second")
    status = RunFolder(tmp_path / "second").status()
    assert (status.state, status.code) == ("failed", "missing_base")


def test_the_best_by_held_out_loss_is_left(base: Path, data_dir: Path) -> None:
    """Held out are other answers to the same questions: worse, once the rows are learned."""
    other = [Chat((*chat.turns[:2], Turn("assistant", "别的话。"))) for chat in chats(3)]
    make_data(data_dir, "other", other)
    run = start(
        recipe(base, learning_rate=0.01, schedule="constant", epochs=8, evaluate_every=1, keep=1,
               save_every=100, held_out="other", tuning={"kind": "full"}), data_dir)  # fmt: skip
    seen, status = evaluations(run), run.status()
    best = min((step for step in seen if step), key=lambda step: seen[step])
    assert status.best_step == best
    assert best < status.steps
    kept = {each.step for each in run.checkpoints()}
    assert kept == {best, status.steps}


def test_what_is_not_possible_here_is_said(base: Path, data_dir: Path) -> None:
    with pytest.raises(BadRecipe, match="qlora 要有 NVIDIA 显卡"):
        start(recipe(base, tuning={"kind": "qlora"}), data_dir)
    with pytest.raises(BadRecipe, match=r"tuning\.targets"):
        start(recipe(base, tuning={"targets": ["nowhere"]}), data_dir)
    with pytest.raises(BadRecipe, match="length：底座的窗口只有 2,048"):
        start(recipe(base, length=4096), data_dir)
    with pytest.raises(MissingBase, match="找不到底座"):
        start(recipe(Path("/nowhere")), data_dir)


def test_rows_left_out_are_told(base: Path, data_dir: Path) -> None:
    run = start(recipe(base, length=56, too_long="cut", steps=1), data_dir)
    assert "截去了末尾" in notes(run)
    run = start(recipe(base, length=56, steps=1), data_dir)
    assert "条没有收（第一处：talk 第" in notes(run)


def test_a_run_that_is_done_is_not_resumed(base: Path, data_dir: Path) -> None:
    run = start(recipe(base, steps=1), data_dir)
    with pytest.raises(RunFailed, match="已经练完了"):
        resume(run.path, data_dir)


def test_samples_stand_beside_the_bases(base: Path, data_dir: Path) -> None:
    run = start(
        recipe(base, sample_every=2, sample_tokens=6, sample_prompts=["你是谁？"],
               learning_rate=0.05), data_dir)  # fmt: skip
    samples = [each for each in run.entries() if each["type"] == "sample"]
    assert [each["step"] for each in samples] == [0, 2, 4, 6]
    assert {each["prompt"] for each in samples} == {"你是谁？"}
    assert {each["base"] for each in samples[1:]} == {samples[0]["text"]}
    assert samples[-1]["text"] != samples[-1]["base"]
    assert {"sampled", "base_sampled"} <= set(samples[-1])


def test_samples_do_not_change_what_is_learned(base: Path, data_dir: Path) -> None:
    how = {"tuning": {"rank": 4, "dropout": 0.3}}
    quiet, loud = (
        losses(start(recipe(base, sample_every=every, sample_tokens=4, **how), data_dir))
        for every in (0, 1)
    )
    assert loud == quiet
