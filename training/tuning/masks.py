"""Items to tokens and which of them the loss counts.

A conversation becomes the tokens that serving would make of it: for every answer that is
learned, exactly the prompt the server sends for the turns before it, then the answer and its
end. Answers share one example as long as the later prompt begins with the earlier one and its
answer; where the template rewrites history (Qwen3 drops an answer's empty thoughts once it is
past) the later answer begins an example of its own. Prompts are never learned, so neither are
the empty thoughts that Qwen3's prompt ends with.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jinja2 import TemplateError
from numpy.typing import NDArray

from training.tuning.config import Recipe
from training.tuning.template import Message, ServedTemplate, text_tokens
from training.types import Chat, Preference, Text, Turn

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Refused(Exception):
    """Why an item cannot be learned; the others go on."""


@dataclass(frozen=True, slots=True)
class Example:
    """`ids` (n,) and, for each, whether the loss counts the model's guess of it (n,)."""

    ids: NDArray[np.int32]
    learned: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def targets(self) -> int:
        """How many guesses count: nothing stands before the first token to guess it from."""
        return int(self.learned[1:].sum())

    @classmethod
    def answered(cls, prompt: Sequence[int], answer: Sequence[int]) -> "Example":
        ids = np.array([*prompt, *answer], np.int32)
        return cls(ids, np.arange(len(ids)) >= len(prompt))

    def cut(self, length: int) -> "Example":
        return Example(self.ids[:length], self.learned[:length])


@dataclass(frozen=True, slots=True)
class Pair:
    """One prompt with a chosen and a refused answer; of KTO's, one of them is None."""

    chosen: Example | None
    rejected: Example | None

    def answers(self) -> list[Example]:
        return [each for each in (self.chosen, self.rejected) if each is not None]


def conversation(chat: Chat, template: ServedTemplate, recipe: Recipe) -> list[Example]:
    """Usually one example. Raises `Refused`."""
    turns = with_system(chat.turns, template, recipe)
    tools = _tools(chat.tools)
    examples: list[_Growing] = []
    for at, turn in enumerate(turns):
        if not _is_learned(turn):
            continue
        prompt = _prompt(template, turns[:at], tools)
        answer = _answer(template, turn.text)
        if not (examples and examples[-1].takes(prompt)):
            examples.append(_Growing())
        examples[-1].add(prompt, answer)
    if not examples:
        raise Refused("没有一轮回答可学")
    return [each.example() for each in examples]


def preference(item: Preference, template: ServedTemplate, recipe: Recipe) -> Pair:
    """Raises `Refused`."""
    prompt = _prompt(template, with_system(item.turns, template, recipe), _tools(item.tools))
    found = [
        None if text is None else Example.answered(prompt, _answer(template, text))
        for text in (item.chosen, item.rejected)
    ]
    if found == [None, None]:
        raise Refused("既没有选中的回答，也没有落选的回答")
    return Pair(*found)


def pieces(text: Text, tokenizer: "PreTrainedTokenizerBase", length: int) -> list[Example]:
    """Every token of the text is learned in exactly one piece of at most `length`.

    A piece begins with the token the one before it ended with, which it only reads: so the first
    word after a cut is guessed from something too.
    """
    if not text.text.strip():
        raise Refused("没有文字")
    ids = np.array(text_tokens(tokenizer, text.text), np.int32)
    cuts = [*range(0, len(ids) - 1, length - 1), len(ids) - 1]
    return [_piece(ids[start : end + 1]) for start, end in pairwise(cuts)]


def fit(example: Example, length: int, too_long: Literal["refuse", "cut"]) -> Example:
    """The example within `length` tokens. Raises `Refused`."""
    if len(example) <= length:
        return example
    if too_long == "refuse":
        raise Refused(f"有 {len(example):,} 个词元，超过 length {length:,}")
    short = example.cut(length)
    if not short.targets:
        raise Refused(f"前 {length:,} 个词元里没有可学的回答")
    return short


class _Growing:
    """An example that later answers may join."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._answers: list[range] = []

    def takes(self, prompt: Sequence[int]) -> bool:
        return list(prompt[: len(self._ids)]) == self._ids

    def add(self, prompt: Sequence[int], answer: Sequence[int]) -> None:
        self._ids = [*prompt, *answer]
        self._answers.append(range(len(prompt), len(self._ids)))

    def example(self) -> Example:
        learned = np.zeros(len(self._ids), np.bool_)
        for span in self._answers:
            learned[span.start : span.stop] = True
        return Example(np.array(self._ids, np.int32), learned)


def _piece(ids: NDArray[np.int32]) -> Example:
    return Example(ids, np.arange(len(ids)) > 0)


def _is_learned(turn: Turn) -> bool:
    if turn.learned and turn.role != "assistant":
        raise Refused(f"只有 assistant 的话可以学，这里标的是 {turn.role}")
    return turn.role == "assistant" if turn.learned is None else turn.learned


def _prompt(
    template: ServedTemplate, turns: Sequence[Turn], tools: Sequence[Any] | None
) -> list[int]:
    messages: list[Message] = [{"role": each.role, "content": each.text} for each in turns]
    try:
        return template.prompt(messages, tools)
    except TemplateError as error:
        raise Refused(f"对话模板不接受这样的轮次：{error}") from error


def _answer(template: ServedTemplate, text: str) -> list[int]:
    if not text.strip():
        raise Refused("回答是空的")
    answer = template.answer(text)
    if template.stops & set(answer[:-1]):
        raise Refused("回答里有结束符，服务时说到那里就停了")
    return answer


def with_system(
    turns: Sequence[Turn], template: ServedTemplate, recipe: Recipe
) -> tuple[Turn, ...]:
    """The turns with the system that the recipe chose; judging asks as tuning taught."""
    if recipe.system == "keep":
        return tuple(turns)
    return (*_system(template, recipe), *(each for each in turns if each.role != "system"))


def _system(template: ServedTemplate, recipe: Recipe) -> Iterator[Turn]:
    if recipe.own_system is not None:
        yield Turn("system", recipe.own_system)
    elif recipe.system == "none" and template.own_system:
        # Only an empty system turn keeps the template from putting its own there.
        yield Turn("system", "")


def _tools(given: str) -> list[Any] | None:
    if not given:
        return None
    try:
        tools = json.loads(given)
    except ValueError as error:
        raise Refused(f"tools 不是 JSON：{error}") from error
    return tools if isinstance(tools, list) else [tools]
