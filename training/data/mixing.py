"""Several sets as one, each by its weight; what is repeated or left out is told."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from training.data.lines import Joined, Picked
from training.errors import BadInput
from training.types import Item

By = Literal["times", "share"]


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    items: Sequence[Item]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one set: `taken` rows in the mix, of which `repeated` are there again;
    `left_out` of its rows are not in it at all."""

    name: str
    rows: int
    weight: float
    taken: int
    repeated: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Mix:
    """`items` are read when they are asked for."""

    items: Sequence[Item]
    told: tuple[Told, ...]


def mix(parts: Sequence[Part], *, by: By = "times", rows: int | None = None, seed: int = 0) -> Mix:
    """`times`: a weight says how often each row of a set is there, 0.5 every second one, 2 twice.

    `share`: weights are proportions of the rows of the mix, which has `rows` rows, or as many
    as make the first set be there once. Which rows are there more or less often than others is
    drawn by `seed`, as is the order. Raises BadInput for weights that give nothing.
    """
    if not parts or any(not part.items for part in parts):
        raise BadInput("混合的每个数据集都要有数据")
    if any(part.weight <= 0 for part in parts):
        raise BadInput("权重应大于 0")
    if rows is not None and by != "share":
        raise BadInput("--rows 只用于按比例（share）混合")
    counts = _by_share(parts, rows) if by == "share" else _by_times(parts)
    order: list[int] = []
    told, before = [], 0
    for number, (part, count) in enumerate(zip(parts, counts, strict=True)):
        drawn = _draw(len(part.items), count, random.Random(f"{seed}/{number}/{part.name}"))
        order += [before + row for row in drawn]
        told.append(_tell(part, drawn))
        before += len(part.items)
    random.Random(f"{seed}/order").shuffle(order)
    return Mix(Picked(Joined(*(part.items for part in parts)), order), tuple(told))


def _by_times(parts: Sequence[Part]) -> list[int]:
    return [max(1, round(len(part.items) * part.weight)) for part in parts]


def _by_share(parts: Sequence[Part], rows: int | None) -> list[int]:
    whole = sum(part.weight for part in parts)
    total = rows if rows is not None else len(parts[0].items) * whole / parts[0].weight
    return [max(1, round(total * part.weight / whole)) for part in parts]


def _draw(size: int, count: int, chance: random.Random) -> list[int]:
    """`count` of `size` rows, none more than once oftener than another."""
    times, rest = divmod(count, size)
    return [*range(size)] * times + sorted(chance.sample(range(size), rest))


def _tell(part: Part, drawn: Sequence[int]) -> Told:
    different, size = len(set(drawn)), len(part.items)
    return Told(part.name, size, part.weight, len(drawn), len(drawn) - different, size - different)
