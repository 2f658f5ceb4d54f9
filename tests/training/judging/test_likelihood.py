"""Likelihood, perplexity and choices, against the model's own loss one example at a time."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.tiny import SENTENCES, chats, make_adapter, preferences, texts
from training.errors import MissingBase
from training.judging import likelihood
from training.judging.likelihood import likelihoods
from training.judging.model import Model, load_pair
from training.judging.perplexity import Perplexity, Weighed, gain, weigh
from training.judging.perplexity import perplexity as perplexity_of
from training.judging.probe import choose, questions
from training.tuning.config import Recipe
from training.tuning.masks import Example
from training.types import Chat, Item, Text, Turn

RECIPE = Recipe.parse({"name": "a", "base": "b", "data": "c", "length": 256})
ITEMS: list[Item] = [*chats(7), *texts(3), *preferences(2)]


def perplexity(model: Model, items: list[Weighed]) -> Perplexity:
    examples = [example for item in items for example in item.examples]
    return perplexity_of(items, [one for _, one in sorted(likelihoods(model, examples))])


def loss_of(model: Model, example: Example) -> float:
    """−log p by the model's own forward pass, nothing cut, nothing padded."""
    ids = torch.tensor([example.ids.tolist()])
    with model.acting() as causal:
        logits = causal(input_ids=ids).logits[0, :-1].float()
    nats = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")
    return float(nats[torch.from_numpy(example.learned[1:])].sum())


@pytest.mark.parametrize("tuned", [False, True])
def test_batches_change_nothing(pair, tuned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = pair[tuned]
    items, refused = weigh(ITEMS, model, RECIPE)
    examples = [example for item in items for example in item.examples]
    assert not refused
    assert len({len(each) for each in examples}) > 5
    monkeypatch.setattr(likelihood, "TOKENS", 150)
    monkeypatch.setattr(likelihood, "ROWS", 7)
    told: list[tuple[object, ...]] = []
    found = dict(likelihoods(model, examples, lambda *how_far: told.append(how_far)))
    assert sorted(found) == list(range(len(examples)))
    for place, example in enumerate(examples):
        one = found[place]
        assert one.tokens == example.targets
        assert one.nats == pytest.approx(loss_of(model, example), rel=1e-4)
    assert told[-1] == (len(examples), len(examples))
    assert len(told) > 3


def test_the_adapter_is_on_for_one_and_off_for_the_other(pair) -> None:
    base, tuned = pair
    items, _ = weigh(ITEMS, base, RECIPE)
    plain = perplexity(load_pair_alone(base), items)
    assert perplexity(base, items).nats == pytest.approx(plain.nats, rel=1e-5)
    assert perplexity(tuned, items).nats != pytest.approx(plain.nats, rel=1e-2)


def load_pair_alone(model: Model) -> Model:
    folder = Path(model.tokenizer.name_or_path)
    return load_pair(folder, None, "fp32")[0]


def test_characters_are_those_that_are_guessed(pair) -> None:
    base, _ = pair
    answer = "她把信折好，压在砚台底下。"
    chat = Chat((Turn("user", "问"), Turn("assistant", answer)))
    long = Text("".join(SENTENCES) * 12)
    short = Recipe.parse(RECIPE.model_dump() | {"length": 160})
    (said, told), _ = weigh([chat, long], base, short)
    assert said.characters == len(answer)
    first = base.tokenizer.decode([int(told.examples[0].ids[0])])
    assert told.characters == len(long.text) - len(first)
    assert len(told.examples) > 1


def test_perplexity_is_of_all_tokens_together(pair) -> None:
    base, tuned = pair
    items, _ = weigh(ITEMS, base, RECIPE)
    found = perplexity(base, items)
    assert found.tokens == sum(e.targets for item in items for e in item.examples)
    assert found.per_token == pytest.approx(math.exp(sum(found.nats) / found.tokens))
    characters = sum(item.characters for item in items)
    assert found.per_character == pytest.approx(math.exp(sum(found.nats) / characters))
    saved = gain(found, perplexity(tuned, items), items)
    assert saved.low <= saved.mean <= saved.high
    assert gain(found, found, items) == (0, 0, 0)
    assert perplexity(base, []).per_token == math.inf


def test_what_is_too_long_is_left_out_and_counted(pair) -> None:
    long = Chat((Turn("user", "问"), Turn("assistant", "".join(SENTENCES) * 20)))
    items, refused = weigh([long, *chats(2)], pair[0], RECIPE)
    assert (len(items), refused) == (2, 1)


def test_the_likeliest_option_is_chosen(pair) -> None:
    model = pair[0]
    asked = [each for each in questions() if not each.written][:6]
    for question, found in zip(asked, choose(model, questions()), strict=False):
        prompt = model.template.prompt([{"role": "user", "content": question.prompt}])
        nats = []
        for option in question.options:
            answer = model.template.answer(option)[:-1]
            ids = np.array([*prompt, *answer], np.int32)
            learned = np.arange(len(ids)) >= len(prompt)
            nats.append(loss_of(model, Example(ids, learned)) / len(option))
        assert found.answer == question.options[int(np.argmin(nats))]
        assert found.right == (found.answer == question.options[question.right])


def test_a_wholly_tuned_model_is_loaded_by_itself(base_folder: Path, tmp_path: Path) -> None:
    base, whole = load_pair(base_folder, base_folder, "fp32")
    assert whole is not None
    items, _ = weigh(ITEMS, base, RECIPE)
    assert perplexity(whole, items) == perplexity(base, items)
    with pytest.raises(MissingBase, match=r"config\.json"):
        load_pair(tmp_path, None)
    make_adapter(base_folder, tmp_path / "adapter")
    with pytest.raises(MissingBase):
        load_pair(tmp_path / "adapter", None)
