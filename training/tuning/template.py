"""The chat template as the server uses it: messages in, the very tokens it would make out.

Training sees what serving will send, token for token: the prompt is tokenized as one string,
as vLLM does, and the answer after it as the model writes it, ended by the template's own end.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError

from training.errors import MissingBase

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Message = Mapping[str, str]

MARK = "砚"
"""An answer of one character, to see what the template puts after an answer."""


class ServedTemplate:
    """`end` is the token that closes an answer; `stops` are those the server stops at.

    Raises MissingBase: no chat template, or one whose answers end where the server would not
    stop (a base model with a borrowed template talks on for ever).
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", stops: Sequence[int] = ()) -> None:
        self.tokenizer = tokenizer
        text = self._text()
        # The desk turns thinking off where the template knows the switch (server/engines/tokens).
        self._switches: dict[str, Any] = (
            {"enable_thinking": False} if "enable_thinking" in text else {}
        )
        self.stops = frozenset({*stops, tokenizer.eos_token_id} - {None})
        self.end = self._end()
        self.own_system = self._own_system()
        """What the template says as the system where a conversation has none; often empty."""

    def prompt(self, messages: Sequence[Message], tools: Sequence[Any] | None = None) -> list[int]:
        """The tokens after which the model writes its answer to `messages`."""
        return tokens(self.tokenizer, self._render(messages, tools, add_generation_prompt=True))

    def answer(self, text: str) -> list[int]:
        """The tokens of an answer as the model writes it, with its end."""
        return [*tokens(self.tokenizer, text), self.end]

    def _text(self) -> str:
        try:
            return str(self.tokenizer.get_chat_template())
        except ValueError as error:
            raise MissingBase(
                "底座没有对话模板，请换一个 Instruct 模型，或用 pretrain。"
            ) from error

    def _render(
        self, messages: Sequence[Message], tools: Sequence[Any] | None = None, **how: Any
    ) -> str:
        return str(
            self.tokenizer.apply_chat_template(
                [dict(each) for each in messages],
                tools=list(tools) if tools else None,
                tokenize=False,
                **self._switches,
                **how,
            )
        )

    def _end(self) -> int:
        asked: list[Message] = [{"role": "user", "content": MARK}]
        told = self._render([*asked, {"role": "assistant", "content": MARK}])
        after = tokens(self.tokenizer, told.rpartition(MARK)[2])
        if not after or after[0] not in self.stops:
            end = self.tokenizer.decode(after[:1])
            raise MissingBase(
                f"对话模板以“{end}”结束一段回答，底座却不在那里停：练出来会一直说下去。"
                "请换 Instruct 模型，或用 pretrain。"
            )
        return after[0]

    def _own_system(self) -> str:
        """Qwen2.5: “You are Qwen, …”. Found as what an empty system turn leaves out."""
        user: Message = {"role": "user", "content": MARK}
        bare = self._render([user])
        try:
            empty = self._render([{"role": "system", "content": ""}, user])
        except TemplateError:  # a template that knows no system turn
            return ""
        return bare[len(_common(bare, empty)) : len(bare) - len(_common(bare[::-1], empty[::-1]))]


def tokens(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    found: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return found


def text_tokens(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    """A bare text with its end; Qwen ends a document with another token than an answer."""
    end = tokenizer.get_vocab().get("<|endoftext|>", tokenizer.eos_token_id)
    return [*tokens(tokenizer, text), int(end)]


def _common(one: str, other: str) -> str:
    """The beginning that both have."""
    length = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    return one[:length]
