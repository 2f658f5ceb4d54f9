"""Which characters a text names, by every alias they have.

Knows nothing of pronouns or of who speaks: only of names as written. All aliases are searched
at once with an Aho-Corasick automaton (Aho & Corasick 1975).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ahocorasick

from retrieval.types import Character

BEFORE_SHORT_NAME = frozenset("对對向和与與跟把被叫让讓问問给給替找喊")
"""Words that may stand right before a one-character name: prepositions, verbs of address."""
AFTER_SHORT_NAME = frozenset(
    "道说說问問笑答喊叫叹嘆骂罵怒哭也都却卻又便就还還才只已正忽的对對向和与與跟把被"
)
"""Words that may stand right after one: verbs of speech, adverbs, particles."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A name at `text[start:end]`; several ids where characters share the alias."""

    character_ids: tuple[str, ...]
    name: str
    start: int
    end: int

    @property
    def ambiguous(self) -> bool:
        return len(self.character_ids) > 1

    @property
    def character_id(self) -> str | None:
        """Who is named, if it can be only one."""
        return None if self.ambiguous else self.character_ids[0]


class Mentions:
    """Finds characters' names; built once for a cast, then safe to share between threads."""

    def __init__(self, characters: Sequence[Character]) -> None:
        owners: dict[str, dict[str, None]] = {}
        for character in characters:
            for name in (character.name, *character.aliases):
                if name.strip():
                    owners.setdefault(name.strip(), {})[character.id] = None
        self._owners = {name: tuple(ids) for name, ids in owners.items()}
        self._automaton = ahocorasick.Automaton()
        for name in self._owners:
            self._automaton.add_word(name, name)
        self._automaton.make_automaton()

    def find(self, text: str) -> list[Mention]:
        """Mentions in order, never overlapping: of two, the earlier, then the longer, is kept.

        A name of one Chinese character counts only between punctuation, white space, the
        text's edges or the words of BEFORE_SHORT_NAME and AFTER_SHORT_NAME, so that 安 is not
        found in 长安; a Latin name only as a whole word.
        """
        mentions: list[Mention] = []
        free = 0
        for start, name in sorted(self._matches(text), key=lambda m: (m[0], -len(m[1]))):
            if start >= free:
                free = start + len(name)
                mentions.append(Mention(self._owners[name], name, start, free))
        return mentions

    def _matches(self, text: str) -> Iterator[tuple[int, str]]:
        if not self._owners:
            return
        for last, name in self._automaton.iter(text):
            start = last + 1 - len(name)
            if stands_alone(text, start, last + 1):
                yield start, name


def stands_alone(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    if end - start == 1 and not _latin(text[start]):
        return (not before.isalnum() or before in BEFORE_SHORT_NAME) and (
            not after.isalnum() or after in AFTER_SHORT_NAME
        )
    return not (_latin(before) and _latin(text[start])) and not (
        _latin(text[end - 1]) and _latin(after)
    )


def _latin(character: str) -> bool:
    return character.isalnum() and character < "\u2e80"
