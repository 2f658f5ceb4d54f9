"""The tokens of a conversation are those that serving would make, and only answers are learned."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from tests.training.tiny import SENTENCES, TemplateName, make_base
from training.errors import MissingBase
from training.tuning.config import Recipe
from training.tuning.masks import Example, Refused, conversation, fit, pieces, preference
from training.tuning.template import ServedTemplate
from training.types import Chat, Preference, Text, Turn

NAMES: tuple[TemplateName, ...] = ("qwen2.5", "qwen3")
Tokenizers = dict[str, PreTrainedTokenizerBase]


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> Tokenizers:
    return {
        name: AutoTokenizer.from_pretrained(make_base(tmp_path_factory.mktemp("base"), name))
        for name in NAMES
    }


def recipe(**changes: Any) -> Recipe:
    return Recipe.parse({"name": "a", "base": "b", "data": "c"} | changes)


def served_prompt(tokenizer: PreTrainedTokenizerBase, turns: list[Turn]) -> list[int]:
    """What vLLM makes of these messages: the tokenizer's own chat template, tokenized by it."""
    ids: list[int] = tokenizer.apply_chat_template(
        [{"role": each.role, "content": each.text} for each in turns],
        add_generation_prompt=True,
        enable_thinking=False,
        tokenize=True,
        return_dict=False,
    )
    return ids


words = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12),
    st.sampled_from([*SENTENCES, "\n\n", " 是", "<think>\n\n</think>\n\n好", "\n开头换行", "｜"]),
).filter(lambda text: bool(text.strip()) and "<|" not in text)


@st.composite
def conversations(draw: st.DrawFn) -> Chat:
    turns = [Turn("system", draw(words))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 4))):
        turns.append(Turn("user", draw(words)))
        turns.append(Turn("assistant", draw(words), draw(st.sampled_from([None, True, False]))))
    turns[-1] = Turn("assistant", turns[-1].text)
    return Chat(tuple(turns))


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=150)
@given(chat=conversations())
def test_every_answer_follows_the_served_prompt_token_for_token(
    tokenizers: Tokenizers, name: str, chat: Chat
) -> None:
    tokenizer = tokenizers[name]
    examples = conversation(chat, ServedTemplate(tokenizer), recipe())
    answers = [
        (served_prompt(tokenizer, list(chat.turns[:at])), answer_ids(tokenizer, turn.text))
        for at, turn in enumerate(chat.turns)
        if turn.role == "assistant" and turn.learned is not False
    ]
    count = len(answers)
    expected = [expected_mask(example, answers) for example in examples]
    assert sum(found for _, found in expected) == count
    for example, (mask, _) in zip(examples, expected, strict=True):
        assert example.learned.tolist() == mask


def answer_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return tokenizer(text + "<|im_end|>", add_special_tokens=False)["input_ids"]


def expected_mask(
    example: Example, answers: list[tuple[list[int], list[int]]]
) -> tuple[list[bool], int]:
    """Takes out of `answers` those that stand in the example after their own prompt."""
    ids, mask, found = example.ids.tolist(), [False] * len(example), 0
    while found < len(answers):
        prompt, answer = answers[found]
        whole = [*prompt, *answer]
        if ids[: len(whole)] != whole:
            break
        mask[len(prompt) : len(whole)] = [True] * len(answer)
        found += 1
    del answers[:found]
    return mask, found


def test_qwen3_never_learns_its_empty_thoughts(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["qwen3"]
    chat = Chat((Turn("user", "问"), Turn("assistant", "答"), Turn("user", "再"),
                 Turn("assistant", "又答")))  # fmt: skip
    first, second = conversation(chat, ServedTemplate(tokenizer), recipe())
    for example, answer in ((first, "答"), (second, "又答")):
        assert "<think>\n\n</think>" in tokenizer.decode(example.ids)
        assert tokenizer.decode(example.ids[example.learned]) == f"{answer}<|im_end|>"
    assert "<think>" not in tokenizer.decode(second.ids[: len(first) - 12])


def test_qwen25_keeps_a_conversation_in_one_example(tokenizers: Tokenizers) -> None:
    chat = Chat((Turn("user", "问"), Turn("assistant", "答"), Turn("user", "再"),
                 Turn("assistant", "又答")))  # fmt: skip
    (example,) = conversation(chat, ServedTemplate(tokenizers["qwen2.5"]), recipe())
    learned = tokenizers["qwen2.5"].decode(example.ids[example.learned])
    assert learned == "答<|im_end|>又答<|im_end|>"


@pytest.mark.parametrize(
    ("system", "qwen25", "qwen3"),
    [
        ("keep", "system\n自己的<", "system\n自己的<"),
        ("served", "system\nYou are Qwen, created by Alibaba Cloud.", "<|im_start|>user"),
        ("none", "system\n<|im_end|>", "<|im_start|>user"),
        ("text: 你是甄嬛。", "system\n你是甄嬛。<", "system\n你是甄嬛。<"),
    ],
)
def test_the_system_prompt_is_what_the_recipe_says(
    tokenizers: Tokenizers, system: str, qwen25: str, qwen3: str
) -> None:
    chat = Chat((Turn("system", "自己的"), Turn("user", "问"), Turn("assistant", "答")))
    for name, beginning in (("qwen2.5", qwen25), ("qwen3", qwen3)):
        (example,) = conversation(chat, ServedTemplate(tokenizers[name]), recipe(system=system))
        text = tokenizers[name].decode(example.ids)
        assert text.removeprefix("<|im_start|>").startswith(beginning.removeprefix("<|im_start|>"))


def test_the_templates_own_system_is_found(tokenizers: Tokenizers) -> None:
    found = {name: ServedTemplate(each).own_system for name, each in tokenizers.items()}
    assert found["qwen2.5"].startswith("You are Qwen, created by Alibaba Cloud.")
    assert "<|" not in found["qwen2.5"]
    assert found["qwen3"] == ""


@pytest.mark.parametrize(
    ("turns", "why"),
    [
        ([Turn("user", "问"), Turn("assistant", " \n")], "空的"),
        ([Turn("user", "问"), Turn("assistant", "答", learned=False)], "没有一轮"),
        ([Turn("user", "问", learned=True), Turn("assistant", "答")], "标的是 user"),
        ([Turn("user", "问"), Turn("assistant", "答<|im_end|>")], "结束符"),
        ([Turn("user", "问")], "没有一轮"),
    ],
)
def test_what_cannot_be_learned_is_refused(
    tokenizers: Tokenizers, turns: list[Turn], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        conversation(Chat(tuple(turns)), ServedTemplate(tokenizers["qwen2.5"]), recipe())


def test_tools_that_are_no_json_are_refused(tokenizers: Tokenizers) -> None:
    turns = (Turn("user", "问"), Turn("assistant", "答"))
    template = ServedTemplate(tokenizers["qwen2.5"])
    with pytest.raises(Refused, match="tools"):
        conversation(Chat(turns, tools="{"), template, recipe())
    tool = '[{"type": "function", "function": {"name": "look", "parameters": {}}}]'
    (example,) = conversation(Chat(turns, tools=tool), template, recipe())
    assert '"look"' in tokenizers["qwen2.5"].decode(example.ids)


def test_a_base_that_would_not_stop_is_refused(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["qwen2.5"]
    was = tokenizer.eos_token
    tokenizer.eos_token = "<|endoftext|>"
    try:
        with pytest.raises(MissingBase, match="不在那里停"):
            ServedTemplate(tokenizer)
        assert ServedTemplate(tokenizer, stops=[tokenizer.convert_tokens_to_ids(was)]).end
    finally:
        tokenizer.eos_token = was


def test_pairs_share_their_prompt(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["qwen2.5"]
    item = Preference((Turn("user", "续写"),), "好文字", "坏文字")
    pair = preference(item, ServedTemplate(tokenizer), recipe(method="dpo"))
    assert pair.chosen is not None
    assert pair.rejected is not None
    prompt = served_prompt(tokenizer, list(item.turns))
    for example, text in ((pair.chosen, "好文字"), (pair.rejected, "坏文字")):
        assert example.ids[: len(prompt)].tolist() == prompt
        assert tokenizer.decode(example.ids[example.learned]) == f"{text}<|im_end|>"


def test_a_lone_answer_is_half_a_pair(tokenizers: Tokenizers) -> None:
    template = ServedTemplate(tokenizers["qwen2.5"])
    item = Preference((Turn("user", "续写"),), None, "坏文字")
    pair = preference(item, template, recipe(method="kto"))
    assert pair.chosen is None
    assert len(pair.answers()) == 1
    with pytest.raises(Refused, match="既没有"):
        preference(Preference((Turn("user", "续"),), None, None), template, recipe())


@settings(deadline=None, max_examples=60)
@given(text=words.map(lambda each: each * 7), length=st.integers(16, 40))
def test_long_texts_are_cut_without_loss(tokenizers: Tokenizers, text: str, length: int) -> None:
    tokenizer = tokenizers["qwen3"]
    cut = pieces(Text(text), tokenizer, length)
    whole = [*tokenizer.encode(text, add_special_tokens=False),
             tokenizer.convert_tokens_to_ids("<|endoftext|>")]  # fmt: skip
    learned = [int(id) for piece in cut for id in piece.ids[piece.learned]]
    assert [int(cut[0].ids[0]), *learned] == whole
    assert all(2 <= len(piece) <= length for piece in cut)


def test_too_long_is_refused_or_cut_but_never_in_silence() -> None:
    example = Example(np.arange(30, dtype=np.int32), np.arange(30) >= 20)
    assert fit(example, 30, "refuse") is example
    with pytest.raises(Refused, match="30 个词元，超过 length 25"):
        fit(example, 25, "refuse")
    assert len(fit(example, 25, "cut")) == 25
    with pytest.raises(Refused, match="没有可学的"):
        fit(example, 20, "cut")
