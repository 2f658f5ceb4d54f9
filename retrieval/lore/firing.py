"""Which entries fire at one turn: constants, keys, and what their contents bring in.

Rounds end by construction: an entry fires at most once, and there are no more rounds than the
books allow. Budgets are not known here: they decide what stands, not what fires.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from retrieval.lore.chance import draw, pick
from retrieval.lore.prepared import Armed, PreparedLore
from retrieval.lore.types import Cause, Logic

Told = Callable[[int], frozenset[int]]
"""The keys that stand in the content of the entry at this place."""


class Gate(Protocol):
    """Reasons, other than keys, for which an entry may not fire now."""

    def closed(self, place: int, armed: Armed) -> str | None:
        """Why not, for an author; None when it may."""
        ...


@dataclass(slots=True)
class Fired:
    """What one turn came to: causes in the order of firing, and reasons of near misses."""

    causes: dict[int, Cause] = field(default_factory=dict)
    missed: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moment:
    """One turn as firing sees it."""

    near: Mapping[int, int]
    """Keys in the text, each with the turns before the newest in which it stands last."""
    held: Mapping[int, Cause]
    """Sticky entries that have not let go."""
    seed: str
    turn: int
    broken: Mapping[int, str]
    """Keys that cannot be searched; more may come while contents are searched."""


def fire(lore: PreparedLore, moment: Moment, gate: Gate, told: Told) -> Fired:
    return _Turn(lore, moment, gate, told).run()


class _Turn:
    def __init__(self, lore: PreparedLore, moment: Moment, gate: Gate, told: Told) -> None:
        self.lore = lore
        self.moment = moment
        self.gate = gate
        self.told_by = told
        self.told: dict[int, int] = {}
        """Keys in contents that fired, each with the entry that brought it first."""
        self.groups: dict[str, int] = {}
        """Groups that have an entry."""
        self.out: set[int] = set()
        """Entries that are settled for this turn: they did not get in."""
        self.result = Fired()

    def run(self) -> Fired:
        self._join(self.moment.held)
        self._admit({n: c for n in self._reached() if (c := self._cause(n, 0, 0)) is not None})
        levels = [*self.lore.levels] or [0]
        level, grew = levels.pop(0), bool(self.result.causes)
        for step in range(1, self.lore.rounds + 1):
            # A level waits until those below it have brought in all they can.
            if not grew and step > 1:
                if not levels:
                    break
                level = levels.pop(0)
            grew = self._admit(
                {n: c for n in self._reached() if (c := self._cause(n, step, level)) is not None}
            )
        return self.result

    def _reached(self) -> list[int]:
        """Entries not yet settled that a key, or being constant, makes candidates."""
        by_key = self.lore.by_key
        places = {n for k in (*self.moment.near, *self.told) for n in by_key.get(k, ())}
        places.update(self.lore.constants)
        return sorted(places - self.result.causes.keys() - self.out)

    def _cause(self, place: int, step: int, level: int) -> Cause | None:
        """Why the entry would fire in this round; None where it does not, or not yet."""
        armed = self.lore.entries[place]
        wait = armed.entry.delay_until_recursion
        contents = step > 0 and armed.listens and step <= armed.book.max_recursion
        if wait and not contents:
            self._miss(place, _NEVER_BROUGHT if not armed.listens else _NOT_BROUGHT)
            return None
        if wait > level:
            return None
        if armed.entry.constant:
            return Cause("constant", "常驻条目")
        found = self._primary(armed, contents)
        if found is None:
            return None
        refusal = self._secondary(armed, contents)
        if refusal:
            self._miss(place, f"{found.why}，但{refusal}")
            return None
        return found

    def _primary(self, armed: Armed, contents: bool) -> Cause | None:
        near = self.moment.near
        seen = [(near[k], n, k) for n, k in enumerate(armed.keys) if self._in_text(armed, k)]
        if seen:
            turn, _, key = min(seen)
            name = self.lore.keys[key]
            return Cause("key", f"“{name}”{_where(turn)}", name, turn)
        for key in armed.keys if contents else ():
            if key in self.told:
                by, name = self.lore.entries[self.told[key]].entry, self.lore.keys[key]
                why = f"“{by.title}”的内容里提到“{name}”"
                return Cause("recursion", why, name, by=by.id)
        return None

    def _in_text(self, armed: Armed, key: int) -> bool:
        turn = self.moment.near.get(key)
        return turn is not None and turn <= armed.depth

    def _secondary(self, armed: Armed, contents: bool) -> str | None:
        """What is wrong with the secondary keys; None when their condition holds."""
        if not armed.secondary:
            return None
        if any(k in self.moment.broken for k in armed.secondary):
            return "次要关键词里有查不了的正则表达式"
        present = [
            self._in_text(armed, k) or (contents and k in self.told) for k in armed.secondary
        ]
        match armed.entry.logic:
            case Logic.AND_ANY:
                return None if any(present) else "次要关键词一个也没有出现"
            case Logic.AND_ALL:
                return None if all(present) else "次要关键词没有全部出现"
            case Logic.NOT_ANY:
                return "出现了不该出现的次要关键词" if any(present) else None
            case Logic.NOT_ALL:
                return "次要关键词全都出现了" if all(present) else None

    def _admit(self, candidates: Mapping[int, Cause]) -> bool:
        """Let in those whom gate, groups and dice let; whether there was one."""
        for place in candidates:
            reason = self.gate.closed(place, self.lore.entries[place])
            if reason is not None:
                self._refuse(place, reason)
        self._settle_groups([n for n in candidates if n not in self.out])
        for place in [n for n in candidates if n not in self.out]:
            chance = self.lore.entries[place].entry.probability
            if chance < 100 and self._draw("chance", place) * 100 >= chance:
                self._refuse(place, f"按 {chance}% 的概率，这里没有抽中")
        admitted = {n: c for n, c in candidates.items() if n not in self.out}
        self._join(admitted)
        return bool(admitted)

    def _settle_groups(self, places: Iterable[int]) -> None:
        """One entry of each group goes on; one that is in already keeps the others out."""
        contenders: dict[str, list[int]] = {}
        for place in places:
            for group in self.lore.entries[place].groups:
                contenders.setdefault(group, []).append(place)
        for group in sorted(contenders):
            alive = [n for n in contenders[group] if n not in self.out]
            if not alive:
                continue
            winner = self.groups.get(group)
            if winner is None:
                winner = self._winner(group, alive)
            name = self.lore.entries[winner].entry.title
            for place in alive:
                if place != winner:
                    self._refuse(place, f"同组“{group}”里这次用的是“{name}”")

    def _winner(self, group: str, places: list[int]) -> int:
        entries = {n: self.lore.entries[n].entry for n in places}
        first = [n for n, entry in entries.items() if entry.group_override]
        if first:
            return max(first, key=lambda n: (entries[n].priority, entries[n].order, -n))
        ids = {entry.id: n for n, entry in entries.items()}
        weights = {entry.id: entry.group_weight for entry in entries.values()}
        return ids[pick(self.moment.seed, weights, "group", group, self.moment.turn)]

    def _join(self, causes: Mapping[int, Cause]) -> None:
        for place, cause in causes.items():
            armed = self.lore.entries[place]
            self.result.causes[place] = cause
            self.result.missed.pop(place, None)
            for group in armed.groups:
                self.groups.setdefault(group, place)
            if armed.speaks and self.lore.rounds:
                for key in self.told_by(place):
                    self.told.setdefault(key, place)

    def _draw(self, what: str, place: int) -> float:
        entry = self.lore.entries[place].entry
        return draw(self.moment.seed, what, entry.id, self.moment.turn)

    def _miss(self, place: int, reason: str) -> None:
        self.result.missed[place] = reason

    def _refuse(self, place: int, reason: str) -> None:
        self.out.add(place)
        self._miss(place, reason)


_NEVER_BROUGHT = "只由别的条目引出，而这本设定集没有开启引出，或本条不许被引出"
_NOT_BROUGHT = "只由别的条目引出，这里没有轮到"


def _where(turn: int) -> str:
    return "出现在最新一段里" if turn == 0 else f"出现在往前第 {turn} 段里"
