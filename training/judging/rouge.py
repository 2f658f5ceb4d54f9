"""ROUGE: how much of a reference's words an answer has (C.-Y. Lin, "ROUGE: a package for
automatic evaluation of summaries", 2004).

Counts are clipped as in the paper: a word that stands twice in the answer and once in the
reference is right once. ROUGE-L looks at the texts whole (the paper's sentence level, 3.1).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from training.judging.words import Variant, tokens

ROUGES = ("rouge-1", "rouge-2", "rouge-l")


@dataclass(frozen=True, slots=True)
class Rouge:
    """Each in 0..1; `f1` is the harmonic mean of the others."""

    f1: float
    precision: float
    recall: float


def rouge(answer: str, reference: str, variant: Variant) -> dict[str, Rouge]:
    """By the names of `ROUGES`."""
    given, wanted = tokens(answer, variant), tokens(reference, variant)
    return {
        "rouge-1": rouge_n(given, wanted, 1),
        "rouge-2": rouge_n(given, wanted, 2),
        "rouge-l": rouge_l(given, wanted),
    }


def rouge_n(answer: Sequence[str], reference: Sequence[str], n: int) -> Rouge:
    """Of n-grams of tokens; 0 where one of the texts has none."""
    given, wanted = ngrams(answer, n), ngrams(reference, n)
    return _score((given & wanted).total(), given.total(), wanted.total())


def rouge_l(answer: Sequence[str], reference: Sequence[str]) -> Rouge:
    """Of the longest common subsequence of tokens."""
    return _score(lcs_length(answer, reference), len(answer), len(reference))


def ngrams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[start:] for start in range(n)), strict=False))


def lcs_length(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of a longest common subsequence, a whole column of the table at a time.

    Bit i of the column is 0 where the table rises from row i to row i + 1 (M. Crochemore et
    al., "A fast and practical bit-vector algorithm for the longest common subsequence
    problem", 2001); columns are Python's integers, so nm / 30 steps inside a few operations.
    """
    rows: dict[str, int] = {}
    for row, token in enumerate(one):
        rows[token] = rows.get(token, 0) | 1 << row
    all_rows = (1 << len(one)) - 1
    column = all_rows
    for token in other:
        matches = column & rows.get(token, 0)
        column = ((column + matches) | (column - matches)) & all_rows
    return len(one) - column.bit_count()


def _score(common: int, given: int, wanted: int) -> Rouge:
    if not common:
        return Rouge(0.0, 0.0, 0.0)
    return Rouge(2 * common / (given + wanted), common / given, common / wanted)
