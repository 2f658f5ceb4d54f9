"""The prompt: what goes in, what stays out, why, and never more than the window holds.

Items are placed in rounds (what is required, each group's own share, what is left over),
counted with the served model's tokenizer, and the rendered whole is counted once more,
template and all, until it fits. Training renders its examples here too, so that a tuned
model meets in service exactly what it was taught on.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from retrieval.budget import DEFAULT_SHARES, ORDER, allowances
from retrieval.errors import PromptTooLarge
from retrieval.shorten import shorten, shorten_tail
from retrieval.snippet import around
from retrieval.template import PromptTemplate
from retrieval.types import ContextItem, Group, Left, Placed, Prompt, Refused, TokenCounter

SMALLEST_PIECE = 48
"""Tokens below which a shortened item says nothing and is dropped instead."""

HEADING = 12
"""Tokens set aside for a block's heading and line ends until the whole is counted."""

CHANGING = (Group.PASSAGES, Group.BEAT)
"""What differs from one continuation to the next, whatever the author changes."""


def build(
    items: Sequence[ContextItem],
    *,
    tokens: TokenCounter,
    limit: int,
    template: PromptTemplate,
    variables: Mapping[str, Any] | None = None,
    shares: Mapping[Group, float] = DEFAULT_SHARES,
    refused: Sequence[Refused] = (),
) -> Prompt:
    """The prompt of at most `limit` tokens, with an account of every item.

    `refused` are items that may not stand whatever the room, each with the reason that the
    author is told beside those that did not fit.

    Raises PromptTooLarge when what is required does not fit.
    """
    frame = tokens.count_messages(template.render((), variables))
    desk = _Desk(items, tokens, limit - frame, limit)
    desk.place_required()
    desk.place_shares(shares)
    desk.place_left_over(shares)
    return _fit(desk, template, variables, refused)


class _Desk:
    """Items being placed against a shrinking number of tokens."""

    def __init__(
        self, items: Sequence[ContextItem], tokens: TokenCounter, room: int, limit: int
    ) -> None:
        self.tokens = tokens
        self.limit = limit
        self.room = room
        self.left = room
        self.full = dict(zip(items, tokens.count([i.text for i in items]), strict=True))
        self.placed: dict[ContextItem, Placed] = {}
        self.waiting = sorted(
            (i for i in items if i.text.strip()), key=lambda i: (-i.priority, i.order, i.id)
        )
        self.reasons: dict[ContextItem, str] = {i: "内容为空" for i in items if not i.text.strip()}

    def cost(self, item: ContextItem) -> int:
        return self.full[item] + HEADING

    @staticmethod
    def cost_of(placed: Placed) -> int:
        return placed.tokens + HEADING

    def place_required(self) -> None:
        """What must stand, the indivisible first; the divisible share what remains."""
        required = [i for i in self.waiting if i.required]
        for item in [i for i in required if i.keep is None]:
            if self.cost(item) > self.left:
                raise PromptTooLarge(
                    f"{item.source}有 {self.full[item]} 词元，超出了模型的窗口"
                    f"（共 {self.limit} 词元），请缩短它，或换用窗口更大的模型。"
                )
            self._put(item, item.text, "必需")
        divisible = [i for i in required if i.keep is not None]
        for n, item in enumerate(divisible):
            # The verbatim tail waits for its share; it only takes its minimum here.
            part = self.left // (len(divisible) - n)
            wanted = min(self.cost(item), part, max(SMALLEST_PIECE + HEADING, self.room // 5))
            self._put_shortened(item, wanted, "必需")
            if item not in self.placed:
                raise self.too_large()

    def place_shares(self, shares: Mapping[Group, float]) -> None:
        """Each group fills its own share, best first.

        A share too small for the group's best item may be overdrawn to twice its size: in a
        small window one whole passage is worth more than none.
        """
        room = allowances(self.room, shares)
        for group, share in room.items():
            best = next((i for i in self.waiting if i.group is group), None)
            if best is not None and share < self.cost(best) <= 2 * share:
                room[group] = self.cost(best)
        for placed in self.placed.values():
            room[placed.item.group] -= placed.tokens + HEADING
        for item in [i for i in self.waiting if i not in self.placed]:
            share = min(room[item.group], self.left)
            if self.cost(item) <= share:
                self._put(item, item.text, "在本组的份额内")
                room[item.group] -= self.cost(item)

    def place_left_over(self, shares: Mapping[Group, float]) -> None:
        """What groups do not use goes to the tail, then to what waits, best first."""
        for item in [i for i in self.placed if i.group is Group.TAIL]:
            self._grow(item, self._tail_room(shares))
        used = sum(self.cost_of(p) for p in self.placed.values() if p.item.group in CHANGING)
        kept_free = self._kept_for_changing(shares) - used
        self._place_passages(min(kept_free, self.left))
        self._place_waiting(self.waiting, self.left)

    def _place_passages(self, room: int) -> None:
        """The best two share the room, shortened where they must be, then the rest."""
        waiting = [i for i in self.waiting if i.group is Group.PASSAGES and i not in self.placed]
        for parts, item in zip((min(2, len(waiting)), 1), waiting, strict=False):
            before = self.left
            self._place_waiting([item], room // parts)
            room -= before - self.left
        self._place_waiting(waiting, room)

    def _tail_room(self, shares: Mapping[Group, float]) -> int:
        """The tail's share and what the slowly changing groups leave, less room for
        passages and beat of at least a fifth of the whole.

        What the changing groups (passages, beat) happen to take counts only in quarters of
        the room, so that the tail begins at the same place in one continuation and the next.
        """
        changing = [i for i in self.full if i.group in CHANGING]
        steady = sum(
            self.cost_of(p)
            for p in self.placed.values()
            if p.item.group is not Group.TAIL and p.item not in changing
        )
        share = allowances(self.room, shares)[Group.TAIL]
        wanted = sum(self.cost(i) for i in changing)
        free = self.room - steady - share
        quarter = max(1, self.room // 4)
        unwanted = (free - wanted) // quarter * quarter
        return share + max(0, unwanted, free - self._kept_for_changing(shares))

    def _kept_for_changing(self, shares: Mapping[Group, float]) -> int:
        """Tokens that passages and beat may count on, where there are any."""
        room = allowances(self.room, shares)
        groups = {i.group for i in self.full if i.group in CHANGING}
        share = sum(room[group] for group in groups)
        return max(share, self.room // 5 if Group.PASSAGES in groups else 0)

    def _place_waiting(self, items: Sequence[ContextItem], room: int) -> None:
        for item in [i for i in items if i not in self.placed]:
            before = self.left
            if self.cost(item) <= room:
                self._put(item, item.text, "用了别组省下的份额")
            elif item.keep is not None and room >= SMALLEST_PIECE + HEADING:
                self._put_shortened(item, room, "用了别组省下的份额")
            else:
                self.reasons[item] = (
                    f"放不下：要 {self.full[item]} 词元，只剩 {max(0, room - HEADING)}"
                )
            room -= before - self.left

    def give_back(self, excess: int) -> bool:
        """Free about `excess` tokens, least important first; False when nothing can go."""
        optional = [p for p in self.placed.values() if not p.item.required]
        if optional:
            weakest = min(optional, key=lambda p: (p.item.priority, -p.item.order))
            if not self._shrink(weakest, excess, "已按窗口缩短"):
                self._take(weakest.item, "整体超出窗口，它的优先级最低")
            return True
        return any(
            self._shrink(placed, excess, "必需，已按窗口缩短")
            for placed in list(self.placed.values())
        )

    def _shrink(self, placed: Placed, excess: int, reason: str) -> bool:
        """Shorten it by `excess` tokens; False where too little of it would be left."""
        if placed.item.keep is None or placed.tokens - excess < SMALLEST_PIECE:
            return False
        self._take(placed.item, "整体超出窗口，它的优先级最低")
        self._put_shortened(placed.item, placed.tokens - excess + HEADING, reason)
        return True

    def too_large(self) -> PromptTooLarge:
        needed = sum(self.full[i] for i in self.waiting if i.required and i.keep is None)
        return PromptTooLarge(
            f"必需的内容（本段要求等，{needed} 词元）占满了窗口给提示词的 {self.limit} 词元，"
            "请缩短本段要求，或换用窗口更大的模型。"
        )

    def _put(self, item: ContextItem, text: str, reason: str, count: int | None = None) -> None:
        size = self.full[item] if count is None else count
        self.placed[item] = Placed(item, text, size, reason)
        self.left -= size + HEADING

    def _put_shortened(self, item: ContextItem, room: int, reason: str) -> None:
        if self.cost(item) <= room:
            self._put(item, item.text, reason)
            return
        text, count = self._shortened(item, room - HEADING)
        if text:
            self._put(item, text, f"{reason}，缩短到 {count} 词元", count)
        else:
            self.reasons[item] = f"放不下：只剩 {max(0, room - HEADING)} 词元"

    def _shortened(self, item: ContextItem, room: int) -> tuple[str, int]:
        if item.group is Group.TAIL and item.keep == "end":
            return shorten_tail(item.text, room, self.tokens)
        if item.keep == "around":
            return around(item.text, item.focus, room, self.tokens)
        return shorten(item.text, room, item.keep or "start", self.tokens)

    def _grow(self, item: ContextItem, room: int) -> None:
        old = self.placed[item]
        if old.shortened:
            self._take(item, "")
            self._put_shortened(item, min(room, self.left), "必需")

    def _take(self, item: ContextItem, reason: str) -> None:
        self.left += self.placed.pop(item).tokens + HEADING
        self.reasons[item] = reason


def _fit(
    desk: _Desk,
    template: PromptTemplate,
    variables: Mapping[str, Any] | None,
    refused: Sequence[Refused],
) -> Prompt:
    """Render, count the whole, and give back until it is inside the limit."""
    while True:
        kept = _in_order(desk.placed.values())
        messages = template.render(kept, variables)
        total = desk.tokens.count_messages(messages)
        if total <= desk.limit:
            break
        if not desk.give_back(total - desk.limit):
            raise desk.too_large()
    dropped = tuple(
        Left(item, size, desk.reasons.get(item, "没有用上"))
        for item, size in desk.full.items()
        if item not in desk.placed
    ) + _refused(desk.tokens, refused)
    return Prompt(messages, total, desk.limit, kept, dropped, template.version)


def _refused(tokens: TokenCounter, refused: Sequence[Refused]) -> tuple[Left, ...]:
    sizes = tokens.count([item.text for item, _ in refused]) if refused else []
    return tuple(
        Left(item, size, reason) for (item, reason), size in zip(refused, sizes, strict=True)
    )


def _in_order(placed: Any) -> tuple[Placed, ...]:
    return tuple(sorted(placed, key=lambda p: (ORDER.index(p.item.group), p.item.order, p.item.id)))
