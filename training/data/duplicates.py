"""Items that say the same, or nearly so. The first one in the set's order stays.

Exact copies are told by their words alone, whatever the spacing. Near ones by the share of
character 5-grams in common (Jaccard): MinHash and LSH (datasketch) find the candidates, and the
share itself decides. Prompts that many items share, as an instruction's wording, say nothing
about an item and are not counted.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.data.items import texts
from training.data.shingles import Numbers, jaccard, shingle_set, squeezed
from training.types import Item, Progress

SIZE = 5
PERMUTATIONS = 128
THRESHOLD = 0.8
COMMON_AT_LEAST = 20
COMMON_SHARE = 0.05
"""A prompt's shingle that so large a part of the items has is boilerplate."""
_BUCKETS = 1 << 22
_PIECE = 4096


@dataclass(frozen=True, slots=True)
class Copy:
    """Item `dropped` says what item `kept` says; both by their number, from 0."""

    dropped: int
    kept: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Duplicates:
    kept: list[int] = field(default_factory=list)
    exact: list[Copy] = field(default_factory=list)
    near: list[Copy] = field(default_factory=list)


def find_duplicates(
    items: Sequence[Item], progress: Progress, *, threshold: float = THRESHOLD, near: bool = True
) -> Duplicates:
    """Goes through the items twice; holds a signature of each, not the items."""
    found = Duplicates()
    exact, instead = ExactCopies(), dict[int, int]()
    likeness = Likeness(threshold, Boilerplate(items)) if near else None
    for number, item in enumerate(items):
        progress(number, len(items))
        if (same := exact.first_of(item, number)) is not None:
            # The first copy may itself have gone for one that is nearly the same.
            found.exact.append(Copy(number, instead.get(same, same), 1.0))
        elif likeness and (copy := likeness.nearest(number, item, items)):
            found.near.append(copy)
            instead[number] = copy.kept
        else:
            found.kept.append(number)
            if likeness:
                likeness.add(number, item)
    progress(len(items), len(items))
    return found


class ExactCopies:
    def __init__(self) -> None:
        self._first: dict[bytes, int] = {}

    def first_of(self, item: Item, number: int) -> int | None:
        """The number of the first item with the same words; None for one that is new."""
        first = self._first.setdefault(words_key(item), number)
        return None if first == number else first


def words_key(item: Item) -> bytes:
    said = "\0".join(f"{role}\1{squeezed(text)}" for role, text, _ in texts(item))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()


class Boilerplate:
    """Which shingles of prompts so many items share that they tell no item from another."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._counts = np.zeros(_BUCKETS, np.uint32)
        total = 0
        for item in items:
            total += 1
            buckets = np.unique(_prompts(item) % np.uint64(_BUCKETS))
            self._counts[buckets] += 1
        self._limit = max(COMMON_AT_LEAST, COMMON_SHARE * total)

    def without(self, prompts: Numbers) -> Numbers:
        telling: Numbers = prompts[self._counts[prompts % np.uint64(_BUCKETS)] < self._limit]
        return telling


class Likeness:
    """Finds among the items that were added those that an item is nearly the same as."""

    def __init__(self, threshold: float, boilerplate: Boilerplate) -> None:
        from datasketch import MinHash, MinHashLSH  # type: ignore[import-untyped]

        self._threshold, self._boilerplate = threshold, boilerplate
        # Weighted against missing a pair: the true share decides about every candidate.
        self._index = MinHashLSH(threshold, PERMUTATIONS, weights=(0.1, 0.9))
        self._blank = MinHash(PERMUTATIONS, seed=1, hashfunc=int, scheme="affine64")

    def add(self, number: int, item: Item) -> None:
        telling = self.telling(item)
        if len(telling):
            self._index.insert(number, self._signature(telling), check_duplication=False)

    def nearest(self, number: int, item: Item, items: Sequence[Item]) -> Copy | None:
        """The most similar item of those added (the first of several), if it is similar enough."""
        telling = self.telling(item)
        if not len(telling):
            return None
        best: Copy | None = None
        for other in sorted(self._index.query(self._signature(telling))):
            likeness = jaccard(telling, self.telling(items[other]))
            if likeness >= self._threshold and (best is None or likeness > best.similarity):
                best = Copy(number, other, round(likeness, 4))
        return best

    def telling(self, item: Item) -> Numbers:
        """The shingles that tell what the item says, sorted."""
        answers = [shingle_set(squeezed(text), SIZE) for _, text, learned in texts(item) if learned]
        return np.unique(np.concatenate([self._boilerplate.without(_prompts(item)), *answers]))

    def _signature(self, telling: Numbers) -> Any:
        signature = self._blank.copy()
        for start in range(0, len(telling), _PIECE):
            signature.update_batch(telling[start : start + _PIECE])
        return signature


def _prompts(item: Item) -> Numbers:
    parts = [shingle_set(squeezed(text), SIZE) for _, text, learned in texts(item) if not learned]
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.uint64)
