"""A recipe looked at before it runs: every setting with what is advised and why."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.advice import cost, ranges
from training.advice.amounts import Amounts, measure
from training.advice.cost import Cost, Machine
from training.advice.ranges import Range
from training.findings import Finding, Level, worst
from training.publishing.preflight import before
from training.tuning.base import window_of
from training.tuning.config import Recipe
from training.types import Progress

TRUNCATED = 0.99
"""The length asked for is what this share of the examples keep within."""
FEW_ROWS = 20
FEW_STEPS = 30
LONG_HOURS = 12
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Advice:
    """`steps` are optimizer steps of the whole run; `seconds` and `cost` None where nothing
    can be learned at all."""

    findings: tuple[Finding, ...]
    amounts: Amounts
    steps: int
    seconds: float | None = None
    cost: Cost | None = None

    @property
    def level(self) -> Level:
        return worst(self.findings)

    def to_json(self) -> dict[str, Any]:
        amounts = self.amounts
        return {
            "level": self.level,
            "advice": [each.to_json() for each in self.findings],
            "rows": round(amounts.rows),
            "held_out_rows": amounts.held_out_rows,
            "tokens": round(amounts.tokens),
            "learned_tokens": round(amounts.learned),
            "longest": amounts.lengths[-1] if amounts.lengths else 0,
            "p99": amounts.percentile(TRUNCATED),
            "sampled": amounts.sampled,
            "steps": self.steps,
            "seconds": self.seconds,
            "peak_memory_bytes": self.cost.peak_bytes if self.cost else None,
            "tokens_per_second": self.cost.tokens_per_second if self.cost else None,
            "measured": bool(self.cost and self.cost.measured),
        }


def silent(done: int, total: int, note: str = "") -> None:
    """Where nobody watches."""


def look(recipe: Recipe, base: Path, data_dir: Path, progress: Progress = silent) -> Amounts:
    """What the data holds. Raises BadInput, MissingBase."""
    return measure(recipe, base, data_dir, progress)


def advise(
    recipe: Recipe, base: Path, amounts: Amounts, machine: Machine, measured: Cost | None = None
) -> Advice:
    """`measured` is a probe's; without it time and memory are by formula. Raises MissingBase."""
    steps = optimizer_steps(recipe, amounts)
    found = [*_data(recipe, amounts), *before(recipe, base)]
    if worst(found) == "stop" and not amounts.examples:
        return Advice(_strictest(found), amounts, 0)
    told = measured or cost.estimate(
        recipe,
        cost.shape_of(recipe, base),
        machine,
        length=round(amounts.tokens / amounts.examples),
        longest=recipe.length if recipe.packing else min(recipe.length, amounts.lengths[-1]),
        learned=amounts.learned / amounts.tokens,
    )
    seconds = tokens_of_run(recipe, amounts, steps) / told.tokens_per_second
    found += [
        _length(recipe, amounts, base),
        _epochs(recipe, amounts, steps),
        _rate(recipe),
        *_adapter(recipe, amounts),
        _steps(recipe, steps),
        _samples(recipe, steps),
        _time(seconds, told),
        _memory(told, machine),
    ]
    return Advice(_strictest(found), amounts, steps, seconds, told)


def _strictest(found: list[Finding]) -> tuple[Finding, ...]:
    """One finding a key: of several, the one that matters most."""
    kept: dict[str, Finding] = {}
    for each in found:
        other = kept.get(each.key)
        if other is None or worst([other]) != worst([other, each]):
            kept[each.key] = each
    return tuple(kept.values())


def optimizer_steps(recipe: Recipe, amounts: Amounts) -> int:
    if recipe.steps is not None:
        return recipe.steps
    rows = amounts.tokens / recipe.length if recipe.packing else amounts.examples
    return max(1, math.ceil(recipe.epochs * rows / (recipe.batch * recipe.accumulate)))


def tokens_of_run(recipe: Recipe, amounts: Amounts, steps: int) -> float:
    if recipe.steps is None:
        return recipe.epochs * amounts.tokens
    each = recipe.length if recipe.packing else amounts.tokens / amounts.examples
    return steps * recipe.batch * recipe.accumulate * each


# What there is to learn


def _data(recipe: Recipe, amounts: Amounts) -> list[Finding]:
    found = [_rows(amounts)]
    if amounts.unlearnable:
        reason, _ = amounts.reasons.most_common(1)[0]
        level: Level = "warn" if amounts.unlearnable > 0.01 * amounts.rows else "note"
        found.append(
            Finding(
                "unlearnable", level,
                f"约 {round(amounts.unlearnable):,} 条学不了，会被略过；最常见的原因：{reason}。",
                round(amounts.unlearnable),
                says="rows.unlearnable", facts={"count": round(amounts.unlearnable), "reason": reason},
            )
        )  # fmt: skip
    if recipe.held_out is None and not amounts.held_out_rows:
        found.append(
            Finding(
                "held_out", "warn",
                "没有留出数据：看不出什么时候开始死记硬背，也选不出最好的一步。", None, 0.05,
                says="held_out.none",
            )
        )  # fmt: skip
    return found


def _rows(amounts: Amounts) -> Finding:
    rows = round(amounts.rows)
    if not amounts.examples:
        return Finding("rows", "stop", f"{rows:,} 条里没有一条可以学。", rows,
                       says="rows.none", facts={"rows": rows})  # fmt: skip
    about = "约 " if amounts.sampled else ""
    words = (
        f"每轮 {rows:,} 条，{about}{round(amounts.tokens):,} 个词元，"
        f"其中要学的 {round(amounts.learned):,} 个"
    )
    facts = {"rows": rows, "tokens": round(amounts.tokens), "learned": round(amounts.learned)}
    if rows < FEW_ROWS:
        return Finding(
            "rows", "warn", f"{words}：太少了，只够试试流程，学不出文风。", rows, 100,
            "rows.few", facts,
        )  # fmt: skip
    return Finding("rows", "ok", f"{words}。", rows, says="rows.enough", facts=facts)


def _length(recipe: Recipe, amounts: Amounts, base: Path) -> Finding:
    needed, over = amounts.percentile(TRUNCATED), amounts.over(recipe.length)
    window = window_of(base)
    if window and recipe.length > window:
        return Finding(
            "length", "stop", f"底座的窗口只有 {window:,} 个词元，长度不能超过它。",
            recipe.length, window, "length.window", {"window": window},
        )  # fmt: skip
    if recipe.method == "pretrain":
        return _piece_length(recipe)
    advised = int(ranges.length(needed).advised)
    lost = "会被略过" if recipe.too_long == "refuse" else "会被截断"
    longest = amounts.lengths[-1]
    facts = {"length": recipe.length, "p99": needed, "longest": longest}
    if over:
        level: Level = "warn" if over > 1 - TRUNCATED else "note"
        return Finding(
            "length", level,
            f"{over:.1%} 的样本超过 {recipe.length:,} 个词元，{lost}"
            f"（99% 在 {needed:,} 以内，最长 {longest:,}）。",
            recipe.length, max(advised, recipe.length), "length.cut" if recipe.too_long == "cut" else "length.refuse",
            facts | {"share": over},
        )  # fmt: skip
    words = f"没有样本超过 {recipe.length:,} 个词元（99% 在 {needed:,} 以内，最长 {longest:,}）"
    if recipe.packing and recipe.length < 2 * needed:
        return Finding(
            "length", "note", f"{words}；打包时一行至少要放得下两条才划算。",
            recipe.length, 2 * advised, "length.packing", facts,
        )  # fmt: skip
    return Finding("length", "ok", f"{words}。", recipe.length, advised, "length.fits", facts)


def _piece_length(recipe: Recipe) -> Finding:
    """Continued pre-training cuts texts without loss: long pieces teach longer coherence."""
    usual = ranges.length(recipe.length)
    if usual.holds(recipe.length):
        return Finding(
            "length", "ok", f"书会切成 {recipe.length:,} 个词元一段，一字不丢。", recipe.length,
            says="length.pieces", facts={"length": recipe.length},
        )  # fmt: skip
    return Finding(
        "length", "note", f"通常切成 {usual.low:,.0f}–{usual.high:,.0f} 个词元一段。",
        recipe.length, int(usual.advised), "length.unusual", _range(usual),
    )  # fmt: skip


# The settings


def _epochs(recipe: Recipe, amounts: Amounts, steps: int) -> Finding:
    usual = ranges.epochs(recipe, round(amounts.rows))
    batch = recipe.batch * recipe.accumulate
    rows = amounts.tokens / recipe.length if recipe.packing else amounts.examples
    value = recipe.epochs if recipe.steps is None else round(steps * batch / rows, 2)
    facts = {"rows": round(amounts.rows), "value": value, **_range(usual)}
    for_size = f"{round(amounts.rows):,} 条数据通常练 {usual.low:.0f}–{usual.high:.0f} 轮"
    if usual.holds(value):
        return Finding("epochs", "ok", f"{for_size}。", value, usual.advised, "epochs.usual", facts)
    many = value > usual.high
    why = "练多了会死记硬背" if many else "练少了学不像"
    far = value > 2 * usual.high or value < usual.low / 2
    return Finding(
        "epochs", "warn" if far else "note", f"{for_size}，现在是 {value:g} 轮：{why}。",
        value, usual.advised, "epochs.many" if many else "epochs.few", facts,
    )  # fmt: skip


def _rate(recipe: Recipe) -> Finding:
    usual, value = ranges.learning_rate(recipe), recipe.learning_rate
    who = {"dpo": "偏好微调", "kto": "偏好微调"}.get(recipe.method, "微调小说")
    words = f"{who}通常用 {usual.low:g}–{usual.high:g} 的学习率"
    if usual.holds(value):
        return Finding(
            "learning_rate", "ok", f"{words}。", value, usual.advised, "rate.usual", _range(usual)
        )
    high = value > usual.high
    why = "太大会把底座练坏" if high else "太小学不动"
    far = value > 5 * usual.high or value < usual.low / 5
    return Finding(
        "learning_rate", "warn" if far else "note", f"{words}，{why}。", value, usual.advised,
        "rate.high" if high else "rate.low", _range(usual),
    )  # fmt: skip


def _range(usual: Range) -> dict[str, float]:
    return {"low": usual.low, "high": usual.high}


def _adapter(recipe: Recipe, amounts: Amounts) -> list[Finding]:
    if not recipe.makes_adapter:
        return []
    rows, tuning = round(amounts.rows), recipe.tuning
    rank, alpha = ranges.rank(rows), ranges.alpha(recipe)
    for_size = f"{rows:,} 条数据通常用秩 {rank.advised:g}"
    facts = {"rows": rows, "advised": rank.advised}
    return [
        _within("tuning.rank", tuning.rank, rank, for_size, "rank.usual", facts),
        _within("tuning.alpha", tuning.alpha, alpha, "alpha 通常是秩的两倍，在 16–32 之间",
                "alpha.usual"),
        _within("tuning.dropout", tuning.dropout, ranges.dropout(), "dropout 通常在 0–0.02 之间",
                "dropout.usual"),
        _layers(recipe),
    ]  # fmt: skip


def _within(
    key: str, value: float, usual: Range, words: str, says: str,
    facts: Mapping[str, float] | None = None,
) -> Finding:  # fmt: skip
    level: Level = "ok" if usual.holds(value) else "note"
    return Finding(key, level, f"{words}。", value, usual.advised, says, facts or {})


def _layers(recipe: Recipe) -> Finding:
    targets = recipe.tuning.targets
    if targets == "all-linear":
        return Finding("tuning.targets", "ok", "训练全部线性层。", targets, says="targets.all")
    return Finding(
        "tuning.targets", "note", "训练全部线性层通常学得更好。", list(targets), "all-linear",
        "targets.some",
    )  # fmt: skip


def _steps(recipe: Recipe, steps: int) -> Finding:
    batch = recipe.batch * recipe.accumulate
    words = f"一共 {steps:,} 步，每步 {batch} 条"
    facts = {"steps": steps, "batch": batch}
    if steps >= FEW_STEPS:
        return Finding("steps", "ok", f"{words}。", steps, says="steps.enough", facts=facts)
    fewer = max(1, recipe.accumulate * steps // FEW_STEPS)
    if fewer < recipe.accumulate:
        return Finding(
            "accumulate", "note", f"{words}：步数太少，累积 {fewer} 次更合适。",
            recipe.accumulate, fewer, "steps.accumulate", facts | {"fewer": fewer},
        )  # fmt: skip
    return Finding(
        "steps", "note", f"{words}：步数太少，多练几轮才学得动。", steps, FEW_STEPS,
        "steps.few", facts,
    )  # fmt: skip


def _samples(recipe: Recipe, steps: int) -> Finding:
    """Without samples nobody can warn of empty texts and of texts that go round."""
    every = recipe.sample_every
    if 0 < every <= steps:
        return Finding(
            "sample_every", "ok", f"每 {every:,} 步试写一段。", every,
            says="samples.written", facts={"every": every},
        )  # fmt: skip
    return Finding(
        "sample_every", "note",
        "训练中途不试写：写不出字或原地打转，要到练完才看得出来。",
        every, min(recipe.evaluate_every, steps), "samples.none",
    )  # fmt: skip


# What it costs


def _time(seconds: float, told: Cost) -> Finding:
    how = "实测" if told.measured else "估算"
    words = f"约 {duration(seconds)}（{how}每秒 {told.tokens_per_second:,.0f} 个词元）"
    facts = {"seconds": seconds, "rate": told.tokens_per_second, "measured": told.measured}
    if seconds > LONG_HOURS * 3600:
        return Finding(
            "seconds", "warn", f"{words}：可以减少轮数、换小一些的底座或用 GPU。", seconds,
            says="time.long", facts=facts,
        )  # fmt: skip
    return Finding("seconds", "ok", f"{words}。", seconds, says="time.fine", facts=facts)


def _memory(told: Cost, machine: Machine) -> Finding:
    how = "实测" if told.measured else "估算"
    where = "显存" if machine.device == "cuda" else "内存"
    words = (
        f"{how}{where}最多用 {told.peak_bytes / GIB:.1f} GiB，现有 {machine.memory / GIB:.1f} GiB"
    )
    peak = round(told.peak_bytes)
    facts = {"peak": peak, "memory": machine.memory, "device": machine.device,
             "measured": told.measured}  # fmt: skip
    if told.peak_bytes > machine.memory:
        return Finding(
            "peak_memory_bytes", "stop" if told.measured else "warn",
            f"{words}：放不下，请调小 batch 或 length，或打开 checkpoint_activations。",
            peak, says="memory.over", facts=facts,
        )  # fmt: skip
    if told.peak_bytes > 0.85 * machine.memory:
        return Finding(
            "peak_memory_bytes", "warn", f"{words}：很紧，请先关掉别的程序。", peak,
            says="memory.tight", facts=facts,
        )  # fmt: skip
    return Finding("peak_memory_bytes", "ok", f"{words}。", peak, says="memory.fine", facts=facts)


def duration(seconds: float) -> str:
    """“3 小时 20 分钟”, “12 分钟”, “40 秒”."""
    if seconds < 90:
        return f"{max(1, round(seconds))} 秒"
    minutes = round(seconds / 60)
    hours, left = divmod(minutes, 60)
    if not hours:
        return f"{minutes} 分钟"
    return f"{hours} 小时 {left} 分钟" if left else f"{hours} 小时"
