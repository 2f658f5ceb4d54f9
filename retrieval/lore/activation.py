"""From books and turns to the entries that join a prompt, with the reason of each.

The same books, turns, view and seed give the same answer, so that a prompt can be made again and
trained on; the one exception is a regular expression that takes about as long as it is allowed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from retrieval.lore.budget import too_many
from retrieval.lore.firing import Fired, Moment, fire
from retrieval.lore.items import order_of
from retrieval.lore.keys import Search
from retrieval.lore.prepared import Armed, PreparedLore, prepare
from retrieval.lore.replay import Replay
from retrieval.lore.timing import Timers, replay_start, too_early
from retrieval.lore.types import Activation, Lorebook, LoreEntry, LoreHit
from retrieval.timeline import View
from retrieval.types import TokenCounter


def activate(
    books: Sequence[Lorebook] | PreparedLore,
    turns: Sequence[str],
    view: View,
    *,
    seed: str,
    count: TokenCounter | None = None,
    budget: int | None = None,
    earlier: int = 0,
) -> Activation:
    """What fires at the newest of `turns` (oldest first), as `view` lets it be seen.

    A hidden entry neither fires nor brings in others. `seed` names the text (a chapter's id, a
    chat's): dice and groups fall by it, the entry and the turn. `budget` bounds all entries
    together and each book's own bounds its own, in tokens; without `count` neither is applied.
    `earlier` is how many turns of the text come before those given.
    """
    lore = books if isinstance(books, PreparedLore) else prepare(books)
    if not turns:
        turns = ("",)
    run = _Run(lore, turns, view, seed, earlier)
    fired = run.at_the_newest()
    # As they stand: by placement and order, then as the author listed them.
    places = sorted(fired.causes, key=lambda n: (order_of(lore.entries[n].entry), n))
    hits = [_hit(lore.entries[n], fired, n) for n in places]
    account = [(lore.entries[n].entry, why) for n, why in sorted(fired.missed.items())]
    if count is not None:
        sizes = count.count([h.entry.content for h in hits])
        hits = [replace(h, tokens=size) for h, size in zip(hits, sizes, strict=True)]
        over = too_many(hits, lore.budgets, budget)
        account += [(hits[n].entry, f"{hits[n].reason}，但{why}") for n, why in over.items()]
        hits = [h for n, h in enumerate(hits) if n not in over]
    return Activation(tuple(hits), tuple(account), tuple(run.faults()))


class _Run:
    """One activation: what was searched, what it cost, what is refused."""

    def __init__(
        self, lore: PreparedLore, turns: Sequence[str], view: View, seed: str, earlier: int
    ) -> None:
        self.lore = lore
        self.turns = turns
        self.view = view
        self.seed = seed
        self.earlier = earlier
        self.turn = 0
        self.timers = Timers(lore)
        self.search = Search(broken=dict(lore.finder.broken))
        self.seen: dict[int, frozenset[int]] = {}
        self.contents: dict[int, frozenset[int]] = {}
        self.refusals: dict[int, str | None] = {}

    def at_the_newest(self) -> Fired:
        newest = self.earlier + len(self.turns) - 1
        start = max(self.earlier, replay_start(newest)) if self.lore.timed else newest
        first = max(self.earlier, start - self.lore.deepest)
        # The newest text first: should patterns use up their time, it is on what matters.
        for turn in range(newest, first - 1, -1):
            self.seen[turn] = self.lore.finder.find(self.turns[turn - self.earlier], self.search)
        if start < newest:
            self._replay(first, start, newest)
        return self._at(newest)

    def _replay(self, first: int, start: int, newest: int) -> None:
        """Play the turns before the newest, or what has come since they were last played."""
        texts = tuple(self.turns[first - self.earlier : newest - self.earlier])
        last = None
        if not self._gave_up():
            last = self.lore.replays.resumed(self.seed, first, start, texts, self._hidden)
        if last is not None:
            self.timers.resume(last)
        for turn in range(last.stop if last else start, newest):
            if turn == newest - 1 and not self._gave_up():
                # The last paragraph is still being written: the next time it is another.
                self._keep(first, start, turn, texts[: turn - first])
            self.timers.note(self._at(turn), turn)

    def _keep(self, first: int, start: int, stop: int, texts: tuple[str, ...]) -> None:
        played = Replay(first, start, stop, texts, dict(self.refusals), *self.timers.state())
        self.lore.replays.keep(self.seed, played)

    def _gave_up(self) -> bool:
        """Whether a pattern took too long this time: another time it may not."""
        return len(self.search.broken) > len(self.lore.finder.broken)

    def _at(self, turn: int) -> Fired:
        self.turn = turn
        # What is hidden now never fired in the replay, so it is not held either.
        held = self.timers.held(turn)
        moment = Moment(self._near(turn), held, self.seed, turn, self.search.broken)
        return fire(self.lore, moment, self, self._told)

    def _near(self, turn: int) -> Mapping[int, int]:
        near: dict[int, int] = {}
        for back in range(min(self.lore.deepest, turn - self.earlier) + 1):
            for key in self.seen.get(turn - back, ()):
                if key not in near and key not in self.search.broken:
                    near[key] = back
        return near

    def _told(self, place: int) -> frozenset[int]:
        if place not in self.contents:
            content = self.lore.entries[place].entry.content
            self.contents[place] = self.lore.finder.find(content, self.search)
        return self.contents[place]

    def closed(self, place: int, armed: Armed) -> str | None:
        """`Gate.closed`: the view, a cooldown, a delay."""
        return (
            self._hidden(place)
            or self.timers.resting(place, self.turn)
            or too_early(armed, self.turn)
        )

    def _hidden(self, place: int) -> str | None:
        if place not in self.refusals:
            validity = self.lore.entries[place].entry.validity
            self.refusals[place] = self.view.refuses(validity)
        return self.refusals[place]

    def faults(self) -> list[tuple[LoreEntry, str]]:
        if not self.search.broken:
            return []
        return [
            (armed.entry, f"“{self.lore.keys[key]}”：{self.search.broken[key]}")
            for armed in self.lore.entries
            for key in (*armed.keys, *armed.secondary)
            if key in self.search.broken
        ]


def _hit(armed: Armed, fired: Fired, place: int) -> LoreHit:
    return LoreHit(armed.entry, armed.book.id, armed.book.name, fired.causes[place])
