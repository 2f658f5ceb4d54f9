"""Which columns and tags a file uses, in the words of LLaMA-Factory's `dataset_info.json`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from training.errors import BadInput
from training.types import Role

Formatting = Literal["alpaca", "sharegpt", "openai"]
Part = Role | Literal["call"]
"""A turn's role; `call` is an assistant's turn that holds nothing but calls of tools."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of columns and tags; None where the file has no such thing.

    `free`: nobody described the file, so the names that are common elsewhere are taken as well.
    """

    formatting: Formatting = "alpaca"
    ranking: bool = False
    free: bool = False
    system: str | None = None
    tools: str | None = None
    chosen: str | None = None
    rejected: str | None = None
    kto_tag: str | None = None
    prompt: str | None = "instruction"
    query: str | None = "input"
    response: str | None = "output"
    history: str | None = None
    messages: str | None = "conversations"
    role_tag: str | None = "from"
    content_tag: str | None = "value"
    user_tag: str | None = "human"
    assistant_tag: str | None = "gpt"
    observation_tag: str | None = "observation"
    function_tag: str | None = "function_call"
    system_tag: str | None = "system"

    def part(self, tag: object) -> Part | None:
        """Who speaks in a turn with this tag."""
        named: Mapping[str | None, Part] = {
            self.user_tag: "user",
            self.assistant_tag: "assistant",
            self.observation_tag: "tool",
            self.function_tag: "call",
            self.system_tag: "system",
        }
        if not isinstance(tag, str):
            return None
        return named.get(tag) or (_ELSEWHERE.get(tag) if self.free else None)


COLUMNS = (
    "prompt", "query", "response", "history", "messages", "system", "tools", "chosen",
    "rejected", "kto_tag",
)  # fmt: skip
TAGS = (
    "role_tag", "content_tag", "user_tag", "assistant_tag", "observation_tag", "function_tag",
    "system_tag",
)  # fmt: skip

_ELSEWHERE: Mapping[str, Part] = {
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant",
    "model": "assistant",
    "system": "system", "developer": "system",
    "observation": "tool", "tool": "tool", "tool_response": "tool", "function": "tool",
    "function_call": "call", "tool_call": "call",
}  # fmt: skip

ALPACA = Layout(
    free=True, history="history", system="system", tools="tools", chosen="chosen",
    rejected="rejected", kto_tag="kto_tag",
)  # fmt: skip
SHAREGPT = Layout(
    "sharegpt", free=True, system="system", tools="tools", chosen="chosen", rejected="rejected",
    kto_tag="kto_tag",
)  # fmt: skip
OPENAI = Layout(
    "openai", free=True, system="system", tools="tools", chosen="chosen", rejected="rejected",
    kto_tag="kto_tag", messages="messages", role_tag="role", content_tag="content",
    user_tag="user", assistant_tag="assistant", observation_tag="tool",
)  # fmt: skip
LAYOUTS: Mapping[str, Layout] = {"alpaca": ALPACA, "sharegpt": SHAREGPT, "openai": OPENAI}


def layout_with(formatting: str | None, columns: Mapping[str, str]) -> Layout:
    """The usual layout of a format with some columns or tags named otherwise.

    Without a format the names decide: messages or tags make it ShareGPT, else it is Alpaca.
    Raises BadInput for names that no layout has.
    """
    if unknown := sorted(set(columns) - {*COLUMNS, *TAGS}):
        raise BadInput(f"没有“{unknown[0]}”这种列或标签，只有 {'、'.join((*COLUMNS, *TAGS))}")
    if formatting is None:
        spoken = "messages" in columns or any(name in TAGS for name in columns)
        formatting = "sharegpt" if spoken else "alpaca"
    if formatting not in LAYOUTS:
        raise BadInput(f"不认识格式“{formatting}”，只有 {'、'.join(LAYOUTS)}")
    named: dict[str, Any] = dict(columns)
    return replace(LAYOUTS[formatting], **named)
