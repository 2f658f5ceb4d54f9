"""Which items are held out to judge by. A book is in one part or the other, never in both."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from training.errors import BadInput
from training.types import Item

By = Literal["work", "source", "item"]


@dataclass(frozen=True, slots=True)
class Split:
    """Numbers of items from 0, in the set's order; `works` are the books that are held out."""

    train: list[int]
    held_out: list[int]
    works: tuple[str, ...]


def split(
    items: Sequence[Item],
    *,
    fraction: float = 0.1,
    works: Sequence[str] = (),
    by: By = "work",
    seed: int = 0,
) -> Split:
    """Hold out the named `works`, or about `fraction` of the items, whole groups drawn by `seed`.

    Items without a book are groups of their own. The same items and seed give the same split,
    and what is drawn does not change when other groups join. Raises BadInput: a work that is not
    there, a fraction outside 0 to 1, too few groups to divide.
    """
    groups: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        groups.setdefault(_group(item, number, by), []).append(number)
    chosen = _named(groups, works) if works else _drawn(groups, len(items), fraction, by, seed)
    held = {number for name in chosen for number in groups[name]}
    if len(held) == len(items):
        raise BadInput("全部留出就没有可训练的了，请少留一些")
    return Split(
        [number for number in range(len(items)) if number not in held],
        sorted(held),
        tuple(sorted(name for name in chosen if not name.startswith("\0"))),
    )


def _group(item: Item, number: int, by: By) -> str:
    """A book's title; a name that no book has for an item by itself."""
    own = f"\0{number}"
    if by == "item":
        return own
    return (item.origin.work if by == "work" else item.origin.source) or own


def _named(groups: dict[str, list[int]], works: Sequence[str]) -> list[str]:
    if missing := [work for work in works if work not in groups]:
        known = "、".join(name for name in list(groups)[:12] if not name.startswith("\0"))
        raise BadInput(f"里面没有《{missing[0]}》，有 {known or '（都没有写书名）'}")
    return list(dict.fromkeys(works))


def _drawn(
    groups: dict[str, list[int]], total: int, fraction: float, by: By, seed: int
) -> list[str]:
    if not 0 < fraction < 1:
        raise BadInput("留出的比例应大于 0、小于 1")
    if len(groups) < 2:
        name = next(iter(groups), "")
        way = "；请改用 --by item" if by != "item" and not name.startswith("\0") else ""
        raise BadInput(f"只有一组（{name.strip(chr(0)) or '空'}），分不成两份{way}")
    wanted = max(1, round(fraction * total))
    chosen, taken = [], 0
    ranked = sorted(groups, key=lambda name: _rank(name, seed))
    for name in ranked:
        if taken + len(groups[name]) <= wanted:
            chosen.append(name)
            taken += len(groups[name])
    return chosen or [min(ranked, key=lambda name: len(groups[name]))]


def _rank(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\0{name}".encode()).digest()
