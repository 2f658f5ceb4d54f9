"""Answers to prompts, by the weights in this process. What an engine writes comes from `asking`.

Rows of a batch are drawn together, so a text depends on its batch and the seed: batches are
made of neighbours in the order given, and given again the same prompts give the same texts.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from retrieval.types import Message
from training.judging.model import Model
from training.judging.prompting import prompt_ids
from training.served.client import Sampling, Schema


class Writer(Protocol):
    """Writes answers."""

    @property
    def name(self) -> str:
        """What it is called, for people and for what is kept."""
        ...

    def write(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        schema: Schema | None = None,
    ) -> Iterator[tuple[int, str]]:
        """(place of the prompt, answer), each as it is done; none for a prompt that is refused.
        An engine may hold answers to the schema; nobody may rely on it. Raises
        EngineUnreachable."""
        ...


class LocalWriter:
    """Writes with weights in memory, `batch` prompts at once."""

    name = "本机"

    def __init__(self, model: Model, batch: int = 8) -> None:
        self._model, self._batch = model, batch

    def write(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        schema: Schema | None = None,  # noqa: ARG002  weights alone keep to none
    ) -> Iterator[tuple[int, str]]:
        for start in range(0, len(prompts), self._batch):
            batch = prompts[start : start + self._batch]
            yield from enumerate(self._of_batch(batch, sampling), start)

    def _of_batch(self, prompts: Sequence[Sequence[Message]], sampling: Sampling) -> list[str]:
        import torch

        model = self._model
        asked = [prompt_ids(model.template, messages) for messages in prompts]
        longest = max(map(len, asked))
        stops = sorted(model.template.stops)
        fill = stops[0]
        ids = torch.tensor([[fill] * (longest - len(one)) + one for one in asked])
        mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in asked])
        torch.manual_seed(sampling.seed)
        # The model's own defaults (Qwen: top-k 20, repetition penalty 1.1) are not what the desk's
        # engine samples with.
        drawn: dict[str, Any] = {"do_sample": False, "top_k": None, "top_p": None}
        if sampling.temperature:
            drawn = {"do_sample": True, "top_k": 0, "top_p": sampling.top_p}
        with model.acting() as causal:
            written = causal.generate(
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                max_new_tokens=sampling.tokens,
                eos_token_id=stops,
                pad_token_id=fill,
                temperature=sampling.temperature or None,
                repetition_penalty=1.0,
                **drawn,
            )
        texts: list[str] = model.tokenizer.batch_decode(
            written[:, longest:], skip_special_tokens=True
        )
        return texts
