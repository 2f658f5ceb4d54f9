"""A file of JSON lines as a sequence that reads only what is asked for."""

import json
import os
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

from training.data.items import item_from_json
from training.errors import BadInput
from training.types import Item


class ItemLines(Sequence[Item]):
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

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number = range(len(self))[index]
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
