"""The verbatim text before the caret: where it begins, and where the model's own part begins.

Both are chosen so that the next continuation in the same chapter sends the same words again,
with more behind them, and the engine's prefix cache pays: the beginning stays at the same
place of the chapter until a whole step has to go, and only the last few sentences, which are
the beginning of the model's answer (docs/decisions/0004), stand behind what changes.
"""

from retrieval.chunk import sentences

STEP = 600
"""Characters by which the beginning moves when the text outgrows its room."""

ENDING = 60
"""Fewest characters that the model finds as its own beginning; whole sentences."""


def beginning(offset: int, most: int) -> int:
    """Where to begin so that at most `most` characters stand before `offset`: a multiple of
    STEP, so that it is the same for many offsets in a row."""
    return max(0, -(-(offset - most) // STEP) * STEP)


def growth(length: int) -> int:
    """Characters that a text of this length may still grow before it moves on by a step."""
    return STEP - length % STEP


def settled(text: str) -> str:
    """What of the text is behind the last step: who is in it stays the same until the next,
    and what is newer is a matter of the last lines. All of a text shorter than a step."""
    return text[: len(text) // STEP * STEP] or text


def steps(text: str) -> list[int]:
    """Where `text`, itself begun at a multiple of STEP, may begin instead: sentence starts,
    the first at or behind each multiple of STEP, ascending, from 0."""
    found: list[int] = []
    wanted = 0
    for start, _ in sentences(text):
        if start >= wanted:
            found.append(start)
            wanted = (start // STEP + 1) * STEP
    return found


def split(text: str) -> tuple[str, str]:
    """(what came earlier, the ending): the ending is the shortest run of whole sentences of
    at least ENDING characters; all of a shorter text is ending."""
    for start, _ in reversed(sentences(text)):
        if len(text) - start >= ENDING:
            return text[:start], text[start:]
    return "", text
