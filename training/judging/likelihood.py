"""How likely a model finds given answers: the sum that perplexity and choices are made of.

Logits are made for the counted tokens alone, a few hundred rows at a time: for a vocabulary of
150,000, those of every token of a batch would take gigabytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from training.judging.model import Model, right_padded
from training.tuning.masks import Example
from training.types import Progress

TOKENS = 8192
"""Tokens of one batch, padding counted."""
ROWS = 512
"""Rows of logits at once."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """`nats` is −log p of all `tokens` that counted."""

    nats: float
    tokens: int


def likelihoods(
    model: Model, examples: Sequence[Example], progress: Progress | None = None
) -> Iterator[tuple[int, Likelihood]]:
    """(place of the example, how likely the tokens are that it says are learned), as each batch
    is done."""
    done = 0
    for batch in _batches(examples):
        with model.acting():
            found = _of_batch(model, [examples[place] for place in batch])
        yield from zip(batch, found, strict=True)
        done += len(batch)
        if progress:
            progress(done, len(examples))


def _batches(examples: Sequence[Example]) -> Iterator[list[int]]:
    """Places of examples, those of about the same length together, longest first."""
    batch: list[int] = []
    for place in sorted(range(len(examples)), key=lambda at: -len(examples[at])):
        longest = len(examples[batch[0]]) if batch else 0
        if batch and longest * (len(batch) + 1) > TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _of_batch(model: Model, examples: Sequence[Example]) -> list[Likelihood]:
    import torch

    causal = model.causal
    if hasattr(causal, "get_base_model"):
        causal = causal.get_base_model()
    ids, mask = right_padded([each.ids.tolist() for each in examples], fill=0)
    counted = torch.zeros_like(mask, dtype=torch.bool)
    for row, each in enumerate(examples):
        counted[row, : len(each)] = torch.from_numpy(each.learned)
    ids, mask, counted = (each.to(model.device) for each in (ids, mask, counted))
    states = causal.get_decoder()(input_ids=ids, attention_mask=mask, use_cache=False)
    guessing = counted[:, 1:]
    rows = states.last_hidden_state[:, :-1][guessing]
    targets = ids[:, 1:][guessing]
    head = causal.get_output_embeddings()
    losses = [
        torch.nn.functional.cross_entropy(head(part).float(), wanted, reduction="none")
        for part, wanted in zip(torch.split(rows, ROWS), torch.split(targets, ROWS), strict=True)
    ]
    of_row = guessing.nonzero()[:, 0]
    sums = torch.zeros(len(examples), dtype=torch.float64, device=model.device)
    sums.index_add_(0, of_row, torch.cat(losses).double())
    counts = guessing.sum(dim=1)
    return [Likelihood(nats, n) for nats, n in zip(sums.tolist(), counts.tolist(), strict=True)]
