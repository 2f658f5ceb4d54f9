"""Headings that a format declares: their depths tell volumes from chapters."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from retrieval.book import Choice, Chosen, Heading, Mark
from retrieval.heading_lines import clean, parse


def book_title(marks: Sequence[Mark]) -> tuple[Mark | None, Sequence[Mark]]:
    """The only first-level heading, where it comes first and is no chapter itself; the others."""
    tops = [m for m in marks if m.level == 1]
    if len(tops) != 1 or marks[0] is not tops[0]:
        return None, marks
    heading = parse(tops[0].text)
    if heading is not None and heading.certainty == "sure":
        return None, marks
    return tops[0], marks[1:]


def by_depth(marks: Sequence[Mark], level: int | None = None) -> Choice:
    """Chapters are the headings of `level`; without one, of the level whose headings say so, or
    else of the deepest most frequent one."""
    deepest = level or _chapter_level(marks)
    chosen = tuple(_placed(m, deepest) for m in marks if m.level <= deepest)
    return Choice(chosen, frozenset(), ())


def _chapter_level(marks: Sequence[Mark]) -> int:
    levels = Counter(m.level for m in marks)
    spoken = Counter(
        m.level for m in marks if (h := parse(m.text)) and h.unit in ("章", "回", "话", "chapter")
    )
    telling = [level for level, n in spoken.items() if 2 * n >= levels[level]]
    return max(telling or levels, key=lambda depth: (levels[depth], depth))


def _placed(mark: Mark, chapter_level: int) -> Chosen:
    parsed = parse(mark.text)
    title = clean(re.sub(r"\s+", " ", mark.text))
    heading = parsed if parsed and parsed.certainty == "sure" else Heading(title)
    keyword = heading is parsed and heading.unit == ""
    if mark.level == chapter_level or keyword:
        return Chosen(mark.line, mark.end, heading)
    volumes = ((mark.level, heading.title),)
    volume = replace(heading, kind="preface", unit=None, volumes=volumes)
    return Chosen(mark.line, mark.end, volume, True)
