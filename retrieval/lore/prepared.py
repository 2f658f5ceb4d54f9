"""Books made ready for searching: every key once, and which entries wait for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.lore.keys import Key, KeyFinder, key_for
from retrieval.lore.replay import Replays
from retrieval.lore.types import Lorebook, LoreEntry


@dataclass(frozen=True, slots=True)
class Armed:
    """An entry with its keys as numbers of the finder."""

    entry: LoreEntry
    book: Lorebook
    keys: tuple[int, ...]
    secondary: tuple[int, ...]
    depth: int
    groups: tuple[str, ...]

    @property
    def speaks(self) -> bool:
        """Whether its content may bring in other entries."""
        return self.book.recursive and not self.entry.prevent_recursion

    @property
    def listens(self) -> bool:
        """Whether the content of other entries may bring it in."""
        return self.book.recursive and not self.entry.exclude_recursion


class PreparedLore:
    """Enabled entries of enabled books. What it says is fixed once made, though it remembers
    what was searched and played; safe to share between threads."""

    def __init__(self, books: Sequence[Lorebook]) -> None:
        numbers: dict[Key, int] = {}
        self.entries = tuple(
            _armed(entry, book, numbers)
            for book in books
            if book.enabled
            for entry in book.entries
            if entry.enabled
        )
        self.keys = tuple(key.text for key in numbers)
        self.finder = KeyFinder(tuple(numbers))
        self.replays = Replays()
        self.by_key: dict[int, list[int]] = {}
        for place, armed in enumerate(self.entries):
            for number in armed.keys:
                self.by_key.setdefault(number, []).append(place)
        self.constants = [n for n, a in enumerate(self.entries) if a.entry.constant]
        self.levels = sorted(
            {a.entry.delay_until_recursion for a in self.entries if a.listens} - {0}
        )
        self.timed = any(a.entry.sticky > 0 or a.entry.cooldown > 0 for a in self.entries)
        self.deepest = max((a.depth for a in self.entries if a.keys), default=0)
        self.budgets = {b.id: b.token_budget for b in books if b.token_budget is not None}
        self.rounds = max(
            (a.book.max_recursion for a in self.entries if a.book.recursive), default=0
        )


def prepare(books: Sequence[Lorebook]) -> PreparedLore:
    """Worth keeping where the same books are activated again: it costs far more than that."""
    return PreparedLore(books)


def _armed(entry: LoreEntry, book: Lorebook, numbers: dict[Key, int]) -> Armed:
    def number(texts: Sequence[str]) -> tuple[int, ...]:
        keys = (key_for(t, entry.case_sensitive, entry.whole_words) for t in texts)
        return tuple(dict.fromkeys(numbers.setdefault(k, len(numbers)) for k in keys if k))

    depth = book.scan_depth if entry.scan_depth is None else entry.scan_depth
    groups = tuple(sorted({g.strip() for g in entry.group.split(",")} - {""}))
    return Armed(
        entry, book, number(entry.keys), number(entry.secondary_keys), max(0, depth), groups
    )
