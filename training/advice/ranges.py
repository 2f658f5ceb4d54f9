"""Which settings suited which amount of data: the ranges of those who tuned on novels before us.

Epochs by rows, learning rate, length, rank, alpha and dropout are as the seeds of this project
found them (supervised tuning of Qwen on novels and scripts); preference tuning, which they did
not do, keeps to a gentler range of its own.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import log10

from training.tuning.config import Recipe

EPOCHS = ((100, 10.0, 20.0), (1_000, 5.0, 10.0), (10_000, 2.0, 5.0))
"""Rows, fewest and most epochs; between two rows of the table by the logarithm of the rows."""
LENGTHS = (512, 768, 1024, 1536, 2048)
RANKS = ((300, 8), (3_000, 16), (30_000, 32))
"""Below so many rows, this rank; above all, `MOST_RANK`."""
MOST_RANK = 64
LEAST_RANK = 4
ALPHA = (16.0, 32.0)
DROPOUT = (0.0, 0.02)
LEARNING_RATE = (1e-5, 1e-4)
PREFERENCE_RATE = (1e-6, 2e-5)
PREFERENCE_EPOCHS = (1.0, 3.0)


@dataclass(frozen=True, slots=True)
class Range:
    """What is usual, and what is advised within it."""

    low: float
    high: float
    advised: float

    def holds(self, value: float) -> bool:
        # A rounding hair outside is inside.
        return self.low * 0.999 <= value <= self.high * 1.001


def is_preference(recipe: Recipe) -> bool:
    return recipe.method in ("dpo", "kto")


def epochs(recipe: Recipe, rows: int) -> Range:
    if is_preference(recipe):
        return Range(*PREFERENCE_EPOCHS, advised=1.0)
    low, high = (_between(rows, column) for column in (1, 2))
    return Range(low, high, float(round((low + high) / 2)))


def _between(rows: int, column: int) -> float:
    first, last = EPOCHS[0], EPOCHS[-1]
    if rows <= first[0]:
        return first[column]
    for below, above in pairwise(EPOCHS):
        if rows <= above[0]:
            share = (log10(rows) - log10(below[0])) / (log10(above[0]) - log10(below[0]))
            return below[column] + share * (above[column] - below[column])
    return last[column]


def learning_rate(recipe: Recipe) -> Range:
    """Adapters bear the upper end; whoever changes every weight keeps to the lower."""
    low, high = PREFERENCE_RATE if is_preference(recipe) else LEARNING_RATE
    if not recipe.makes_adapter:
        return Range(low, high, low)
    return Range(low, high, high if not is_preference(recipe) else 5e-6)


def rank(rows: int) -> Range:
    advised = next((rank for most, rank in RANKS if rows < most), MOST_RANK)
    return Range(LEAST_RANK, MOST_RANK, advised)


def alpha(recipe: Recipe) -> Range:
    """Twice the rank, within the range."""
    low, high = ALPHA
    return Range(low, high, min(max(2.0 * recipe.tuning.rank, low), high))


def dropout() -> Range:
    return Range(*DROPOUT, advised=0.0)


def length(needed: int) -> Range:
    """The smallest usual one that holds `needed` tokens."""
    low, high = LENGTHS[0], LENGTHS[-1]
    return Range(low, high, next((each for each in LENGTHS if each >= needed), high))
