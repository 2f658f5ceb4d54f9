"""Sticky, cooldown and delay, read off the text itself: no state is stored between requests.

The turns before the newest are played again, each as if it had been the newest, and what fired
then is sticky or resting now. So the same text gives the same answer however it came to be, and
editing an old paragraph takes its effects back. What fired but did not fit a budget counts as
fired: timing depends on the text, not on a model's window.

Replaying is bounded: it starts at a multiple of BLOCK turns, at least BLOCK turns back. (Were it
the last n turns of a sliding window, an entry with a cooldown whose key stands in every
paragraph would fire always or never, by n.) What fired before the start is forgotten.
"""

from dataclasses import dataclass, field

from retrieval.lore.firing import Fired
from retrieval.lore.prepared import Armed, PreparedLore
from retrieval.lore.replay import Replay
from retrieval.lore.types import Cause

BLOCK = 128
"""Turns; a replay covers between one block and two."""


def replay_start(turn: int) -> int:
    """The turn at which the replay for this one begins."""
    return max(0, (turn // BLOCK - 1) * BLOCK)


@dataclass(slots=True)
class Timers:
    """Who is held and who rests, turn by turn."""

    lore: PreparedLore
    held_from: dict[int, int] = field(default_factory=dict)
    """Entries that fired and are sticky, with the turn in which they did."""
    rests_until: dict[int, int] = field(default_factory=dict)
    """Entries with the last turn of their cooldown."""

    def held(self, turn: int) -> dict[int, Cause]:
        """Sticky entries at this turn; those whose time is over are forgotten."""
        causes: dict[int, Cause] = {}
        for place, since in list(self.held_from.items()):
            left = since + self.lore.entries[place].entry.sticky - turn
            if left < 0:
                del self.held_from[place]
            else:
                ago = turn - since
                why = (
                    f"{ago} 段之前触发，还保留 {left} 段"
                    if left
                    else f"{ago} 段之前触发，保留到这一段"
                )
                causes[place] = Cause("sticky", why, turn=ago)
        return causes

    def resting(self, place: int, turn: int) -> str | None:
        left = self.rests_until.get(place, -1) - turn
        return f"冷却中，还要等 {left + 1} 段" if left >= 0 else None

    def state(self) -> tuple[dict[int, int], dict[int, int]]:
        """A copy of (`held_from`, `rests_until`)."""
        return dict(self.held_from), dict(self.rests_until)

    def resume(self, replay: Replay) -> None:
        self.held_from, self.rests_until = dict(replay.held_from), dict(replay.rests_until)

    def note(self, fired: Fired, turn: int) -> None:
        """What fired at this turn, held entries apart, starts its times."""
        for place, cause in fired.causes.items():
            entry = self.lore.entries[place].entry
            if cause.kind == "sticky":
                continue
            if entry.sticky > 0:
                self.held_from[place] = turn
            if entry.cooldown > 0:
                self.rests_until[place] = turn + entry.sticky + entry.cooldown


def too_early(armed: Armed, turn: int) -> str | None:
    wanted = armed.entry.delay
    return f"开头 {wanted} 段之内不触发" if turn < wanted else None
