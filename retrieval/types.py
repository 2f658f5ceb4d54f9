"""The shared nouns of retrieval, as plain dataclasses.

Offsets count Unicode characters (Python string indices), never bytes or tokens.
Chapters are ordered by `chapter`, their 0-based place in the telling of the work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True, order=True)
class StoryPosition:
    """A point in the telling: before it is known, at or after it is the future."""

    chapter: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ChapterText:
    """One chapter as the index reads it; `id` survives reordering, `order` does not."""

    id: str
    order: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a chapter: `chapter.text[start:end] == text`, always."""

    chapter_id: str
    chapter: int
    title: str
    start: int
    end: int
    text: str

    @property
    def begins(self) -> StoryPosition:
        return StoryPosition(self.chapter, self.start)

    @property
    def ends(self) -> StoryPosition:
        return StoryPosition(self.chapter, self.end)


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that recall brought back, with what each method said of it."""

    passage: Passage
    score: float
    ranks: dict[str, int] = field(default_factory=dict)
    """1-based rank by method (`dense`, `lexical`, …), for the methods that found it."""


@dataclass(frozen=True, slots=True)
class Character:
    """Who is in the book, by every name they are called."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    role: str = ""
    sheet: str = ""
    voice: tuple[str, ...] = ()
    """What they might say, as far as it may be shown."""


@dataclass(frozen=True, slots=True)
class Scene:
    """`text[start:end]` of a chapter, where it happens at another time than it is told.

    `when` is on the scale on which chapter n (0-based) happens between n and n + 1: 0 or less
    is before the book, 3 right after the third chapter, 2.5 somewhere in its middle. `rank`
    orders scenes of the same `when`. None: nobody knows when; then only the scene itself sees
    it, and it sees nothing else. `end` None: to the chapter's end, however it grows.
    `backstory` is true from then on even for chapters told before the scene.
    """

    chapter: int
    start: int
    end: int | None
    when: float | None
    rank: float = 0.0
    backstory: bool = False


@dataclass(frozen=True, slots=True)
class Validity:
    """When something holds and who knows it. All None: always, for everybody.

    It holds at positions p with since <= p < until, places of the telling both; where scenes
    have their own time, `View.passed` says whether a place lies behind. `known_by` maps a
    character's id to the place where they learned it, None for those who always knew.
    """

    since: StoryPosition | None = None
    until: StoryPosition | None = None
    known_by: Mapping[str, StoryPosition | None] | None = None
    placed: bool = True
    """False where the chapter it begins or ends in is gone: it holds nowhere then."""


@dataclass(frozen=True, slots=True)
class SheetState:
    """A paragraph of a sheet that replaces the one of the same label while it holds."""

    id: str
    character_id: str
    label: str
    text: str
    validity: Validity


@dataclass(frozen=True, slots=True)
class Fact:
    """(entity, attribute, value) with its time, its knowers and the words that prove it."""

    id: str
    entity: str
    attribute: str
    value: str
    validity: Validity
    character_id: str | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: str


def continues(messages: Sequence[Message]) -> bool:
    """Whether the last message is the assistant's own, to be gone on with where it ends."""
    return bool(messages) and messages[-1].role == "assistant"


class Group(StrEnum):
    """What a context item is; each group has its share of the prompt's budget."""

    SYSTEM = "system"
    BEAT = "beat"
    CAST = "cast"
    LORE = "lore"
    THREADS = "threads"
    RECAP = "recap"
    PASSAGES = "passages"
    TAIL = "tail"


@dataclass(frozen=True, slots=True)
class ContextItem:
    """One candidate for the prompt.

    `priority` decides what survives the budget (higher stays longer), `order` where it
    stands inside its group (lower first). `keep` says which end survives shortening:
    a recap keeps its start, the verbatim tail keeps its end, a passage what stands
    around what it was found for; None forbids shortening.
    """

    id: str
    group: Group
    text: str
    source: str
    required: bool = False
    priority: float = 0.0
    order: float = 0.0
    keep: Literal["start", "end", "around"] | None = None
    about: str = ""
    """What it was found for: shortened `around` it, the sentence nearest to this stays."""
    score: float | None = None
    late: bool | None = None
    """Whether it changes from one continuation to the next, whatever the author edits: it
    stands behind the chapter's text then. None: as its group usually does."""
    why: str = ""
    """What brought it in, for the author: which key fired it, which method found it."""
    settled: bool = False
    """Whether it stands before the chapter's text although it might change, so that the next
    continuation finds it where it was (`Stood`)."""

    def __hash__(self) -> int:
        # A prompt asks for it some hundred times; few items share an id.
        return hash(self.id)

    @property
    def changes(self) -> bool:
        if self.settled:
            return False
        if self.late is not None:
            return self.late
        return self.group in (Group.PASSAGES, Group.BEAT)


@dataclass(frozen=True, slots=True)
class Placed:
    """An item that stands in the prompt, as it stands there."""

    item: ContextItem
    text: str
    tokens: int
    reason: str

    @property
    def shortened(self) -> bool:
        return len(self.text) < len(self.item.text)


@dataclass(frozen=True, slots=True)
class Left:
    """An item that does not stand in the prompt, and why."""

    item: ContextItem
    tokens: int
    reason: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What will be sent, and the account of how it came to be."""

    messages: tuple[Message, ...]
    tokens: int
    budget: int
    kept: tuple[Placed, ...]
    dropped: tuple[Left, ...]
    template: str


@dataclass(frozen=True, slots=True)
class Stood:
    """What the last continuation of the chapter had before the words that change, all of which
    may still stand here. Empty: nothing to go on from; what is chosen now settles.
    """

    items: Sequence[ContextItem] = ()
    """What had settled, each with its words as they stood as its text, and what has become of
    it since as items that are `late` and required."""
    tail: int = 0
    """Characters of the chapter's text, up to the caret, that stand if they begin where they
    did. 0: they begin somewhere else."""


Refused = tuple[ContextItem, str]
"""An item that may not stand whatever the room, and the reason that the author is told."""


class TokenCounter(Protocol):
    """Counts as the served model does. Implementations are thread-safe."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text alone, without special tokens."""
        ...

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Tokens of the whole conversation as the chat template renders it, ready to answer,
        or to go on where the assistant's last message ends (`continues`)."""
        ...
