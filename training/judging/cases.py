"""What is asked of every side, and what a person answered: held-out items as prompts.

A conversation is asked for its last answer, a text to go on from its beginning; whoever judges
needs the answer that really stood there, so nothing is asked that has none.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from retrieval.chunk import sentences
from training.context import BEGUN, MADE_BY
from training.data.items import texts
from training.types import Chat, Item, Origin, Text, Turn

CONTEXT = MADE_BY.partition("/")[0] + "/"

BEFORE = 600
"""Characters of a text that are given to go on from, whole sentences; at most half of it."""
PROSE = 200
"""Characters from which an answer is prose that can be gone on with."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Case:
    """`turns` up to what is to be answered, or `before`, a text to go on from: one of the two.

    `begun` is how the answer begins, where the prompt gives that away; the reference goes on
    from there. `id` says the prompt and the reference, so that what was kept of another set is
    not taken.
    """

    id: str
    turns: tuple[Turn, ...]
    before: str
    reference: str
    origin: Origin
    begun: str = ""

    @property
    def asked(self) -> str:
        """What a reader is shown of the prompt: the last words said, or the text's end."""
        return self.begun or (self.turns[-1].text if self.turns else self.before)

    @property
    def recalls(self) -> bool:
        """Whether the prompt was made with recall already (`training.context`)."""
        return self.origin.made_by.startswith(CONTEXT)


def cases_of(items: Sequence[Item], most: int, length: int) -> list[Case]:
    """At most `most` cases, drawn evenly over the items; texts are gone on with for about
    `length` characters."""
    return list(_asked(evenly(items, most), length))


def openings_of(items: Iterable[Item], most: int, length: int) -> list[Case]:
    """At most `most` beginnings of long texts, drawn evenly: a text's own, which has its next
    `length` characters for a reference, or an answer that is prose, which has none."""
    return evenly([case for item in items for case in _opening(item, length)], most)


def _opening(item: Item, length: int) -> Iterator[Case]:
    if isinstance(item, Text):
        yield from _of_text(item, length)
    elif isinstance(item, Chat):
        for case in _of_chat(item):
            prose = case.begun + case.reference
            if len(prose) >= PROSE:
                yield _case((), prose, "", item.origin)


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of them, the first and as far apart as they can be."""
    count = min(most, len(items))
    return [items[n * len(items) // count] for n in range(count)]


def _asked(items: Iterable[Item], length: int) -> Iterator[Case]:
    for item in items:
        if isinstance(item, Text):
            yield from _of_text(item, length)
        elif isinstance(item, Chat):
            yield from _of_chat(item)
        elif item.chosen is not None:
            yield _case(item.turns, "", item.chosen, item.origin)


def _of_chat(chat: Chat) -> Iterator[Case]:
    last = max((n for n, turn in enumerate(chat.turns) if turn.is_learned), default=0)
    plain = all(turn.role != "tool" for turn in chat.turns[:last])
    if last and plain and chat.turns[last - 1].role == "user":
        answer = chat.turns[last].text
        begun = chat.extra.get(BEGUN, 0)
        begun = begun if isinstance(begun, int) and 0 <= begun < len(answer) else 0
        yield _case(chat.turns[:last], "", answer[begun:], chat.origin, answer[:begun])


def _of_text(text: Text, length: int) -> Iterator[Case]:
    whole = text.text.strip()
    begin = max(
        (end for _, end in sentences(whole) if end <= min(BEFORE, len(whole) // 2)), default=0
    )
    ends = [end for _, end in sentences(whole) if end > begin]
    if begin and ends:
        end = next((end for end in ends if end - begin >= length), ends[-1])
        yield _case((), whole[:begin], whole[begin:end].strip(), text.origin)


def _case(
    turns: tuple[Turn, ...], before: str, reference: str, origin: Origin, begun: str = ""
) -> Case:
    said = "\0".join([*(f"{turn.role}\1{turn.text}" for turn in turns), before, begun, reference])
    id = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:12]
    return Case(id, turns, before, reference, origin, begun)


def learned_texts(items: Iterable[Item]) -> list[str]:
    """What was learned to be said, each by itself: the author's own words, and what may have
    been learned by heart."""
    return [
        text
        for item in items
        for role, text, learned in texts(item)
        if learned and role != "rejected"
    ]
