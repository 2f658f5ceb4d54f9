"""What a batch costs, by method: the mean over learned tokens, DPO, KTO.

The formulas of preference tuning are TRL's (tests hold ours against its trainers on the same
batches); they stand here on likelihoods of learned tokens alone, so that all methods share one
way through the model, one reference and one resume.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from training.tuning.batches import IGNORED, STRANGE
from training.tuning.config import PreferenceLoss, Recipe

Batch = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Loss:
    """`total` is a sum over the batch's `count` things (learned tokens, pairs, answers): batches
    are added up before they are divided, so how rows fall into batches makes no difference."""

    total: Tensor
    facts: dict[str, Tensor] = field(default_factory=dict)
    """Sums over the same things, to be watched."""


def log_likelihoods(model: Any, batch: Batch) -> Tensor:
    """(rows, length − 1): of each next token, 0 where it does not count."""
    inputs = {name: batch[name] for name in ("input_ids", "position_ids") if name in batch}
    found: Tensor = model(**inputs, labels=batch["labels"], scored=True).log_probs
    return found


class NextToken:
    """−log p of every learned token."""

    def __call__(self, model: Any, batch: Batch) -> Loss:
        return Loss(-log_likelihoods(model, batch).sum())


@dataclass(frozen=True, slots=True)
class Dpo:
    """−log σ(β(Δ chosen − Δ rejected)), Δ: how much likelier than before training (R. Rafailov
    et al., 2023, eq. 7), and `sft_weight` times the mean −log p of the chosen answer's tokens
    (R. Y. Pang et al., 2024, eq. 1)."""

    settings: PreferenceLoss

    def __call__(self, model: Any, batch: Batch) -> Loss:
        found = log_likelihoods(model, batch)
        chosen, rejected = (found.sum(1) - batch["reference"]).chunk(2)
        margins = self.settings.beta * (chosen - rejected)
        costs = (
            -functional.logsigmoid(margins)
            + self.settings.sft_weight * _means(found, batch).chunk(2)[0]
        )
        facts = {"margin": margins.detach().sum(), "accuracy": (margins > 0).sum()}
        return Loss(costs.sum(), facts)


@dataclass(frozen=True, slots=True)
class Kto:
    """1 − σ(±β(Δ − z)) for a chosen or refused answer, z: the mean Δ of answers that belong to
    other prompts, at least 0 (K. Ethayarajh et al., 2024, eq. 8), and `Dpo`'s second term."""

    settings: PreferenceLoss

    def __call__(self, model: Any, batch: Batch) -> Loss:
        wanted, settings = batch["desirable"], self.settings
        with torch.no_grad():
            strange = strangers_of(batch)
            drift = log_likelihoods(model, strange).sum(1) - strange["reference"]
            drift = _mean_of_all(drift).clamp(min=0)
        found = log_likelihoods(model, batch)
        gains = found.sum(1) - batch["reference"]
        costs = 1 - torch.sigmoid(settings.beta * torch.where(wanted, 1, -1) * (gains - drift))
        weights = torch.where(wanted, settings.desirable_weight, settings.undesirable_weight)
        total = (weights * costs + settings.sft_weight * wanted * _means(found, batch)).sum()
        margins = settings.beta * torch.where(wanted, 1, -1) * gains.detach()
        return Loss(total, {"margin": margins.sum(), "accuracy": (margins > 0).sum()})


LossOf = NextToken | Dpo | Kto


def loss_of(recipe: Recipe) -> LossOf:
    by_preference: dict[str, LossOf] = {
        "dpo": Dpo(recipe.preference),
        "kto": Kto(recipe.preference),
    }
    return by_preference.get(recipe.method, NextToken())


def _means(found: Tensor, batch: Batch) -> Tensor:
    """(rows,): the mean −log p of each row's learned tokens."""
    return -found.sum(1) / (batch["labels"][:, 1:] != IGNORED).sum(1).clamp(min=1)


def strangers_of(batch: Batch) -> Batch:
    """KTO's answers to other prompts, as a batch of their own."""
    return {
        name.removeprefix(STRANGE): each for name, each in batch.items() if name.startswith(STRANGE)
    }


def _mean_of_all(values: Tensor) -> Tensor:
    """Over the batches of every process."""
    from accelerate.utils import reduce

    told: Tensor = reduce(values.mean(), "mean")
    return told
