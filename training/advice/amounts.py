"""How much a recipe's data sets hold, as the trainer will see it: examples in tokens.

Large sets are looked at by an even sample; what is said of the whole is then an estimate.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from training.data.store import find, load
from training.publishing.lineage import DataUsed
from training.tuning.base import load_tokenizer
from training.tuning.config import Recipe
from training.tuning.masks import Pair, Refused
from training.tuning.prepare import Reader, reader
from training.types import Item, Progress

SAMPLE = 4_000
"""Rows looked at in each data set."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One row of a sample: its examples' tokens; empty where it cannot be learned."""

    item: Item
    tokens: tuple[int, ...]


@dataclass(slots=True)
class Amounts:
    """`rows`, `examples`, `tokens` and `learned` are of one epoch, weights counted; an example is
    what a batch counts, a pair of answers for DPO. `lengths` are sorted tokens of the sampled
    texts, before anything is cut or left out."""

    rows: float = 0.0
    held_out_rows: int = 0
    examples: float = 0.0
    tokens: float = 0.0
    learned: float = 0.0
    unlearnable: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    lengths: list[int] = field(default_factory=list)
    sampled: bool = False
    seen: list[Seen] = field(default_factory=list)
    data: list[DataUsed] = field(default_factory=list)

    def percentile(self, share: float) -> int:
        """The length that `share` of the examples do not exceed; 0 where there are none."""
        if not self.lengths:
            return 0
        return self.lengths[max(0, ceil(share * len(self.lengths)) - 1)]

    def over(self, length: int) -> float:
        """The share of examples longer than `length`."""
        if not self.lengths:
            return 0.0
        return 1 - bisect_right(self.lengths, length) / len(self.lengths)


def measure(recipe: Recipe, base: Path, data_dir: Path, progress: Progress) -> Amounts:
    """Raises BadInput for a data set that is not there, MissingBase for a base that is not, or
    that cannot converse."""
    told, read = Amounts(), reader(recipe, *load_tokenizer(base))
    for part in recipe.data:
        held = load(find(part.path, data_dir))
        items = held.train if part.split == "train" else held.held_out
        told.held_out_rows += len(held.held_out) if part.split == "train" else 0
        told.data.append(DataUsed(held.card.name, held.card.digest, len(items)))
        chosen = range(0, len(items), max(1, -(-len(items) // SAMPLE)))
        told.sampled |= len(chosen) < len(items)
        for done, number in enumerate(chosen, 1):
            # Each row looked at stands for those between it and the next, by its own weight.
            item = items[number]
            share = part.weight * item.weight * len(items) / len(chosen)
            _add(told, item, share, read, recipe)
            progress(done, len(chosen), f"数一数 {held.card.name}")
    told.lengths.sort()
    return told


def _add(told: Amounts, item: Item, share: float, read: Reader, recipe: Recipe) -> None:
    told.rows, length = told.rows + share, recipe.length
    try:
        found = read(item)
    except Refused as refused:
        told.unlearnable += share
        told.reasons[str(refused)] += 1
        told.seen.append(Seen(item, ()))
        return
    examples = found.answers() if isinstance(found, Pair) else found
    sizes = tuple(len(example) for example in examples)
    told.examples += share * (1 if recipe.method == "dpo" else len(examples))
    told.tokens += share * sum(min(size, length) for size in sizes)
    told.learned += share * sum(example.cut(length).targets for example in examples)
    told.lengths.extend(sizes)
    told.seen.append(Seen(item, sizes))
