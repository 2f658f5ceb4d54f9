"""The nouns that making data, tuning and judging share.

A data set holds items of one kind: conversations to learn answers from, bare text to go on
reading, or answers of which one was preferred. Every item knows where it came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant", "tool"]
Kind = Literal["chat", "text", "preference"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an item came from: a file or a work, its row or place, and how it was made."""

    source: str = ""
    """File name, title of the book, or name of the data set it was taken from."""
    place: str = ""
    """“第 12 条”, “第三章 · 1,204–2,003”, “第203幕（续）”: for a reader to find it again."""
    made_by: str = ""
    """The maker and its version, as `script-dialogue/1`; empty for what was given as it is."""
    work: str = ""
    """The book that it belongs to: splits keep a book together. Empty: each item by itself."""


@dataclass(frozen=True, slots=True)
class Turn:
    role: Role
    text: str
    learned: bool | None = None
    """Whether the loss counts it; None: assistants' turns are learned, others are not."""
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What else the message has: `tool_calls` (OpenAI's), `name`, `tool_call_id`, and fields that
    we do not know. A chat template takes them beside role and content."""

    @property
    def is_learned(self) -> bool:
        return self.role == "assistant" if self.learned is None else self.learned


@dataclass(frozen=True, slots=True)
class Chat:
    """Turns in order; a system turn can only be the first. At least one turn is learned."""

    turns: tuple[Turn, ...]
    origin: Origin = Origin()
    tools: str = ""
    """JSON of the tools' descriptions as the source had it; empty without tools."""
    weight: float = 1.0
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the source that we do not know, kept for the way out."""


@dataclass(frozen=True, slots=True)
class Text:
    """For continued pre-training."""

    text: str
    origin: Origin = Origin()
    weight: float = 1.0
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preference:
    """`chosen` and `rejected` answer the same turns. One of them None: judged alone (KTO)."""

    turns: tuple[Turn, ...]
    chosen: str | None
    rejected: str | None
    origin: Origin = Origin()
    weight: float = 1.0
    tools: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


Item = Chat | Text | Preference


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not taken; the others go on."""

    source: str
    row: int | None
    field: str
    reason: str


class Progress(Protocol):
    """Told how far a long piece of work is; `total` is 0 while nobody knows it."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...
