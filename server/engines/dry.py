"""DRY: a token is made the less likely the longer the stretch that it would repeat.

Where the last n tokens stand earlier in the text, the token that followed them there loses
`multiplier * base ** (n - allowed)` of its logit, from n = `allowed` on (p-e-w, "DRY: a modern
repetition penalty", text-generation-webui #5677, 2024; the defaults are llama.cpp's). Unlike a
repetition penalty it leaves single words alone, and it does not look at the prompt but for its
end: names that retrieval put there cost nothing. Names that are told cost nothing anywhere, and
no stretch counts across a line's end, a quotation mark or a name.

Loaded by vLLM itself (`--logits-processors`), in its worker process; asked for by a request's
`vllm_xargs`: `dry_multiplier` (0 or absent: off), `dry_names`, `dry_prompt_tokens`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from vllm import SamplingParams
from vllm.config import VllmConfig
from vllm.tokenizers import cached_tokenizer_from_config
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor
from vllm.v1.sample.logits_processor.builtin import process_dict_updates

BASE = 1.75
ALLOWED = 2
"""Tokens that may be repeated before it costs anything."""
LONGEST = 40
"""Beyond this the penalty has no rival left; it keeps the power finite."""
BREAKERS = '\n“”「」『』"：:'


class Repeats:
    """For each place of the text so far, how many of its tokens end as the text ends.

    One token costs O(text), in NumPy: some 5 µs at 4,000 tokens.
    """

    def __init__(self, breakers: frozenset[int]) -> None:
        self._breakers = breakers
        self._tokens = np.empty(256, np.int64)
        self._lengths = np.zeros(256, np.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def push(self, token: int) -> None:
        if self._count == len(self._tokens):
            self._tokens = np.concatenate([self._tokens, np.empty_like(self._tokens)])
            self._lengths = np.concatenate([self._lengths, np.zeros_like(self._lengths)])
        past, lengths = self._tokens[: self._count], self._lengths[: self._count]
        if token in self._breakers:
            lengths[:] = 0
        else:
            # The stretch that ended one place earlier is one longer now, or broken.
            longer = np.concatenate([[0], lengths[:-1]]) + 1 if self._count else lengths
            lengths[:] = np.where(past == token, longer, 0)
        self._tokens[self._count] = token
        self._lengths[self._count] = 0
        self._count += 1

    def continued(self, least: int) -> tuple[np.ndarray, np.ndarray]:
        """(tokens that would go on with a stretch of at least `least`, the stretches' lengths)."""
        at = np.flatnonzero(self._lengths[: max(self._count - 1, 0)] >= least)
        return self._tokens[at + 1], self._lengths[at]


@dataclass(slots=True)
class Watched:
    """A request that asked for it."""

    multiplier: float
    written: list[int]
    """vLLM's own list, which grows."""
    repeats: Repeats
    free: frozenset[int]
    taken: int = 0

    def penalties(self) -> dict[int, float]:
        """What each token loses now."""
        for token in self.written[self.taken :]:
            if token < 0:  # still being drawn, with asynchronous scheduling
                break
            self.repeats.push(token)
            self.taken += 1
        longest: dict[int, int] = {}
        tokens, lengths = self.repeats.continued(ALLOWED)
        for token, length in zip(tokens.tolist(), lengths.tolist(), strict=True):
            if token not in self.free:
                longest[token] = max(length, longest.get(token, 0))
        return {
            token: self.multiplier * BASE ** (min(length, LONGEST) - ALLOWED)
            for token, length in longest.items()
        }


class DryProcessor(LogitsProcessor):
    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Raises ValueError, which vLLM answers with 400."""
        args = sampling_params.extra_args or {}
        multiplier, names = args.get("dry_multiplier", 0), args.get("dry_names", [])
        reach = args.get("dry_prompt_tokens", 0)
        if not isinstance(multiplier, int | float) or not 0 <= multiplier <= 100:
            raise ValueError(f"dry_multiplier must be 0 to 100, got {multiplier!r}")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("dry_names must be a list of strings")
        if not isinstance(reach, int) or reach < 0:
            raise ValueError(f"dry_prompt_tokens must be 0 or more, got {reach!r}")

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:  # noqa: ARG002
        self._tokenizer = cached_tokenizer_from_config(vllm_config.model_config)
        self._breakers = frozenset(self._with_any(BREAKERS))
        self._watched: dict[int, Watched] = {}

    def is_argmax_invariant(self) -> bool:
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        process_dict_updates(self._watched, batch_update, self._watch)

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        for row, watched in self._watched.items():
            if lost := watched.penalties():
                tokens = torch.tensor(list(lost), device=logits.device)
                amounts = torch.tensor(list(lost.values()), device=logits.device)
                logits[row, tokens] -= amounts.to(logits.dtype)
        return logits

    def _watch(
        self, params: SamplingParams, prompt: list[int] | None, written: list[int]
    ) -> Watched | None:
        args: dict[str, Any] = params.extra_args or {}
        if not args.get("dry_multiplier"):
            return None
        free = self._tokens_of(args.get("dry_names", []))
        repeats = Repeats(self._breakers | free)
        reach = args.get("dry_prompt_tokens", 0)
        for token in (prompt or [])[-reach:] if reach else []:
            repeats.push(token)
        return Watched(float(args["dry_multiplier"]), written, repeats, free)

    def _tokens_of(self, names: Iterable[str]) -> frozenset[int]:
        return frozenset(
            token
            for name in names
            for token in self._tokenizer.encode(name, add_special_tokens=False)
        )

    def _with_any(self, letters: str) -> list[int]:
        """The tokens that hold one of `letters`, compared as the vocabulary spells them."""
        spelt = [self._spelt(letter) for letter in letters]
        return [
            id for word, id in self._tokenizer.get_vocab().items() if any(s in word for s in spelt)
        ]

    def _spelt(self, letter: str) -> str:
        ids = self._tokenizer.encode(letter, add_special_tokens=False)
        return "".join(self._tokenizer.convert_ids_to_tokens(ids)).lstrip("▁")
