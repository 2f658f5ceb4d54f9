"""Lorebooks as plain data, and the account of which entries joined a prompt and why.

The fields are the union of what the field's formats say (SillyTavern's World Info, the
character_book of the V2 and V3 cards, NovelAI's lorebooks). A turn is one element of the text
that is searched: a paragraph of the novel or a message of a chat; the newest is the beat or the
last message.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from retrieval.types import Validity


class Logic(StrEnum):
    """What the secondary keys must do once a primary key is there."""

    AND_ANY = "and_any"
    AND_ALL = "and_all"
    NOT_ANY = "not_any"
    NOT_ALL = "not_all"


class Placement(StrEnum):
    """Where an entry stands in the prompt."""

    LORE = "lore"
    BEFORE = "before"
    AFTER = "after"
    DEPTH = "depth"


@dataclass(frozen=True, slots=True)
class LoreEntry:
    """One entry; `id` is unique over all books of an activation."""

    id: str
    name: str = ""
    content: str = ""
    enabled: bool = True
    constant: bool = False
    keys: Sequence[str] = ()
    """Words, or `/regular expressions/flags` with JavaScript's flags."""
    secondary_keys: Sequence[str] = ()
    logic: Logic = Logic.AND_ANY
    case_sensitive: bool = False
    whole_words: bool = False
    scan_depth: int | None = None
    """Turns before the newest that are searched; None: the book's."""
    order: int = 100
    """Where it stands among the others, lower first."""
    priority: int = 0
    """What survives a budget, higher longer."""
    placement: Placement = Placement.LORE
    depth: int = 4
    """Paragraphs from the end of the text, where `placement` is DEPTH."""
    role: str = "system"
    probability: int = 100
    exclude_recursion: bool = False
    """Other entries cannot bring it in."""
    prevent_recursion: bool = False
    """It cannot bring in other entries."""
    delay_until_recursion: int = 0
    """Above 0: only other entries bring it in, lower levels before higher ones."""
    group: str = ""
    """Inclusion groups, separated by commas: one entry of each group stands at a time."""
    group_override: bool = False
    group_weight: int = 100
    sticky: int = 0
    """Turns it stays after the one in which it fired."""
    cooldown: int = 0
    """Turns it rests after it fired or, where it is sticky, after it let go."""
    delay: int = 0
    """Turns that must stand before the newest."""
    validity: Validity = field(default_factory=Validity)

    @property
    def title(self) -> str:
        """What an author recognises it by."""
        return self.name or next(iter(self.keys), "") or self.content[:12] or "无名条目"


@dataclass(frozen=True, slots=True)
class Lorebook:
    id: str
    name: str = ""
    entries: Sequence[LoreEntry] = ()
    enabled: bool = True
    scan_depth: int = 8
    """Turns before the newest that are searched; 0: the newest alone."""
    token_budget: int | None = None
    recursive: bool = True
    max_recursion: int = 3
    """Rounds in which what fired may bring in more."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What made an entry fire, for programs; `why` says it to an author."""

    kind: Literal["constant", "key", "recursion", "sticky"]
    why: str
    key: str = ""
    turn: int = 0
    """Turns before the newest in which the key stands, or in which a sticky entry fired."""
    by: str = ""
    """The id of the entry whose content holds the key, where `kind` is `recursion`."""


@dataclass(frozen=True, slots=True)
class LoreHit:
    entry: LoreEntry
    book_id: str
    book_name: str
    cause: Cause
    tokens: int | None = None
    """Of its content alone, where a counter was given."""

    @property
    def reason(self) -> str:
        return self.cause.why


@dataclass(frozen=True, slots=True)
class Activation:
    """Which entries join, in the order in which they stand, and what was kept out.

    `skipped` names entries that had a reason to join and one not to; those whose keys are
    nowhere near are not listed. `faults` names entries with a key that cannot be searched,
    whether or not another key made them fire.
    """

    hits: tuple[LoreHit, ...] = ()
    skipped: tuple[tuple[LoreEntry, str], ...] = ()
    faults: tuple[tuple[LoreEntry, str], ...] = ()
