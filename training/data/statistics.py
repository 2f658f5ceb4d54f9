"""What can be counted in a set: how much there is, how long, who speaks, what is missing.

Counts characters, and tokens where a tokenizer is given: those of the texts alone, without what
a chat template adds. The result is plain JSON, for the page and for programs.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from training.data.items import is_blank, texts
from training.errors import MissingBase
from training.types import Item, Text

EDGES = (0, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
"""Lower edges of the histogram's bars; the last bar has no upper edge."""
PREVIEW = 60
WORKS_TOLD = 100
BATCH = 256

CountTokens = Callable[[Sequence[str]], list[int]]
"""Texts to the number of tokens of each."""


def count_tokens_with(folder: Path) -> CountTokens:
    """Counts with the tokenizer of a model's folder. Raises MissingBase without one."""
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json" if folder.is_dir() else folder
    if not path.is_file():
        raise MissingBase(f"{folder} 里没有 tokenizer.json，数不了词元，请换一个模型目录。")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()

    def count(batch: Sequence[str]) -> list[int]:
        return [len(each) for each in tokenizer.encode_batch(batch, add_special_tokens=False)]

    return count


def statistics_of(items: Iterable[Item], count_tokens: CountTokens | None = None) -> dict[str, Any]:
    tally, rest = Tally(count_tokens), iter(items)
    while batch := list(islice(rest, BATCH)):
        tally.add(batch)
    return tally.result()


class Tally:
    """Counts as items pass by; holds some bytes an item, not the items."""

    def __init__(self, count_tokens: CountTokens | None = None) -> None:
        self._count_tokens = count_tokens
        self._lengths: array[int] = array("Q")
        self._tokens: array[int] = array("Q")
        self._learned = self._learned_tokens = 0
        self._turns = self._empty = 0
        self._roles: Counter[str] = Counter()
        self._works: Counter[str] = Counter()
        self._longest: dict[str, Any] | None = None

    def add(self, batch: Sequence[Item]) -> None:
        parts = [list(texts(item)) for item in batch]
        for item, said in zip(batch, parts, strict=True):
            self._add(item, said)
        if self._count_tokens is not None:
            self._add_tokens(parts)

    def result(self) -> dict[str, Any]:
        """`histogram` and `lengths` are in tokens where those were counted, else characters."""
        counted = self._count_tokens is not None
        measured = self._tokens if counted else self._lengths
        return {
            "rows": len(self._lengths),
            "characters": sum(self._lengths),
            "learned_characters": self._learned,
            "tokens": sum(self._tokens) if counted else None,
            "learned_tokens": self._learned_tokens if counted else None,
            "turns": self._turns,
            "roles": dict(self._roles),
            "empty_outputs": self._empty,
            "longest": self._longest,
            "unit": "tokens" if counted else "characters",
            "lengths": _spread(measured),
            "histogram": _histogram(measured),
            "works": [{"work": w, "rows": n} for w, n in self._works.most_common(WORKS_TOLD)],
            "works_count": len(self._works),
        }

    def _add(self, item: Item, said: list[tuple[str, str, bool]]) -> None:
        length = sum(len(text) for _, text, _ in said)
        self._lengths.append(length)
        self._learned += sum(len(text) for _, text, learned in said if learned)
        self._roles.update(role for role, _, _ in said)
        if item.origin.work:
            self._works[item.origin.work] += 1
        if not isinstance(item, Text):
            self._turns += len(said)
            self._empty += any(turn.is_learned and is_blank(turn) for turn in item.turns)
        if self._longest is None or length > self._longest["characters"]:
            preview = next((text for _, text, _ in said if text.strip()), "").strip()[:PREVIEW]
            row = len(self._lengths)
            self._longest = {"row": row, "characters": length, "preview": preview}

    def _add_tokens(self, parts: list[list[tuple[str, str, bool]]]) -> None:
        assert self._count_tokens is not None
        counts = iter(self._count_tokens([text for said in parts for _, text, _ in said]))
        for said in parts:
            of_item = [(next(counts), learned) for _, _, learned in said]
            self._tokens.append(sum(n for n, _ in of_item))
            self._learned_tokens += sum(n for n, learned in of_item if learned)


def _spread(lengths: Sequence[int]) -> dict[str, float]:
    if not lengths:
        return dict.fromkeys(("mean", "median", "p90", "p99", "max"), 0)
    ranked = sorted(lengths)

    def at(share: float) -> int:
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]

    mean = round(sum(ranked) / len(ranked), 1)
    return {"mean": mean, "median": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": ranked[-1]}


def _histogram(lengths: Iterable[int]) -> dict[str, list[int]]:
    counts = [0] * len(EDGES)
    for length in lengths:
        counts[bisect_right(EDGES, length) - 1] += 1
    return {"edges": list(EDGES), "counts": counts}
