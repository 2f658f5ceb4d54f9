"""Brackets as scripts use them: 【 may be closed by ）, and a stage direction is what is inside."""

OPENERS = "（(【[〔｛{"
CLOSERS = "）)】]〕｝}"


def groups(text: str) -> list[tuple[int, int]]:
    """Spans (start, end) of the outermost closed brackets, in order.

    Any closing bracket closes the latest open one, of whichever kind: `(永寿宫）` stands in real
    scripts. One that nothing closes is no group, and hides none behind it.
    """
    opened: list[int] = []
    pairs: list[tuple[int, int]] = []
    for place, character in enumerate(text):
        if character in OPENERS:
            opened.append(place)
        elif character in CLOSERS and opened:
            start = opened.pop()
            while pairs and pairs[-1][0] > start:
                pairs.pop()
            pairs.append((start, place + 1))
    return pairs


def depth_after(text: str, depth: int = 0) -> int:
    """How many brackets are open after the text; never less than 0."""
    for character in text:
        if character in OPENERS:
            depth += 1
        elif character in CLOSERS:
            depth = max(0, depth - 1)
    return depth


def is_bracketed(text: str) -> bool:
    """Whether the text is one or more brackets with white space around them, nothing else."""
    place = 0
    for start, end in groups(text):
        if text[place:start].strip():
            return False
        place = end
    return place > 0 and not text[place:].strip()
