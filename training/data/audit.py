"""Whether text that is held out stands in the training part as well.

Three looks: the same words, nearly the same words (as duplicates are found), and any run of 32
or more characters in common, wherever it stands, white space aside. What a twentieth of all
training items have is the wording of a task, not a leak: it is told apart, and runs that reach
into it do not count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.duplicates import Boilerplate, Likeness, words_key
from training.data.items import texts
from training.data.shingles import Numbers, shingles, squeezed
from training.types import Item, Origin, Progress

SIZE = 32
NEAR = 0.6
TOLD = 50
"""Places told of each kind, the longest first."""
TEXT = 120
TEMPLATE_AT_LEAST = 20
TEMPLATE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Leak:
    """`length` characters that a training row and a held-out row share; rows from 1."""

    length: int
    train_row: int
    held_out_row: int
    train_place: str
    held_out_place: str
    text: str
    similarity: float | None = None


def audit(
    train: Sequence[Item], held_out: Sequence[Item], progress: Progress, *, size: int = SIZE
) -> dict[str, Any]:
    """Plain JSON: `clean`, and `exact`, `near`, `shared` with counts and the worst places.

    `train_rows` are those to leave out to be rid of every leak; `covered` is the share of the
    held-out runs that also stand in training.
    """
    index = _Runs(held_out, size)
    rows = _rows_with_runs(index, train, progress)
    templates = index.mark_templates(len(train))
    shared = [leak for row in rows for leak in index.leaks(row, train[row], held_out)]
    same, near = _whole_copies(train, held_out)
    covered, touched = index.covered()
    return {
        "clean": not (shared or same or near),
        "size": size,
        "train_rows": sorted({leak.train_row for leak in (*shared, *same, *near)}),
        "held_out_rows": sorted(touched | {leak.held_out_row for leak in (*same, *near)}),
        "exact": _told(same),
        "near": _told(near),
        "shared": _told(shared) | {"covered": round(covered, 6)},
        "templates": templates,
    }


class _Runs:
    """Every run of `size` characters of the held-out texts, by its number."""

    def __init__(self, held_out: Sequence[Item], size: int) -> None:
        self.size = size
        self._texts: list[tuple[int, str]] = []
        numbers: list[Numbers] = []
        for row, item in enumerate(held_out):
            for _, text, _ in texts(item):
                self._texts.append((row, squeezed(text)))
                numbers.append(shingles(self._texts[-1][1], size))
        every = np.concatenate([np.zeros(0, np.uint64), *numbers])
        self._starts = np.cumsum([0, *map(len, numbers)])
        self._runs, self._first, self._which = np.unique(
            every, return_index=True, return_inverse=True
        )
        self._rows_having = np.zeros(len(self._runs), np.uint32)
        self._template = np.zeros(len(self._runs), bool)

    def see(self, item: Item) -> bool:
        """Count the runs that a training item has; False where it has none."""
        found = [self._found(squeezed(text)) for _, text, _ in texts(item)]
        known = np.unique(np.concatenate([which[which >= 0] for which in found]))
        self._rows_having[known] += 1
        return bool(len(known))

    def mark_templates(self, train_rows: int) -> list[dict[str, Any]]:
        """Runs that very many training items have, each stretch of text told once."""
        limit = max(TEMPLATE_AT_LEAST, TEMPLATE_SHARE * train_rows)
        self._template = self._rows_having >= limit
        told: dict[str, int] = {}
        for number, (_, text) in enumerate(self._texts):
            which = self._which[self._starts[number] : self._starts[number + 1]]
            for start, end in _stretches(self._template[which]):
                said = text[start : end + self.size - 1][:TEXT]
                told[said] = max(told.get(said, 0), int(self._rows_having[which[start]]))
            if len(told) >= TOLD:
                break
        return [{"text": text, "train_rows": rows} for text, rows in told.items()]

    def leaks(self, row: int, item: Item, held_out: Sequence[Item]) -> Iterator[Leak]:
        for _, said, _ in texts(item):
            text = squeezed(said)
            which = self._found(text)
            known = which >= 0
            template = np.zeros(len(which), bool)
            template[known] = self._template[which[known]]
            telling = known & ~_reaching(template, self.size)
            for start, end in _stretches(telling):
                there, offset = self._place(int(which[start]))
                held_row, held_text = self._texts[there]
                run = text[start : end + self.size - 1]
                if held_text[offset : offset + self.size] != run[: self.size]:
                    continue  # the numbers agree by chance
                yield Leak(
                    len(run), row + 1, held_row + 1, _place(item.origin),
                    _place(held_out[held_row].origin), run[:TEXT],
                )  # fmt: skip

    def covered(self) -> tuple[float, set[int]]:
        """(share of the runs that training has, held-out rows from 1 that have such runs)."""
        leaked = total = 0
        rows = set()
        for number, (start, end) in enumerate(pairwise(self._starts)):
            which = self._which[start:end]
            telling = ~_reaching(self._template[which], self.size)
            found = int((telling & (self._rows_having[which] > 0)).sum())
            leaked, total = leaked + found, total + int(telling.sum())
            if found:
                rows.add(self._texts[number][0] + 1)
        return leaked / max(1, total), rows

    def _found(self, text: str) -> NDArray[np.int64]:
        """Which held-out run begins at each place of a text; -1 for none."""
        numbers = shingles(text, self.size)
        if not len(self._runs):
            return np.full(len(numbers), -1, np.int64)
        at = np.minimum(np.searchsorted(self._runs, numbers), len(self._runs) - 1)
        return np.where(self._runs[at] == numbers, at, -1)

    def _place(self, which: int) -> tuple[int, int]:
        """The first text that has a run, and where in it."""
        first = int(self._first[which])
        number = int(np.searchsorted(self._starts, first, side="right")) - 1
        return number, first - int(self._starts[number])


def _rows_with_runs(index: _Runs, train: Sequence[Item], progress: Progress) -> list[int]:
    rows = []
    for row, item in enumerate(train):
        progress(row, len(train))
        if index.see(item):
            rows.append(row)
    progress(len(train), len(train))
    return rows


def _whole_copies(train: Sequence[Item], held_out: Sequence[Item]) -> tuple[list[Leak], list[Leak]]:
    same, near = [], []
    first = {words_key(item): row for row, item in reversed(list(enumerate(held_out)))}
    likeness = Likeness(NEAR, Boilerplate(train))
    for row, item in enumerate(held_out):
        likeness.add(row, item)
    for row, item in enumerate(train):
        if (held_row := first.get(words_key(item))) is not None:
            same.append(_copy(row, item, held_row, held_out, None))
        elif found := likeness.nearest(row, item, held_out):
            near.append(_copy(row, item, found.kept, held_out, found.similarity))
    return same, near


def _copy(
    row: int, item: Item, held_row: int, held_out: Sequence[Item], similarity: float | None
) -> Leak:
    said = squeezed("".join(text for _, text, learned in texts(item) if learned))
    places = _place(item.origin), _place(held_out[held_row].origin)
    return Leak(len(said), row + 1, held_row + 1, *places, said[:TEXT], similarity)


def _stretches(marked: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """(start, end) of each unbroken stretch of what is marked."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _reaching(marked: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """The runs that share a character with a run that is marked."""
    if not marked.any():
        return marked
    before = np.concatenate([[0], np.cumsum(marked)])
    at = np.arange(len(marked))
    first, last = np.maximum(at - size + 1, 0), np.minimum(at + size, len(marked))
    near: NDArray[np.bool_] = before[last] > before[first]
    return near


def _told(leaks: Sequence[Leak]) -> dict[str, Any]:
    longest = sorted(leaks, key=lambda leak: (-leak.length, leak.train_row))[:TOLD]
    return {
        "count": len(leaks),
        "characters": sum(leak.length for leak in leaks),
        "worst": [asdict(leak) for leak in longest],
    }


def _place(origin: Origin) -> str:
    work = f"《{origin.work}》" if origin.work else ""
    return " ".join(part for part in (work, origin.source, origin.place) if part)
