"""Which of many keys stand in a text: all words at once, then the regular expressions.

Words are searched with Aho-Corasick automata (Aho & Corasick 1975), one that respects case and
one that does not. Knows nothing of entries: keys are numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ahocorasick

from retrieval.lore.patterns import BrokenPattern, Stopwatch, compiled, is_pattern
from retrieval.mentions import stands_alone as stands_alone


@dataclass(frozen=True, slots=True)
class Key:
    """A key as its entry wants it searched; for a pattern the flags are its own."""

    text: str
    case_sensitive: bool = False
    whole_words: bool = False

    @property
    def alone(self) -> bool:
        """Whether it counts only where it stands alone: a Latin word as a whole, a single
        Chinese character by the rules for names (安 is not in 长安)."""
        return self.whole_words or single_character(self.text)


def single_character(key: str) -> bool:
    """Whether the key is one Chinese character, which as part of a word means something else."""
    return len(key) == 1 and key.isalnum() and key > "\u2e80"


def key_for(text: str, case_sensitive: bool, whole_words: bool) -> Key | None:
    """None for a blank one."""
    text = text.strip()
    if not text:
        return None
    return Key(text) if is_pattern(text) else Key(text, case_sensitive, whole_words)


@dataclass(slots=True)
class Search:
    """One activation's searching: its time, and the patterns it gave up on."""

    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    broken: dict[int, str] = field(default_factory=dict)


MOST_REMEMBERED = 4096
"""Paragraphs whose keys a finder remembers."""


class KeyFinder:
    """Built once for a list of keys, then safe to share between threads."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._patterns: list[tuple[int, Any]] = []
        self.broken: dict[int, str] = {}
        """Why some patterns can never be searched."""
        words: dict[bool, dict[str, list[tuple[int, bool]]]] = {True: {}, False: {}}
        for number, key in enumerate(keys):
            if is_pattern(key.text):
                self._add_pattern(number, key.text)
            else:
                word = key.text if key.case_sensitive else fold(key.text)
                owners = words[key.case_sensitive].setdefault(word, [])
                owners.append((number, key.alone))
        self._exact = _automaton(words[True])
        self._folded = _automaton(words[False])
        self._known: dict[str, frozenset[int]] = {}

    def find(self, text: str, search: Search) -> frozenset[int]:
        """The numbers of the keys that stand in the text; remembered, since one continuation
        asks of nearly the same paragraphs as the last."""
        known = self._known.get(text)
        if known is None:
            broken = len(search.broken)
            known = self._searched(text, search)
            # A pattern that was given up was not searched for: the next search tries again.
            if len(search.broken) == broken == len(self.broken):
                if len(self._known) >= MOST_REMEMBERED:
                    self._known.clear()
                self._known[text] = known
        return known

    def _searched(self, text: str, search: Search) -> frozenset[int]:
        found: set[int] = set()
        if self._exact is not None:
            _collect(self._exact, text, text, found)
        if self._folded is not None:
            _collect(self._folded, fold(text), text, found)
        for number, pattern in self._patterns:
            if number not in search.broken:
                try:
                    if search.stopwatch.search(pattern, text):
                        found.add(number)
                except BrokenPattern as error:
                    search.broken[number] = str(error)
        return frozenset(found)

    def _add_pattern(self, number: int, text: str) -> None:
        try:
            self._patterns.append((number, compiled(text)))
        except BrokenPattern as error:
            self.broken[number] = str(error)


def fold(text: str) -> str:
    """Lower case, character by character, so that places stay what they are."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _automaton(words: Mapping[str, Iterable[tuple[int, bool]]]) -> Any:
    if not words:
        return None
    automaton = ahocorasick.Automaton()
    for word, owners in words.items():
        automaton.add_word(word, (len(word), tuple(owners)))
    automaton.make_automaton()
    return automaton


def _collect(automaton: Any, searched: str, text: str, found: set[int]) -> None:
    for last, (length, owners) in automaton.iter(searched):
        for number, alone in owners:
            if number not in found and (
                not alone or stands_alone(text, last + 1 - length, last + 1)
            ):
                found.add(number)
