"""Texts to tokens for lexical search: characters, and pairs of neighbouring characters.

A token is a number that means the same in every index and every process, so that postings
made at different times can be searched together: a character's folded code point, or two of
them, the first shifted left by PAIR_SHIFT. Punctuation and white space are no letters, and
no pair crosses them. Knows nothing of passages or scores.
"""

import unicodedata

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]

PAIR_SHIFT = 21
"""Bits of a code point; a pair is larger than any single character."""
_CODE_POINTS = 0x110000
_UNSEEN = -1
_NONE = 0

_LETTER = np.full(_CODE_POINTS, _UNSEEN, dtype=np.int32)
"""What each code point counts as, filled in as it is met. Racing threads write the same."""


def _folded(code: int) -> int:
    """The code point a character counts as (width and case folded), 0 for what is no word."""
    char = unicodedata.normalize("NFKC", chr(code)).lower()
    if len(char) != 1:
        char = chr(code)
    return ord(char) if char.isalnum() else _NONE


def letters(text: str) -> Codes:
    """The folded code point of each character, 0 where it is no letter; [len(text)]."""
    # surrogatepass: a lone surrogate from a broken import must not stop the index.
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.int32)
    found: Codes = _LETTER[codes]
    if (found == _UNSEEN).any():
        for code in np.unique(codes[found == _UNSEEN]):
            _LETTER[code] = _folded(int(code))
        found = _LETTER[codes]
    return found


def tokens(letter: Codes) -> tuple[Ints, Ints]:
    """Tokens of a text's letters and, for each, where in the text it begins."""
    single = np.flatnonzero(letter)
    pair = single[:-1][np.diff(single) == 1] if len(single) else single
    wide = letter.astype(np.int64)
    pairs = (wide[pair] << PAIR_SHIFT) | wide[pair + 1]
    return np.concatenate([wide[single], pairs]), np.concatenate([single, pair])


def query_tokens(text: str) -> tuple[Ints, Ints]:
    """The distinct tokens of a query, rising, and how often each occurs."""
    found, _ = tokens(letters(text))
    distinct, times = np.unique(found, return_counts=True)
    return distinct, times.astype(np.int64)
