"""Suffix arrays: every suffix of a text in order, so that equal stretches stand together."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_KEY_BITS = 62


def suffix_array(text: str) -> Ints:
    """The starts of the text's suffixes, in the order in which Python compares strings; [n].

    Prefix doubling (U. Manber, G. Myers, "Suffix arrays", 1993) that sorts only what is still
    in groups of equals (N. J. Larsson, K. Sadakane, "Faster suffix sorting", 2007), from a
    first key of several characters: O(n log n) comparisons a round, at most log2 n rounds.
    """
    n = len(text)
    if not n:
        return np.empty(0, dtype=np.int64)
    key, sorted_by = _first_keys(text)
    order = np.argsort(key)
    rank = np.zeros(n, dtype=np.int64)
    slots, keys = np.arange(n), key[order]
    while True:
        # A group's rank is its first slot + 1: it stays when the group falls apart.
        begins = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
        sizes = np.diff(begins, append=len(keys))
        rank[order[slots]] = np.repeat(slots[begins] + 1, sizes)
        open_ = np.repeat(sizes > 1, sizes)
        slots = slots[open_]
        if not len(slots):
            return order
        suffixes = order[slots]
        behind = suffixes + sorted_by
        next_rank = np.where(behind < n, rank[np.minimum(behind, n - 1)], 0)
        keys = rank[suffixes] * (n + 1) + next_rank
        again = np.argsort(keys)
        order[slots], keys = suffixes[again], keys[again]
        sorted_by *= 2


def _first_keys(text: str) -> tuple[Ints, int]:
    """A number for each suffix that orders it by its first characters, and how many those are."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    alphabet, letter = np.unique(codes, return_inverse=True)
    bits = len(alphabet).bit_length()
    width = max(1, _KEY_BITS // bits)
    padded = np.zeros(len(codes) + width, dtype=np.int64)
    padded[: len(codes)] = letter.reshape(-1) + 1
    key = np.zeros(len(codes), dtype=np.int64)
    for place in range(width):
        key = (key << bits) | padded[place : place + len(codes)]
    return key, width


def common_prefixes(text: str, suffixes: Ints) -> Ints:
    """How many characters each suffix shares with the one before it in the array; [n], O(n).

    T. Kasai et al., "Linear-time longest-common-prefix computation in suffix arrays and its
    applications", 2001.
    """
    n = len(text)
    order = suffixes.tolist()
    rank = [0] * n
    for slot, start in enumerate(order):
        rank[start] = slot
    shared = np.zeros(n, dtype=np.int64)
    length = 0
    for start in range(n):
        slot = rank[start]
        if not slot:
            length = 0
            continue
        other = order[slot - 1]
        most = n - max(start, other)
        while length < most and text[start + length] == text[other + length]:
            length += 1
        shared[slot] = length
        length = max(0, length - 1)
    return shared
