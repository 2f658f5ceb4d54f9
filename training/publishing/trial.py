"""An adapter tried out on its base, in this process: it loads, and the base says other things.

PEFT puts it on; greedy answers with and without it stand side by side. Takes the base's memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from training.errors import MissingBase, NotServable
from training.findings import Finding
from training.judging.model import Model, load_pair

if TYPE_CHECKING:
    from torch import Tensor

PROMPTS = ("雨停了，接着写下去。", "你是谁？", "用一句话写出渡口的傍晚。")


@dataclass(frozen=True, slots=True)
class Sample:
    prompt: str
    base: str
    adapted: str


@dataclass(frozen=True, slots=True)
class Trial:
    """`difference` is the largest change of a logit after the prompts' last tokens."""

    difference: float
    finite: bool
    samples: tuple[Sample, ...]


def try_out(
    adapter: Path, base: Path, prompts: Sequence[str] = PROMPTS, *, tokens: int = 32,
    dtype: str = "auto",
) -> Trial:  # fmt: skip
    """Raises MissingBase for another base's adapter, NotServable for one that PEFT cannot load."""
    try:
        plain, adapted = load_pair(base, adapter, dtype)
    except (RuntimeError, KeyError, ValueError) as error:
        raise NotServable(
            f"PEFT 不能把适配器 {adapter.name} 装到 {base.name} 上：{error}"
        ) from error
    if adapted is None:
        raise NotServable(f"{adapter} 里没有适配器。")
    differences, finite, samples = [], True, []
    for prompt in prompts:
        ids = _ids(plain, prompt)
        before, after = _last_logits(plain, ids), _last_logits(adapted, ids)
        finite = finite and bool(after.isfinite().all())
        differences.append(float((after - before).abs().max()))
        samples.append(Sample(prompt, _said(plain, ids, tokens), _said(adapted, ids, tokens)))
    return Trial(max(differences), finite, tuple(samples))


def findings(trial: Trial) -> list[Finding]:
    """What the trial shows."""
    changed = sum(each.base != each.adapted for each in trial.samples)
    told = f"{len(trial.samples)} 个样例里有 {changed} 个的回答与底座不同"
    if not trial.finite:
        return [Finding("trial", "stop", "它让模型算出不是数的值。", None)]
    if not trial.difference:
        return [Finding("trial", "stop", "它没有改变模型的任何输出。", 0.0)]
    if not changed:
        hint = "它学得太少，可以多练几轮或调大学习率"
        return [Finding("trial", "warn", f"{told}：{hint}。", changed)]
    return [Finding("trial", "ok", f"{told}。", changed)]


def _ids(model: Model, prompt: str) -> list[int]:
    """As a conversation where the base can converse, else as the text it is."""
    try:
        return model.template.prompt([{"role": "user", "content": prompt}])
    except MissingBase:
        ids: list[int] = model.tokenizer.encode(prompt, add_special_tokens=False)
        return ids


def _last_logits(model: Model, ids: list[int]) -> "Tensor":
    """[vocabulary], of the guess after the last token."""
    import torch

    with model.acting() as causal:
        logits = causal(input_ids=torch.tensor([ids], device=model.device)).logits
    last: Tensor = logits[0, -1].float()
    return last


def _said(model: Model, ids: list[int], tokens: int) -> str:
    import torch

    given = torch.tensor([ids], device=model.device)
    fill = model.tokenizer.pad_token_id or model.tokenizer.eos_token_id or 0
    with model.acting() as causal:
        written = causal.generate(
            input_ids=given,
            attention_mask=torch.ones_like(given),
            max_new_tokens=tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=fill,
        )
    return str(model.tokenizer.decode(written[0, len(ids) :], skip_special_tokens=True))
