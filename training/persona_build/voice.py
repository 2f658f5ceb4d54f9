"""Lines that show a voice: more like the speaker than like the others, and unlike each other.

Lines are compared by their characters and pairs of neighbouring characters, as the lexical index
does; nothing is asked of a model, so the same script gives the same lines.
"""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from retrieval.measures.letters import bare

SHORTEST, LONGEST = 8, 60
"""Characters of a line that can be a sample."""
POOL = 4
"""How many of the most typical lines there are to choose from, for each that is chosen; the less
typical half of all lines is never among them, unless there are too few."""
_WIDTH = 4096
_OTHERS = 3000

Vectors = NDArray[np.float32]


def chosen(own: Sequence[str], others: Sequence[str], count: int) -> list[int]:
    """Indices of at most `count` of `own`, the most typical first; each text once.

    Where too few have the length of a sample, the others count too.
    """
    fit = _fit(own, count)
    if not fit:
        return []
    vectors = _vectors([own[n] for n in fit])
    typical = vectors @ _middle(vectors) - vectors @ _middle(_vectors(_spread(others)))
    size = min(POOL * count, max(count, len(fit) // 2))
    pool = np.argsort(-typical, kind="stable")[:size]
    taken = [int(pool[0])]
    while len(taken) < min(count, len(pool)):
        alike = (vectors[pool] @ vectors[taken].T).max(axis=1)
        alike[np.isin(pool, taken)] = np.inf
        taken.append(int(pool[int(alike.argmin())]))
    return [fit[n] for n in taken]


def _fit(own: Sequence[str], count: int) -> list[int]:
    first: dict[str, int] = {}
    for n, text in enumerate(own):
        if bare(text):
            first.setdefault(bare(text), n)
    good = [n for text, n in first.items() if SHORTEST <= len(text) <= LONGEST]
    return good if len(good) >= count else list(first.values())


def _spread(texts: Sequence[str]) -> Sequence[str]:
    """At most so many of them, from all over."""
    return texts[:: max(1, len(texts) // _OTHERS)]


def _vectors(texts: Sequence[str]) -> Vectors:
    """[n, width], rows of length 1; pairs of characters that are rare weigh more."""
    counts = np.zeros((len(texts), _WIDTH), np.float32)
    for row, text in enumerate(texts):
        letters = bare(text)
        for gram in (*letters, *(letters[n : n + 2] for n in range(len(letters) - 1))):
            counts[row, crc32(gram.encode("utf-8", "replace")) % _WIDTH] += 1
    rarity = np.log((1 + len(texts)) / (1 + (counts > 0).sum(axis=0))) + 1
    weighed = np.log1p(counts) * rarity
    return np.asarray(
        weighed / np.maximum(np.linalg.norm(weighed, axis=1, keepdims=True), 1e-9), np.float32
    )


def _middle(vectors: Vectors) -> Vectors:
    if not len(vectors):
        return np.zeros(_WIDTH, np.float32)
    mean = vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)
