"""The likelihood of given tokens without the logits of all the others.

A model's own forward makes a number for every token of the vocabulary at every position: for
Qwen's 152,000, most of a small model's memory. `attach` gives it a second way through: with
`scored=True` only the positions whose label counts reach the output head, a few hundred at a
time, and what comes out is the log-likelihood of their labels.
"""

import functools
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers.integrations.deepspeed import is_deepspeed_zero3_enabled
from transformers.utils.generic import ModelOutput

from training.tuning.batches import IGNORED

BYTES_AT_ONCE = 128 * 2**20
"""Of logits in float32; more at once is no faster."""

_ODD_HEADS = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
"""Settings of models that do more to their logits than a matrix product."""


@dataclass
class Scored(ModelOutput):
    """`log_probs` (batch, length − 1): of each next token; 0 where its label does not count."""

    log_probs: Tensor | None = None


def attach(model: torch.nn.Module) -> None:
    """After this `model(input_ids=…, labels=…, scored=True)` returns `Scored`.

    The forward itself is changed, not wrapped from outside: FSDP and DeepSpeed gather the head's
    weights only inside of it. Give it the model before PEFT does.
    """
    plain = model.forward

    # `generate` reads the signature to see what it may pass on.
    @functools.wraps(type(model).forward)
    def forward(self: Any, *args: Any, scored: bool = False, **given: Any) -> Any:
        if not scored:
            return plain(*args, **given)
        labels = given.pop("labels")[:, 1:]
        if not _is_plain(self):
            logits = plain(*args, **given, use_cache=False).logits[:, :-1]
            return Scored(_gathered(logits, labels))
        hidden = self.base_model(*args, **given, use_cache=False).last_hidden_state
        return Scored(_log_probs(self.get_output_embeddings(), hidden[:, :-1], labels))

    model.forward = types.MethodType(forward, model)


def _is_plain(model: Any) -> bool:
    """Whether the logits are one matrix product and nothing else."""
    config, head = model.config.get_text_config(), model.get_output_embeddings()
    is_linear = isinstance(head, torch.nn.Linear) and head.weight.is_floating_point()
    return is_linear and not any(getattr(config, name, None) for name in _ODD_HEADS)


def _gathered(logits: Tensor, labels: Tensor) -> Tensor:
    counts = labels != IGNORED
    log_probs = functional.log_softmax(logits.float(), -1)
    return log_probs.gather(-1, labels.clamp(min=0)[..., None])[..., 0].masked_fill(~counts, 0)


def _log_probs(head: torch.nn.Linear, hidden: Tensor, labels: Tensor) -> Tensor:
    counts = labels != IGNORED
    weight: Any = head.weight
    bias: Any = head.bias
    if hasattr(weight, "full_tensor"):  # FSDP2 leaves a head of its own in shards
        weight = weight.full_tensor()
        bias = None if bias is None else bias.full_tensor()
    with _gathered_by_deepspeed(weight, bias):
        found: Tensor = _LogProbs.apply(  # type: ignore[no-untyped-call]
            hidden[counts], weight, bias, labels[counts]
        )
    # Connected to the model even where nothing counts: a batch without answers is a zero.
    return found.new_zeros(counts.shape).masked_scatter(counts, found)


@contextmanager
def _gathered_by_deepspeed(*parameters: Any) -> Iterator[None]:
    """ZeRO-3 gathers a layer's weights when the layer is called; here only its weight is used."""
    if not is_deepspeed_zero3_enabled():  # type: ignore[no-untyped-call]
        yield
        return
    import deepspeed

    with deepspeed.zero.GatheredParameters([each for each in parameters if each is not None]):
        yield


class _LogProbs(torch.autograd.Function):
    """log p(target) (n,) from hidden states (n, d) and the head's weight (vocabulary, d).

    d log p(t) / d h = W[t] − Σ p·W: both products are at hand going forward, so while the head is
    frozen (every adapter) nothing is computed twice and nothing of the logits is kept. Where it
    is trained, going back makes the logits again, for its gradient needs the loss's.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor
    ) -> Tensor:
        hidden = hidden.to(_product_dtype(hidden))
        factor = weight.detach().to(hidden.dtype)
        ctx.trains_head = weight.requires_grad
        slopes = torch.empty_like(hidden) if _wants_slopes(ctx) else None
        found = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
        for at in _spans(hidden, weight):
            logits = _logits(hidden[at], factor, bias)
            top = logits.amax(-1)
            own = logits[_rows(logits), targets[at]] - top
            # In place, and divided by their sum only when they are few again.
            shares = logits.sub_(top[:, None]).exp_()
            total = shares.sum(-1)
            found[at] = own - total.log()
            if slopes is not None:
                expected = (shares.to(factor.dtype) @ factor) / total[:, None]
                slopes[at] = factor[targets[at]] - expected
        if slopes is not None:
            ctx.save_for_backward(slopes)
        elif ctx.trains_head:
            ctx.save_for_backward(hidden, weight, bias, targets)
        return found

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        grad = grads[0]
        if not ctx.trains_head:
            (slopes,) = ctx.saved_tensors
            return slopes * grad[:, None].to(slopes.dtype), None, None, None
        hidden, weight, bias, targets = ctx.saved_tensors
        factor = weight.detach().to(hidden.dtype)
        to_hidden = torch.empty_like(hidden)
        to_weight = torch.zeros_like(weight, dtype=torch.float32)
        to_bias = None if bias is None else torch.zeros_like(bias, dtype=torch.float32)
        for at in _spans(hidden, weight):
            slope = _logits(hidden[at], factor, bias).softmax(-1).neg_()
            slope[_rows(slope), targets[at]] += 1
            slope.mul_(grad[at][:, None])
            small = slope.to(hidden.dtype)
            to_hidden[at] = small @ factor
            to_weight += small.t() @ hidden[at]
            if to_bias is not None:
                to_bias += slope.sum(0)
        return to_hidden, to_weight.to(weight.dtype), to_bias, None


def _wants_slopes(ctx: Any) -> bool:
    return bool(ctx.needs_input_grad[0]) and not ctx.trains_head


def _product_dtype(hidden: Tensor) -> torch.dtype:
    """Autograd functions run outside of autocast's reach: what it would choose is chosen here."""
    device = hidden.device.type
    if torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return hidden.dtype


def _spans(hidden: Tensor, weight: Tensor) -> list[slice]:
    step = max(16, BYTES_AT_ONCE // (4 * weight.shape[0]))
    return [slice(at, min(at + step, len(hidden))) for at in range(0, len(hidden), step)]


def _logits(hidden: Tensor, factor: Tensor, bias: Tensor | None) -> Tensor:
    """(n, vocabulary) in float32."""
    bias = None if bias is None else bias.to(hidden.dtype)
    return functional.linear(hidden, factor, bias).float()


def _rows(logits: Tensor) -> Tensor:
    return torch.arange(len(logits), device=logits.device)
