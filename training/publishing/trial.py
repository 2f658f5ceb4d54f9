"""An adapter tried out on its base, in this process: it loads, and the base says other things.

PEFT puts it on; greedy answers with and without it stand side by side. Takes the base's memory.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from training.errors import MissingBase, NotServable
from training.findings import Finding
from training.publishing.merge import load_base
from training.tuning.base import best_device, computes_bf16, load_tokenizer
from training.tuning.template import ServedTemplate

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
    adapter: Path,
    base: Path,
    prompts: Sequence[str] = PROMPTS,
    *,
    tokens: int = 32,
    dtype: Literal["auto", "bfloat16", "float32"] = "auto",
) -> Trial:
    """Raises MissingBase for a base that is not there, NotServable for an adapter that PEFT
    cannot put on it."""
    tried = _Tried(adapter, base, dtype)
    differences, finite, samples = [], True, []
    for prompt in prompts:
        ids = tried.ids(prompt)
        before, after = tried.last_logits(ids, False), tried.last_logits(ids, True)
        finite = finite and bool(after.isfinite().all())
        differences.append(float((after - before).abs().max()))
        samples.append(
            Sample(prompt, tried.said(ids, tokens, False), tried.said(ids, tokens, True))
        )
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


class _Tried:
    """The base with the adapter on or off."""

    def __init__(self, adapter: Path, base: Path, dtype: str) -> None:
        from peft import PeftModel

        device = best_device()
        if dtype == "auto":
            dtype = "bfloat16" if computes_bf16(device) else "float32"
        self._tokenizer, stops = load_tokenizer(base)
        try:
            model = PeftModel.from_pretrained(load_base(base, dtype), adapter)
        except (RuntimeError, KeyError, ValueError) as error:
            raise NotServable(
                f"PEFT 不能把适配器 {adapter.name} 装到 {base.name} 上：{error}"
            ) from error
        self._model: Any = model.to(device).eval()
        try:
            self._template: ServedTemplate | None = ServedTemplate(self._tokenizer, stops)
        except MissingBase:  # a base that only goes on with texts
            self._template = None

    def ids(self, prompt: str) -> list[int]:
        """As a conversation where the base can converse, else as the text it is."""
        if self._template is not None:
            return self._template.prompt([{"role": "user", "content": prompt}])
        found: list[int] = self._tokenizer.encode(prompt, add_special_tokens=False)
        return found

    def last_logits(self, ids: list[int], adapted: bool) -> "Tensor":
        """[vocabulary], of the guess after the last token."""
        with self._acting(adapted):
            logits = self._model(input_ids=self._row(ids)).logits
        last: Tensor = logits[0, -1].float()
        return last

    def said(self, ids: list[int], tokens: int, adapted: bool) -> str:
        import torch

        row = self._row(ids)
        fill = self._tokenizer.pad_token_id or self._tokenizer.eos_token_id or 0
        with self._acting(adapted):
            written = self._model.generate(
                input_ids=row,
                attention_mask=torch.ones_like(row),
                max_new_tokens=tokens,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=fill,
            )
        return str(self._tokenizer.decode(written[0, len(ids) :], skip_special_tokens=True))

    def _row(self, ids: list[int]) -> "Tensor":
        import torch

        return torch.tensor([ids], device=self._model.device)

    @contextmanager
    def _acting(self, adapted: bool) -> Iterator[None]:
        import torch

        bare = nullcontext() if adapted else self._model.disable_adapter()
        with torch.inference_mode(), bare:
            yield
