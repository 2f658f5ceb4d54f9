"""Shortening a text to a number of tokens, at a sentence's edge."""

from typing import Literal

from retrieval import tail
from retrieval.chunk import sentences
from retrieval.types import TokenCounter


def shorten(
    text: str, room: int, keep: Literal["start", "end"], tokens: TokenCounter
) -> tuple[str, int]:
    """The longest run of whole sentences at one end of `text` within `room` tokens.

    Returns the run and its token count; ("", 0) when not even one sentence fits and
    cutting inside it would leave nothing either.
    """
    if room <= 0:
        return "", 0
    cuts = _cuts(text, keep)
    best, size = _longest(text, cuts, room, keep, tokens)
    if best:
        return best, size
    # One sentence longer than the room: cut inside it rather than lose the place.
    span = cuts[0] if cuts else len(text)
    return _longest(text, list(range(1, span + 1)), room, keep, tokens)


def shorten_tail(text: str, room: int, tokens: TokenCounter) -> tuple[str, int]:
    """The end of `text` within `room` tokens, begun at one of `tail.steps`; at any sentence
    where even the last step is too long. Returns it and its token count.

    It begins where it still will when the text has grown to its next step, so that it moves
    on at the steps and nowhere else.
    """
    starts = [len(text) - start for start in reversed(tail.steps(text))]
    growth = tail.growth(len(text)) * tokens.count([text])[0] // max(1, len(text))
    best, size = _longest(text, starts, room - growth, "end", tokens)
    if len(best) < tail.ENDING:
        best, size = _longest(text, starts, room, "end", tokens)
    return (best, size) if len(best) >= tail.ENDING else shorten(text, room, "end", tokens)


def _cuts(text: str, keep: Literal["start", "end"]) -> list[int]:
    """Lengths, ascending, that end (or begin) at a sentence's edge."""
    spans = sentences(text)
    if keep == "start":
        return [end for _, end in spans]
    return [len(text) - start for start, _ in reversed(spans)]


def _longest(
    text: str, lengths: list[int], room: int, keep: Literal["start", "end"], tokens: TokenCounter
) -> tuple[str, int]:
    """Binary search: token counts grow with length, near enough for whole sentences."""
    low, high, best, best_size = 0, len(lengths) - 1, "", 0
    while low <= high:
        middle = (low + high) // 2
        part = text[: lengths[middle]] if keep == "start" else text[-lengths[middle] :]
        size = tokens.count([part])[0]
        if size <= room:
            best, best_size, low = part, size, middle + 1
        else:
            high = middle - 1
    return best, best_size
