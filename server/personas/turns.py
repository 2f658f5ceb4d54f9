"""Whose turn it is among several: the one who was named, else the next in order. Knows names and
texts, no rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.mentions import Mentions
from retrieval.types import Character


@dataclass(frozen=True, slots=True)
class Seat:
    """A member's place in the order of turns."""

    id: str
    names: tuple[str, ...]
    free: bool
    """Whether they may be asked to speak without being chosen."""


@dataclass(frozen=True, slots=True)
class Words:
    """What was said, and by whom; None: the user."""

    by: str | None
    text: str


def next_speaker(seats: Sequence[Seat], said: Sequence[Words]) -> str | None:
    """Who speaks after `said`; None where nobody may.

    The first whom the user's last words name; else the last whom the last speaker's words name,
    since they end with whom they turn to; else the next after that speaker.
    """
    free = [seat for seat in seats if seat.free]
    if not free:
        return None
    mentions = Mentions([Character(seat.id, seat.names[0], seat.names[1:]) for seat in free])
    if said and said[-1].by is None and (named := _named(mentions, said[-1].text)):
        return named[0]
    last = next((words for words in reversed(said) if words.by is not None), None)
    if last is None:
        return free[0].id
    named = [id for id in _named(mentions, last.text) if id != last.by]
    return named[-1] if named else _after(seats, last.by)


def _named(mentions: Mentions, text: str) -> list[str]:
    """In the order in which they are named; a name that several have names nobody."""
    found = (mention.character_id for mention in mentions.find(text))
    return [id for id in found if id is not None]


def _after(seats: Sequence[Seat], last: str | None) -> str:
    at = next((n for n, seat in enumerate(seats) if seat.id == last), -1)
    return next(seat.id for seat in (*seats[at + 1 :], *seats[: at + 1]) if seat.free)
