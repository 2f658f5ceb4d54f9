"""Headings that stand twice: in a table of contents, or one right after the other."""

import re
from collections.abc import Sequence

from retrieval.book import Choice, Chosen, Doubt, Heading


def key_of(title: str) -> str:
    """A title without spaces, leaders and page numbers, to compare headings by."""
    return re.sub(r"[\s\u3000]+|[.．…·\-—_]+\s*\d*\s*$", "", title)


def without_repeats(lines: Sequence[str], chosen: list[Chosen], doubts: list[Doubt]) -> Choice:
    """The choice without a table of contents and immediate repeats; each joins `doubts`."""
    contents = _contents(lines, chosen)
    skipped: set[int] = {c.line for c in chosen[:contents]}
    if contents:
        doubts.append(Doubt(
            "table_of_contents",
            f"开头的 {contents} 行标题是目录，已略过。",
            chosen[0].line + 1,
        ))  # fmt: skip
    body = chosen[contents:]
    kept: list[Chosen] = []
    for c in body:
        before = kept[-1] if kept else None
        if before is None or not _repeats(lines, before, c):
            kept.append(c)
            continue
        shorter = before if len(before.heading.title) <= len(c.heading.title) else c
        kept[-1] = c if shorter is before else before
        skipped.add(shorter.line)
        doubts.append(Doubt(
            "repeated_heading",
            f"第 {c.line + 1} 行的标题“{c.heading.title}”紧接着重复，已并成一个。",
            c.line + 1,
        ))  # fmt: skip
    return Choice(tuple(kept), frozenset(skipped), tuple(doubts))


def _contents(lines: Sequence[str], chosen: Sequence[Chosen]) -> int:
    """How many leading headings are a table of contents: no text, and repeated below."""
    run = 0
    while run + 1 < len(chosen) and not _has_text(lines, chosen[run].end, chosen[run + 1].line):
        run += 1
    titles = {key_of(c.heading.title) for c in chosen[run:]}
    numbers = {(c.heading.unit, c.heading.number) for c in chosen[run:]}

    def below(c: Chosen) -> bool:
        number = (c.heading.unit, c.heading.number)
        return key_of(c.heading.title) in titles or (number[1] is not None and number in numbers)

    entries = [c for c in chosen[:run] if not c.is_volume]
    if len(entries) < 2 or sum(map(below, entries)) < 0.8 * len(entries):
        return 0
    while run and chosen[run - 1].is_volume:
        run -= 1  # the volume heading right above the first real chapter
    later = chosen[run + 1 :]
    if any(_same(chosen[run].heading, c.heading) for c in later if not c.is_volume):
        run += not chosen[run].is_volume  # the last entry, with a blurb below it
    return run


def _repeats(lines: Sequence[str], before: Chosen, c: Chosen) -> bool:
    if before.is_volume or c.is_volume or _has_text(lines, before.end, c.line):
        return False
    return _same(before.heading, c.heading) and (
        key_of(before.heading.title) in key_of(c.heading.title)
        or key_of(c.heading.title) in key_of(before.heading.title)
    )


def _same(one: Heading, other: Heading) -> bool:
    numbered = one.number is not None and (one.unit, one.number) == (other.unit, other.number)
    return key_of(one.title) == key_of(other.title) or numbered


def _has_text(lines: Sequence[str], start: int, end: int) -> bool:
    return any(line.strip() for line in lines[start:end])
