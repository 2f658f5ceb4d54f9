"""Where the last replay of a text came to, so that the next one goes on from there.

From one continuation to the next a chapter grows in its last paragraph and behind it, and what was
played once plays the same again: a turn depends on the turns up to it, the seed, and which of the entries it asked for
may be seen. All three are compared; where one differs, everything is played again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

MOST_TEXTS = 16
"""Texts (chapters, chats) of which the last replay is remembered."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The timers after the turns from `start` to before `stop`."""

    first: int
    """The first turn that was searched: before `start`, as far as keys reach back."""
    start: int
    stop: int
    texts: tuple[str, ...]
    """The turns from `first` to before `stop`."""
    refusals: Mapping[int, str | None]
    """Of the entries that were asked for, by place: why they could not be seen."""
    held_from: Mapping[int, int]
    rests_until: Mapping[int, int]


class Replays:
    """The last replay of each text, by its seed. Safe to share between threads."""

    def __init__(self) -> None:
        self._last: dict[str, Replay] = {}

    def keep(self, seed: str, replay: Replay) -> None:
        if seed not in self._last and len(self._last) >= MOST_TEXTS:
            self._last.clear()
        self._last[seed] = replay

    def resumed(
        self,
        seed: str,
        first: int,
        start: int,
        texts: Sequence[str],
        refusal: Callable[[int], str | None],
    ) -> Replay | None:
        """The replay to go on from, where `texts`, the turns from `first` on, begin with its."""
        last = self._last.get(seed)
        if last is None or (last.first, last.start) != (first, start):
            return None
        if tuple(texts[: len(last.texts)]) != last.texts:
            return None
        same = all(refusal(place) == reason for place, reason in last.refusals.items())
        return last if same else None
