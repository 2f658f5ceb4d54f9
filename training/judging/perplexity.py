"""Perplexity of held-out items: how surprised a model is by what a person wrote.

By token it compares models with one vocabulary, by character any two. The end of an answer or
text counts as a token (a model that does not know when to stop is the worse for it), not as a
character.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.evaluate import Interval
from training.judging.likelihood import Likelihood
from training.judging.model import Model
from training.tuning import masks
from training.tuning.config import Recipe
from training.tuning.masks import Example
from training.types import Chat, Item, Text


@dataclass(frozen=True, slots=True)
class Weighed:
    """What of an item is looked at: examples, and the characters that are guessed in them."""

    examples: tuple[Example, ...]
    characters: int


@dataclass(frozen=True, slots=True)
class Perplexity:
    """Over all items together; `nats` has each item's −log p. 0 items: infinite."""

    per_token: float
    per_character: float
    tokens: int
    nats: tuple[float, ...]


def weigh(items: Iterable[Item], model: Model, recipe: Recipe) -> tuple[list[Weighed], int]:
    """The items that can be weighed, and how many cannot: too long, or nothing to guess.

    Conversations are made to tokens as tuning and serving make them, `recipe.system` and all.
    Raises MissingBase for conversations with a base that has no chat template.
    """
    found, refused = [], 0
    for item in items:
        try:
            examples = _examples(item, model, recipe)
        except masks.Refused:
            refused += 1
            continue
        guessed = np.concatenate([each.ids[1:][each.learned[1:]] for each in examples])
        text = model.tokenizer.decode(guessed.tolist(), skip_special_tokens=True)
        found.append(Weighed(tuple(examples), len(text)))
    return found, refused


def _examples(item: Item, model: Model, recipe: Recipe) -> list[Example]:
    if isinstance(item, Text):
        return masks.pieces(item, model.tokenizer, recipe.length)
    if isinstance(item, Chat):
        found = masks.conversation(item, model.template, recipe)
    else:
        chosen = masks.preference(item, model.template, recipe).chosen
        found = [] if chosen is None else [chosen]
    if not found:
        raise masks.Refused("没有选中的回答")
    return [masks.fit(each, recipe.length, "refuse") for each in found]


def perplexity(items: Sequence[Weighed], found: Iterable[Likelihood]) -> Perplexity:
    """`found` are the likelihoods of the items' examples, in their order."""
    of_example = iter(found)
    by_item = [[next(of_example) for _ in item.examples] for item in items]
    nats = [sum(each.nats for each in one) for one in by_item]
    tokens = sum(each.tokens for one in by_item for each in one)
    total, characters = sum(nats), sum(item.characters for item in items)
    return Perplexity(
        per_token=math.exp(total / tokens) if tokens else math.inf,
        per_character=math.exp(total / characters) if characters else math.inf,
        tokens=tokens,
        nats=tuple(nats),
    )


def gain(base: Perplexity, tuned: Perplexity, items: Sequence[Weighed], seed: int = 0) -> Interval:
    """Nats a character that the tuned model needs less, and its 95 % bootstrap interval over
    items: both sums are drawn together, for long items weigh more."""
    saved = np.array(base.nats) - np.array(tuned.nats)
    characters = np.array([item.characters for item in items], np.float64)
    n = len(items)
    drawn = np.random.default_rng(seed).multinomial(n, [1 / n] * n, size=10_000)
    ratios = (drawn @ saved) / np.maximum(drawn @ characters, 1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Interval(float(saved.sum() / max(characters.sum(), 1)), float(low), float(high))
