"""Items being placed against a shrinking number of tokens, round by round.

Which rounds there are, and in which order, is `retrieval.prompt`'s matter.
"""

from collections.abc import Mapping, Sequence

from retrieval import settling
from retrieval.budget import allowances
from retrieval.errors import PromptTooLarge
from retrieval.shorten import shorten, shorten_tail
from retrieval.snippet import around, focus
from retrieval.types import ContextItem, Group, Left, Placed, TokenCounter

SMALLEST_PIECE = 48
"""Tokens below which a shortened item says nothing and is dropped instead."""

HEADING = 12
"""Tokens set aside for a block's heading and line ends until the whole is counted."""

FRAME = (Group.SYSTEM, Group.RECAP, Group.LORE, Group.THREADS)
"""The groups whose unused shares the steady items may have."""

FRESH = 20
"""What is newly called for has this part of the room, behind the text: each token there is read
anew with every continuation."""

KEPT = 0.5
"""The part of its room that the chapter's text fills where it has to begin somewhere else. Less
makes that rarer and cheaper, and the model see less of the chapter. Over eight rows of ten
continuations in the sample novel 0.4 to 0.6 were alike to the engine; with half, 600 of 2,400
tokens were the chapter's text on average."""

STAYED = "上次续写时就在这里，文字和位置都没有变"


class Placing:
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

    def place_required(self, but: Group | None = None) -> None:
        """What must stand, the indivisible first; the divisible share what remains."""
        required = [i for i in self.waiting if i.required and i.group is not but]
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

    def place_steady(self, shares: Mapping[Group, float]) -> None:
        """What stays the same between two continuations: each group fills its share, best
        first, and half of what the frame's groups leave goes to those that wait. Only items
        that stand before them count, so that they do stay the same."""
        room = allowances(self.room, shares)
        for placed in self._standing(late=False):
            room[placed.item.group] -= self.cost_of(placed)
        steady = [i for i in self.waiting if i not in self.placed and self._steady(i)]
        frame = [i for i in steady if i.group is not Group.CAST]
        for item in frame:
            self._put_within(item, room)
        spare = sum(max(0, room[group]) for group in FRAME)
        self._place_waiting(frame, min(spare // 2, self.left))
        for item in [i for i in steady if i.group is Group.CAST]:
            self._put_within(item, room)

    @staticmethod
    def _steady(item: ContextItem) -> bool:
        if item.changes or item.group is Group.TAIL:
            return False
        return item.group in settling.STEADY or not item.settled

    def _put_within(self, item: ContextItem, room: dict[Group, int]) -> None:
        if self.cost(item) <= min(room[item.group], self.left):
            self._put(item, item.text, "在本组的份额内")
            room[item.group] -= self.cost(item)
        else:
            self.reasons[item] = f"放不下：要 {self.full[item]} 词元，本组只剩 {room[item.group]}"

    def place_tail(self, shares: Mapping[Group, float]) -> None:
        """What the frame leaves, but for the share of the cast and the room of what changes:
        who is in the scene may change, and the text has to begin at the same place."""
        standing = self._standing(late=False)
        frame = sum(self.cost_of(p) for p in standing if p.item.group is not Group.CAST)
        cast = sum(self.cost_of(p) for p in standing if p.item.group is Group.CAST)
        kept = max(cast, allowances(self.room, shares)[Group.CAST]) if self._has_cast() else 0
        room = self.room - frame - kept - self._changing_room(shares)
        for item in [i for i in self.placed if i.group is Group.TAIL]:
            self._grow(item, room)

    def _has_cast(self) -> bool:
        return any(i.group is Group.CAST and not i.changes for i in self.full)

    def place_changing(self, shares: Mapping[Group, float]) -> None:
        """Passages, then whatever else the beat and the last lines call for.

        Where the chapter is longer than its room they keep to theirs: each token here is read
        anew by the engine with every continuation, and none before.
        """
        room = self.left
        if any(p.shortened for p in self.placed.values() if p.item.group is Group.TAIL):
            used = sum(self.cost_of(p) for p in self._standing(late=True))
            room = min(room, self._changing_room(shares) - used)
        waiting = [i for i in self.waiting if i not in self.placed and i.changes]
        passages = [i for i in waiting if i.group is Group.PASSAGES]
        others = [i for i in waiting if i.group is not Group.PASSAGES]
        room -= self._place_passages(passages, room - room // 3 if others else room)
        room -= self._place_waiting(others, room)
        self._place_waiting(passages, room)

    def place_settling(self, shares: Mapping[Group, float]) -> None:
        """What was found for this place, to stand before the text from now on: in the room of
        what changes, or in half of what the text leaves free."""
        text = sum(self.cost(i) for i in self.full if i.group is Group.TAIL)
        begun = sum(self.cost_of(p) for p in self._of(Group.TAIL))
        beat = sum(self.cost_of(p) for p in self._standing(late=True))
        room = max(self._changing_room(shares) - beat, (self.left + begun - text) // 2)
        waiting = [i for i in self.waiting if i not in self.placed and i.settled]
        passages = [i for i in waiting if i.group is Group.PASSAGES]
        lore = [i for i in waiting if i.group is Group.LORE]
        room -= self._place_passages(passages, room - room // 3 if lore else room)
        room -= self._place_waiting(lore, room)
        self._place_waiting(passages, room)

    def place_stood(self) -> None:
        """What settled earlier, as it stood."""
        for item in [i for i in self.waiting if i.settled and i not in self.placed]:
            self._put(item, item.text, STAYED)

    def begin_tail_anew(self) -> None:
        """All of the text where it fits; else the end of it, with room to grow."""
        for placed in self._of(Group.TAIL):
            item = placed.item
            most = self.left + self.cost_of(placed) - self._fresh_room()
            if placed.shortened:
                least = min(self.cost_of(placed), SMALLEST_PIECE + HEADING)
                self._take(item, "")
                self._put_end(
                    item, most if self.cost(item) <= most else max(least, int(most * KEPT))
                )

    def tail_goes_on(self, length: int) -> None:
        """Put the last `length` characters of the text, whatever the room."""
        for item in [i for i in self.waiting if i.group is Group.TAIL]:
            text = item.text[-length:]
            self._put(item, text, "必需", self.tokens.count([text])[0])

    def goes_on_well(self, total: int) -> bool:
        """Whether something new finds room in a whole of `total` tokens, all headings counted,
        and enough of the text stands in it."""
        self.left = self.limit - total
        short = [p for p in self._of(Group.TAIL) if p.shortened
                 and p.tokens < (self.left + p.tokens) * KEPT / 2]  # fmt: skip
        return self.left >= SMALLEST_PIECE + HEADING and not short

    def place_fresh(self) -> None:
        """What is newly called for: the passages that rank before all that stand, the best
        first, and what the beat or the last lines bring in."""
        room = min(self.left, self._fresh_room())
        waiting = [i for i in self.waiting if i not in self.placed and i.changes]
        passages = [i for i in waiting if i.group is Group.PASSAGES]
        # A thread that this text plants is told by it; one that did not fit is not news.
        threads = [i for i in waiting if i.group is Group.THREADS]
        self.reasons |= dict.fromkeys(threads, "等正文换一处开头时再排，免得前面的内容都要重读")
        others = [i for i in waiting if i.group not in (Group.PASSAGES, Group.THREADS)]
        first = max(room - room // 3, SMALLEST_PIECE + HEADING) if others else room
        room -= self._place_better(passages, min(first, room))
        self._place_waiting(others, room)

    def _place_better(self, passages: Sequence[ContextItem], room: int) -> int:
        """The passages before the first that tells what stands already. Returns what they took."""
        before = self.left
        said = [p.text for p in self._of(Group.PASSAGES)]
        for n, item in enumerate(passages):
            rest = room - (before - self.left)
            if rest < SMALLEST_PIECE + HEADING or (said and settling.tells(said, item)):
                self.reasons |= dict.fromkeys(passages[n:], "前面已经有更要紧的，或这里放不下")
                break
            self._place_waiting([item], rest)
        return before - self.left

    def _of(self, group: Group) -> list[Placed]:
        return [p for p in self.placed.values() if p.item.group is group]

    def _fresh_room(self) -> int:
        return max(self.room // FRESH, SMALLEST_PIECE + HEADING)

    def _standing(self, *, late: bool) -> list[Placed]:
        return [
            p
            for p in self.placed.values()
            if p.item.changes is late and p.item.group is not Group.TAIL
        ]

    def _changing_room(self, shares: Mapping[Group, float]) -> int:
        """The shares of passages and beat, less what the outline took of the latter; no less
        than an eighth of the whole. Where nothing waits for it, the beat's alone."""
        room = allowances(self.room, shares)
        outline = sum(
            self.cost_of(p) for p in self._standing(late=False) if p.item.group is Group.BEAT
        )
        if any((i.changes or i.settled) and not i.required for i in self.full):
            return max(self.room // 8, room[Group.PASSAGES] + room[Group.BEAT] - outline)
        beat = sum(self.cost(i) for i in self.full if i.changes)
        step = max(1, self.room // 16)
        return -(-beat // step) * step

    def _place_passages(self, passages: Sequence[ContextItem], room: int) -> int:
        """The best two share the room, shortened where they must be. Returns what they took."""
        before = self.left
        for parts, item in zip((min(2, len(passages)), 1), passages, strict=False):
            rest = room - (before - self.left)
            self._place_waiting([item], rest // parts if item.keep else rest)
        return before - self.left

    def _place_waiting(self, items: Sequence[ContextItem], room: int) -> int:
        """Those that fit into the room, best first. Returns what they took."""
        start = self.left
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
        return start - self.left

    def give_back(self, excess: int) -> bool:
        """Free about `excess` tokens, least important first; False when nothing can go."""
        optional = [p for p in self.placed.values() if not p.item.required]
        if optional:
            weakest = min(
                optional, key=lambda p: (not p.item.changes, p.item.priority, -p.item.order)
            )
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

    def _put_end(self, item: ContextItem, room: int) -> None:
        """The text's last whole sentences within the room."""
        text, count = shorten(item.text, room - HEADING, "end", self.tokens)
        self._put(item, text, "必需", count)

    def _shortened(self, item: ContextItem, room: int) -> tuple[str, int]:
        if item.group is Group.TAIL and item.keep == "end":
            return shorten_tail(item.text, room, self.tokens)
        if item.keep == "around":
            return around(item.text, focus(item.text, item.about), room, self.tokens)
        return shorten(item.text, room, item.keep or "start", self.tokens)

    def _grow(self, item: ContextItem, room: int) -> None:
        old = self.placed[item]
        if old.shortened:
            self._take(item, "")
            self._put_shortened(item, min(room, self.left), "必需")
            if item not in self.placed:
                self._put(item, old.text, old.reason, old.tokens)

    def _take(self, item: ContextItem, reason: str) -> None:
        self.left += self.placed.pop(item).tokens + HEADING
        self.reasons[item] = reason

    def dropped(self) -> list[Left]:
        """What found no place, each with its reason."""
        return [
            Left(item, size, self.reasons.get(item, "没有用上"))
            for item, size in self.full.items()
            if item not in self.placed
        ]
