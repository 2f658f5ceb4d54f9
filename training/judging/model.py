"""The weights that are judged, loaded once: a base, and what tuning made of it.

An adapter is put on and taken off the same base; a wholly tuned model is one of its own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import MissingBase
from training.tuning.base import best_device, computes_bf16, load_tokenizer
from training.tuning.template import ServedTemplate

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Model:
    """A causal language model, in evaluation mode, with its adapter on or off."""

    causal: Any
    tokenizer: "PreTrainedTokenizerBase"
    stops: tuple[int, ...]
    bare: bool
    """Whether an adapter that it carries is to be left out."""

    @cached_property
    def template(self) -> ServedTemplate:
        """Raises MissingBase where the base cannot converse."""
        return ServedTemplate(self.tokenizer, self.stops)

    @property
    def device(self) -> "torch.device":
        device: torch.device = self.causal.device
        return device

    @contextmanager
    def acting(self) -> Iterator[Any]:
        """The causal model without gradients, its adapter as `bare` says."""
        import torch

        off = self.bare and hasattr(self.causal, "disable_adapter")
        with torch.inference_mode(), self.causal.disable_adapter() if off else nullcontext():
            yield self.causal


def load_template(base: Path) -> ServedTemplate:
    """What makes tokens of conversations, without the weights. Raises MissingBase."""
    return ServedTemplate(*load_tokenizer(base))


def load_pair(base: Path, tuned: Path | None, dtype: str = "auto") -> tuple[Model, Model | None]:
    """(base, tuned): `tuned` is a folder with an adapter or with a whole model, or None.

    `dtype` as in a recipe. Raises MissingBase where a folder holds no model.
    """
    speech, causal = load_tokenizer(base), _load(base, dtype)
    if tuned is None:
        return Model(causal, *speech, bare=True), None
    if (tuned / "adapter_config.json").is_file():
        from peft import PeftModel

        causal = PeftModel.from_pretrained(causal, tuned).eval()
        return Model(causal, *speech, bare=True), Model(causal, *speech, bare=False)
    whole = Model(_load(tuned, dtype), *load_tokenizer(tuned), bare=True)
    return Model(causal, *speech, bare=True), whole


def _load(folder: Path, dtype: str) -> Any:
    """The weights as they are served, whatever is trained of them in full precision."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    device = best_device()
    small = computes_bf16(device) if dtype == "auto" else dtype == "bf16"
    try:
        causal: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.bfloat16 if small else torch.float32
        )
    except (OSError, ValueError, KeyError) as error:
        raise MissingBase(f"{folder} 里的模型载入不了：{error}") from error
    return causal.to(device).eval()


def right_padded(rows: Sequence[Sequence[int]], fill: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """ids and attention mask, [rows, longest]."""
    import torch

    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), fill, dtype=torch.long)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = torch.as_tensor(tokens, dtype=torch.long)
        mask[row, : len(tokens)] = 1
    return ids, mask
