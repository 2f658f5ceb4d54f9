"""Advice names what is, what would be better, and why."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from training.advice import cost, ranges
from training.advice.advise import Advice, advise, duration, look, optimizer_steps
from training.advice.cost import Cost, Machine
from training.errors import BadInput, MissingBase
from training.findings import Finding
from training.publishing.bases import find_base
from training.tuning.config import Recipe
from training.types import Chat, Preference, Turn

GIB = 2**30
MACHINE = Machine("cpu", "fp32", product_flops=1e11, memory=16 * GIB)


def recipe(name: str, base: Path, **changes: Any) -> Recipe:
    return Recipe.parse({"name": "x", "base": str(base), "data": [name]} | changes)


def told(wanted: Recipe, base: Path, data_dir: Path, measured: Cost | None = None) -> Advice:
    return advise(wanted, base, look(wanted, base, data_dir), MACHINE, measured)


def about(found: Advice, key: str) -> Finding:
    return next(each for each in found.findings if each.key == key)


def test_rows_tokens_and_what_would_be_left_out(voice: str, base: Path, tmp_path: Path) -> None:
    wanted = recipe(voice, base, length=800)
    found = told(wanted, base, tmp_path)
    as_json = found.to_json()
    assert (as_json["rows"], as_json["held_out_rows"]) == (120, 1)
    assert as_json["longest"] > as_json["p99"] > 100
    assert 0 < as_json["learned_tokens"] < as_json["tokens"]
    length = about(found, "length")
    assert length.level == "warn"
    assert "会被略过" in length.sentence
    assert length.advised in ranges.LENGTHS
    cut = about(told(recipe(voice, base, length=800, too_long="cut"), base, tmp_path), "length")
    assert "会被截断" in cut.sentence
    assert len({each.key for each in found.findings}) == len(found.findings)


def test_weights_and_splits_count(voice: str, base: Path, tmp_path: Path) -> None:
    once = look(recipe(voice, base), base, tmp_path)
    half = recipe(voice, base, data=[{"path": voice, "weight": 0.5}])
    assert look(half, base, tmp_path).rows == pytest.approx(60)
    assert look(half, base, tmp_path).tokens == pytest.approx(once.tokens / 2)
    held = recipe(voice, base, data=[{"path": voice, "split": "held_out"}])
    assert look(held, base, tmp_path).rows == 1


def test_large_sets_are_sampled_evenly(
    voice: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = look(recipe(voice, base), base, tmp_path)
    monkeypatch.setattr("training.advice.amounts.SAMPLE", 40)
    some = look(recipe(voice, base), base, tmp_path)
    assert some.sampled
    assert not whole.sampled
    assert len(some.seen) == 40
    assert some.rows == pytest.approx(whole.rows)
    assert some.examples == pytest.approx(whole.examples)


def test_a_book_is_cut_into_pieces_and_nothing_is_lost(
    book: str, base: Path, tmp_path: Path
) -> None:
    found = told(recipe(book, base, method="pretrain", length=512), base, tmp_path)
    assert about(found, "length").level == "ok"
    assert found.amounts.lengths[-1] <= 512
    assert "一字不丢" in about(found, "length").sentence


def test_a_set_of_another_kind_cannot_be_learned(book: str, base: Path, tmp_path: Path) -> None:
    found = told(recipe(book, base, method="sft"), base, tmp_path)
    assert about(found, "rows").level == "stop"
    assert "种类" in about(found, "unlearnable").sentence
    assert (found.steps, found.to_json()["seconds"]) == (0, None)


def test_preferences_are_counted_with_both_answers(
    data_set: Callable[..., str], base: Path, tmp_path: Path
) -> None:
    turns = (Turn("user", "接着写。"),)
    name = data_set("drafts", [Preference(turns, "好。" * 9, "坏。") for _ in range(40)])
    found = told(recipe(name, base, method="dpo", learning_rate=1e-4), base, tmp_path)
    assert (found.amounts.examples, len(found.amounts.lengths)) == (40, 80)
    alone = told(recipe(name, base, method="kto"), base, tmp_path)
    assert alone.amounts.examples == 80
    assert about(found, "learning_rate").advised == 5e-6
    assert about(found, "epochs").advised == 1


@pytest.mark.parametrize(
    ("changes", "key", "level", "words"),
    [
        ({"epochs": 15}, "epochs", "ok", "10–19 轮"),
        ({"epochs": 3}, "epochs", "warn", "练少了学不像"),
        ({"epochs": 30}, "epochs", "note", "死记硬背"),
        ({"steps": 1800, "accumulate": 1}, "epochs", "ok", "轮"),
        ({"learning_rate": 1e-3}, "learning_rate", "warn", "太大"),
        ({"learning_rate": 5e-5}, "learning_rate", "ok", "1e-05–0.0001"),
        ({"learning_rate": 5e-6}, "learning_rate", "note", "太小"),
        ({"tuning": {"rank": 2}}, "tuning.rank", "note", "以 8 服务"),
        ({"tuning": {"rank": 8, "alpha": 16}}, "tuning.rank", "ok", "秩 8"),
        ({"tuning": {"alpha": 256}}, "tuning.alpha", "note", "两倍"),
        ({"tuning": {"dropout": 0.3}}, "tuning.dropout", "note", "0–0.02"),
        ({"tuning": {"targets": ["q_proj"]}}, "tuning.targets", "note", "全部线性层"),
        ({"tuning": {"kind": "pissa", "rank": 300}}, "tuning.rank", "stop", "引擎的上限"),
        ({"length": 4096}, "length", "stop", "窗口只有 2,048"),
        ({"accumulate": 64, "epochs": 10}, "accumulate", "note", "步数太少"),
        ({"epochs": 15, "accumulate": 1}, "steps", "ok", "每步 1 条"),
        ({}, "sample_every", "note", "不试写"),
        ({"sample_every": 10}, "sample_every", "ok", "每 10 步"),
        ({"sample_every": 10_000}, "sample_every", "note", "不试写"),
    ],
)
def test_every_setting_is_weighed(
    voice: str,
    base: Path,
    tmp_path: Path,
    changes: dict[str, Any],
    key: str,
    level: str,
    words: str,
) -> None:
    found = about(told(recipe(voice, base, **changes), base, tmp_path), key)
    assert (found.level, words in found.sentence) == (level, True), found


def test_what_is_advised_is_what_is_then_found_right(
    voice: str, base: Path, tmp_path: Path
) -> None:
    """Taking the advice leaves nothing to advise."""
    first = told(recipe(voice, base, length=2048, learning_rate=1e-2), base, tmp_path)
    changes: dict[str, Any] = {"tuning": {}}
    for each in first.findings:
        if each.advised is not None:
            part = changes["tuning"] if each.key.startswith("tuning.") else changes
            part[each.key.removeprefix("tuning.")] = each.advised
    again = told(recipe(voice, base, **changes), base, tmp_path)
    assert [f for f in again.findings if f.level in ("warn", "stop")] == []


def test_nothing_held_out_and_few_rows_are_told(
    data_set: Callable[..., str], base: Path, tmp_path: Path
) -> None:
    few = data_set("few", [Chat((Turn("user", "?"), Turn("assistant", "好。")))] * 5)
    found = told(recipe(few, base), base, tmp_path)
    assert about(found, "held_out").level == "warn"
    assert about(found, "rows").level == "warn"
    shared = told(recipe(few, base, held_out=0.2), base, tmp_path)
    assert "held_out" not in {each.key for each in shared.findings}


def test_what_is_not_there_is_named(base: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="没有数据集“none”"):
        look(recipe("none", base), base, tmp_path)
    with pytest.raises(MissingBase, match="yanchi model pull Qwen/Qwen3-8B"):
        find_base("Qwen/Qwen3-8B", tmp_path)
    (tmp_path / "models" / "Qwen--Qwen3-8B").mkdir(parents=True)
    manifest = tmp_path / "models" / "Qwen--Qwen3-8B" / "manifest.json"
    manifest.write_text('{"name": "Qwen/Qwen3-8B"}')
    for name in ("Qwen/Qwen3-8B", "ms:Qwen/Qwen3-8B", "Qwen--Qwen3-8B"):
        assert find_base(name, tmp_path) == manifest.parent
    assert find_base(str(base), tmp_path) == base


# What it costs


def test_steps_count_batches_and_packing(voice: str, base: Path, tmp_path: Path) -> None:
    plain = recipe(voice, base, epochs=2, batch=2, accumulate=4)
    amounts = look(plain, base, tmp_path)
    assert optimizer_steps(plain, amounts) == 30
    packed = recipe(voice, base, epochs=2, batch=1, accumulate=1, packing=True, length=1024)
    rows = look(packed, base, tmp_path).tokens / 1024
    assert 2 * rows <= optimizer_steps(packed, amounts) <= 2 * rows + 1
    assert optimizer_steps(recipe(voice, base, steps=7), amounts) == 7


def test_the_formula_knows_what_makes_a_run_dear(voice: str, base: Path) -> None:
    def price(**changes: Any) -> Cost:
        wanted = recipe(voice, base, **changes)
        shape, longest = cost.shape_of(wanted, base), wanted.length
        return cost.estimate(wanted, shape, MACHINE, length=200, longest=longest, learned=0.5)

    plain = price()
    assert price(tuning={"kind": "full"}).tokens_per_second < plain.tokens_per_second
    assert price(checkpoint_activations=True).tokens_per_second < plain.tokens_per_second
    assert price(checkpoint_activations=True).peak_bytes < plain.peak_bytes
    speeds = [price(method=each).tokens_per_second for each in ("sft", "dpo", "kto")]
    assert speeds == sorted(speeds, reverse=True)
    assert speeds[0] == plain.tokens_per_second > speeds[1]
    assert price(method="dpo", epochs=1).tokens_per_second < speeds[1]
    assert price(length=2048).peak_bytes > price(length=1024).peak_bytes
    assert price(batch=4).peak_bytes > plain.peak_bytes


def test_sizes_come_from_the_files_headers(voice: str, base: Path) -> None:
    shape = cost.shape_of(recipe(voice, base, tuning={"rank": 4}), base)
    assert (shape.layers, shape.hidden) == (2, 64)
    assert (shape.linear, shape.head) == (98_304, 65_536)
    assert shape.parameters == shape.linear + shape.head
    assert shape.trained == 4 * 2 * 1_216
    full = cost.shape_of(recipe(voice, base, tuning={"kind": "full"}), base)
    assert full.trained == full.parameters


def test_a_measured_cost_takes_the_formulas_place(voice: str, base: Path, tmp_path: Path) -> None:
    wanted = recipe(voice, base, epochs=10)
    found = told(wanted, base, tmp_path, Cost(100.0, 20 * GIB, measured=True))
    assert found.seconds == pytest.approx(10 * found.amounts.tokens / 100)
    assert "实测每秒 100" in about(found, "seconds").sentence
    memory = about(found, "peak_memory_bytes")
    assert memory.level == "stop"
    assert "20.0 GiB，现有 16.0 GiB" in memory.sentence
    tight = told(wanted, base, tmp_path, Cost(100.0, 14 * GIB, measured=True))
    assert about(tight, "peak_memory_bytes").level == "warn"
    slow = told(wanted, base, tmp_path, Cost(0.5, GIB, measured=True))
    assert about(slow, "seconds").level == "warn"


def test_this_machine_is_measured(voice: str, base: Path) -> None:
    machine = cost.this_machine(recipe(voice, base))
    assert machine.product_flops > 1e8
    assert machine.memory > 0
    assert machine.bytes_each == {"bf16": 2, "fp32": 4}[machine.dtype]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 秒"), (40, "40 秒"), (720, "12 分钟"), (7200, "2 小时"), (12_000, "3 小时 20 分钟")],
)
def test_durations_are_spoken(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("rows", "low", "high"),
    [(20, 10, 20), (100, 10, 20), (316, 7.5, 15), (1_000, 5, 10), (10_000, 2, 5), (10**6, 2, 5)],
)
def test_epochs_follow_the_seeds_table(rows: int, low: float, high: float) -> None:
    usual = ranges.epochs(Recipe.parse({"name": "x", "base": "b", "data": ["d"]}), rows)
    assert usual.low == pytest.approx(low, rel=0.01)
    assert usual.high == pytest.approx(high, rel=0.01)
    assert usual.holds(usual.advised)
