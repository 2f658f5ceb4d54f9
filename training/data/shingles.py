"""Every run of so many characters of a text as a number, by which texts are compared.

White space does not count: the same words set in other lines are the same words.
"""

import re

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no information is lost modulo 2^64."""
_SPACE = re.compile(r"\s+")


def squeezed(text: str) -> str:
    return _SPACE.sub("", text)


def shingles(text: str, size: int) -> Numbers:
    """One number for each place where `size` characters begin, equal for equal characters;
    shape [max(0, len(text) - size + 1)]."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    count = len(points) - size + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    wide = points.astype(np.uint64) + np.uint64(1)
    numbers = np.zeros(count, np.uint64)
    for place in range(size):
        numbers = numbers * _FACTOR + wide[place : place + count]
    return numbers ^ (numbers >> np.uint64(31))


def shingle_set(text: str, size: int) -> Numbers:
    """Sorted, each once; a text shorter than `size` is one shingle by itself."""
    if not text:
        return np.zeros(0, np.uint64)
    return np.unique(shingles(text, min(size, len(text))))


def jaccard(one: Numbers, other: Numbers) -> float:
    """Of two sorted sets: 1 for the same, 0 for nothing in common."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / max(1, len(one) + len(other) - both)
