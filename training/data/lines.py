"""A file of JSON lines as a sequence that reads only what is asked for; parts and joins of such."""

import json
import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, overload

from training.data.items import item_from_json
from training.errors import BadInput
from training.types import Item


class _Items(Sequence[Item]):
    """What sequences of items have in common: they are read one by one."""

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        numbers = range(len(self))
        if isinstance(index, slice):
            return [self._item(number) for number in numbers[index]]
        return self._item(numbers[index])

    def _item(self, number: int) -> Item:
        raise NotImplementedError


class ItemLines(_Items):
    """The items of a `.jsonl` file by number; memory holds eight bytes a line.

    May be given to other threads and processes. Raises BadInput with the line for one that is
    no item.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._starts = array("Q", [0])
        with path.open("rb") as file:
            for line in file:
                self._starts.append(self._starts[-1] + len(line))
        self._file: int | None = None

    def __len__(self) -> int:
        return len(self._starts) - 1

    def _item(self, number: int) -> Item:
        start, end = self._starts[number], self._starts[number + 1]
        where = {"file": self.path.name, "number": number + 1}
        try:
            row = json.loads(os.pread(self._open(), end - start, start))
        except ValueError as error:
            raise BadInput("不是合格的 JSON", file=self.path, row=number + 1) from error
        return item_from_json(row, **where)  # type: ignore[arg-type]

    def _open(self) -> int:
        if self._file is None:
            self._file = os.open(self.path, os.O_RDONLY)
        return self._file

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}

    def __del__(self) -> None:
        if getattr(self, "_file", None) is not None:
            os.close(self._file)  # type: ignore[arg-type]


class Joined(_Items):
    """Several sequences one after another."""

    def __init__(self, *parts: Sequence[Item]) -> None:
        self._parts = parts
        self._ends = list(accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[Item]:
        return chain.from_iterable(self._parts)

    def _item(self, number: int) -> Item:
        part = bisect_right(self._ends, number)
        return self._parts[part][number - (self._ends[part - 1] if part else 0)]


class Picked(_Items):
    """Those of a sequence with these numbers, in their order; one may be there several times."""

    def __init__(self, items: Sequence[Item], numbers: Sequence[int]) -> None:
        self._items, self._numbers = items, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def _item(self, number: int) -> Item:
        return self._items[self._numbers[number]]
