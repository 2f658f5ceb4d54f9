"""How long a text is, as authors count, and how much of it a save changed."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from server.edits import Edit

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

MOST_COMPARED = 250_000
"""Product of the lengths of two stretches beyond which one counts as wholly replaced."""


def chars_of(text: str) -> int:
    """Characters without the blanks."""
    return len(_solid(text))


def han_of(text: str) -> int:
    """Chinese characters alone: no punctuation, no digits, no letters."""
    return len(_HAN.findall(text))


def changed_chars(old: str, new: str, edits: Sequence[Edit]) -> tuple[int, int]:
    """(added, removed) characters, blanks not counted; `edits` turn `old` into `new`.

    Added less removed is what the text grew by. Inside an edit, what stands in both counts as
    kept, as far as comparing is cheap.
    """
    added = removed = shift = 0
    for edit in edits:
        out = _solid(old[edit.start : edit.end])
        put = _solid(new[edit.start + shift : edit.start + shift + edit.length])
        shift += edit.length - (edit.end - edit.start)
        kept = _shared(out, put)
        added += len(put) - kept
        removed += len(out) - kept
    return added, removed


def _solid(text: str) -> str:
    return "".join(text.split())


def _shared(one: str, other: str) -> int:
    if not one or not other or len(one) * len(other) > MOST_COMPARED:
        return 0
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks())
