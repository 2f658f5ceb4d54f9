"""What the model writes while it is being trained, beside what the base writes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from training.tuning.adapters import without_adapter
from training.tuning.batches import Judged, Row
from training.tuning.config import Recipe
from training.tuning.masks import Example
from training.tuning.template import ServedTemplate, tokens

FROM_DATA = 2
"""Prompts taken from what is held out where the recipe names none."""
BEGINNING = 64
"""Tokens of a held-out text that continued pre-training goes on from."""


@dataclass(frozen=True, slots=True)
class Prompt:
    text: str
    ids: list[int]


@dataclass(frozen=True, slots=True)
class Sample:
    prompt: str
    text: str
    """The likeliest token every time."""
    sampled: str
    """Drawn at temperature 0.8, top-p 0.9, with the same seed every time."""


def choose_prompts(
    recipe: Recipe, tokenizer: Any, stops: Sequence[int], rows: Sequence[Row]
) -> list[Prompt]:
    """The recipe's, or the beginnings of `rows`. A chat prompt is asked with the recipe's own
    system, where it names one."""
    if not recipe.sample_prompts:
        return [_from_row(row, recipe, tokenizer) for row in rows[:FROM_DATA]]
    if recipe.method == "pretrain":
        return [Prompt(text, tokens(tokenizer, text)) for text in recipe.sample_prompts]
    template = ServedTemplate(tokenizer, stops)
    system = [{"role": "system", "content": recipe.own_system}] if recipe.own_system else []
    return [
        Prompt(text, template.prompt([*system, {"role": "user", "content": text}]))
        for text in recipe.sample_prompts
    ]


def _from_row(row: Row, recipe: Recipe, tokenizer: Any) -> Prompt:
    example: Example = (row.answers if isinstance(row, Judged) else row)[0]
    until = BEGINNING if recipe.method == "pretrain" else int(example.learned.argmax())
    ids = example.ids[:until].tolist()
    return Prompt(str(tokenizer.decode(ids)), ids)


@dataclass(slots=True)
class Sampler:
    """`bases` are the base's own texts for the same prompts: made once, for they never change."""

    tokenizer: Any
    stops: Sequence[int]
    prompts: Sequence[Prompt]
    length: int
    bf16: bool
    bases: list[Sample] = field(default_factory=list)

    def write(self, model: Any) -> list[Sample]:
        """One for each prompt; training's random numbers are left as they were."""
        was_training = model.training
        model.eval()
        device = next(model.parameters()).device
        try:
            with (
                torch.no_grad(),
                torch.random.fork_rng([device] if device.type == "cuda" else []),
                torch.autocast(device.type, torch.bfloat16, enabled=self.bf16),
            ):
                return [self._one(model, prompt, device) for prompt in self.prompts]
        finally:
            model.train(was_training)

    def write_base(self, model: Any) -> list[Sample]:
        """With the adapter taken off; of a model tuned whole, before its first step."""
        if not self.bases:
            if hasattr(model, "disable_adapter"):
                with without_adapter(model):
                    self.bases = self.write(model)
            else:
                self.bases = self.write(model)
        return self.bases

    def _one(self, model: Any, prompt: Prompt, device: torch.device) -> Sample:
        ids = torch.tensor([prompt.ids], device=device)
        how = {
            "max_new_tokens": self.length,
            "eos_token_id": list(self.stops),
            "pad_token_id": self.stops[0],
            "attention_mask": torch.ones_like(ids),
        }
        greedy = model.generate(ids, do_sample=False, temperature=None, top_p=None, top_k=None,
                                **how)  # fmt: skip
        torch.manual_seed(0)
        drawn = model.generate(ids, do_sample=True, temperature=0.8, top_p=0.9, top_k=0, **how)
        texts = [self._text(found[0, ids.shape[1] :]) for found in (greedy, drawn)]
        return Sample(prompt.text, *texts)

    def _text(self, ids: torch.Tensor) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))
