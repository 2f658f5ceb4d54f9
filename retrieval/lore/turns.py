"""A novel as turns: each paragraph before the caret is one, and the beat is the newest.

Tools for chat count messages; here sticky, cooldown and delay count paragraphs of the chapter,
and a scan depth of n looks at the beat and the last n paragraphs.
"""


def turns_of(before: str, beat: str) -> tuple[str, ...]:
    """The turns of the text before the caret, oldest first; the last is the beat, maybe empty.

    Give the chapter from its start, so that a paragraph keeps its number; lines without a word
    are no turns.
    """
    paragraphs = (line.strip() for line in before.splitlines())
    return (*(p for p in paragraphs if p), beat.strip())


def depth_offset(text: str, depth: int) -> int:
    """Where in `text` something stands that has `depth` paragraphs after it.

    0 is behind the last paragraph; the start of the text where it has no more paragraphs.
    """
    place = len(text)
    lines = text.splitlines(keepends=True)
    while depth > 0 and lines:
        line = lines.pop()
        place -= len(line)
        depth -= bool(line.strip())
    return place
