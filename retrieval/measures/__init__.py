"""What can be counted in a text: how it repeats itself, how it is written, what it copies.

For the guard that watches a text being written and for judging one that is: both must mean the
same by their numbers. White space never counts, so that layout changes nothing; punctuation
does. Knows texts, nothing of models, prompts or who wrote them.
"""

from retrieval.measures.copied import Copied, Copies, Span
from retrieval.measures.repetition import (
    LENGTHS,
    Repeat,
    Repetition,
    distinct,
    longest_repeat,
    most_repeated_sentence,
    repetition,
    repetition_at,
    seq_rep,
)
from retrieval.measures.style import Difference, Fingerprint, difference, fingerprint

__all__ = [
    "LENGTHS",
    "Copied",
    "Copies",
    "Difference",
    "Fingerprint",
    "Repeat",
    "Repetition",
    "Span",
    "difference",
    "distinct",
    "fingerprint",
    "longest_repeat",
    "most_repeated_sentence",
    "repetition",
    "repetition_at",
    "seq_rep",
]
