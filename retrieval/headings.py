"""Which lines of a plain text are headings.

`choose` judges the lines of a book against each other: what is a volume, what is a chapter,
what only looks like one. Knows nothing of files, encodings or chapters' texts.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from retrieval.bare_titles import (
    bare_titles,
    bare_volumes,
    confined,
    nested_numbering,
    numbered_lines,
)
from retrieval.blank_lines import TIGHT, Layout
from retrieval.book import AUTO, Candidate, Choice, Chosen, Doubt, Heading
from retrieval.heading_lines import CHAPTER_UNITS, STAGE_UNITS, VOLUME_RANK, clean, parse
from retrieval.numerals import number_of
from retrieval.repeated_headings import without_repeats

__all__ = ["APART", "NUMBERS", "WHOLE", "as_chosen", "choose", "number_of", "parse"]

APART, NUMBERS, WHOLE = "apart", "numbers", "whole"
"""Ways besides the units: short lines set apart, numerals on their own, none at all."""
RANK = VOLUME_RANK | dict.fromkeys(CHAPTER_UNITS, 3) | {"节": 4}
"""Which unit stands above which, where the author says what the chapters are."""


def choose(lines: Sequence[str], way: str = AUTO) -> Choice:
    """The headings of a plain text, volumes and chapters, and what was doubtful about them.

    `way` is AUTO, a unit (章, 回 …), APART, NUMBERS or WHOLE.
    """
    if way == WHOLE:
        return Choice((), frozenset(), ())
    layout = Layout(lines)
    found = candidates(lines, layout)
    chapters, volumes, doubts = _by_way(layout, found, way)
    taken = {c.line for c in chapters} | {c.line for c in volumes}
    keywords = [c for c in found if not c.heading.unit]
    keywords, more = _trusted_keywords(layout, keywords, chapters, taken)
    doubts += more
    chosen = [Chosen(c.line, c.line + 1, _as_volume(c.heading), True) for c in volumes]
    chosen += [Chosen(c.line, c.line + 1, c.heading) for c in (*chapters, *keywords)]
    return without_repeats(lines, sorted(chosen, key=lambda c: c.line), doubts)


def candidates(lines: Sequence[str], layout: Layout) -> list[Candidate]:
    """Every line that looks like a heading on its own."""
    return [Candidate(i, h) for i in layout.filled if (h := parse(lines[i])) is not None]


Found = tuple[list[Candidate], list[Candidate], list[Doubt]]
"""Chapters, volumes and doubts."""


def _by_way(layout: Layout, found: Sequence[Candidate], way: str) -> Found:
    if way == APART:
        return bare_titles(layout, found, wanted=True), [], []
    if way == NUMBERS:
        chapters, _ = numbered_lines(layout)
        return chapters, [], []
    if way != AUTO:
        return _by_units(found, {way}, {u for u in RANK if RANK[u] < RANK.get(way, 0)})
    chapters, volumes, doubts = _by_units(found, _chapter_units(sure_units(found)), VOLUME_RANK)
    bare = bare_titles(layout, found)
    if bare and (not chapters or confined(layout, chapters, bare)):
        if chapters:
            doubts.append(nested_numbering(layout.lines, chapters, bare))
        chapters, volumes = bare, []
    elif bare:
        volumes += bare_volumes(layout, chapters, bare)
    if not chapters:
        chapters, more = numbered_lines(layout)
        doubts += more
    return chapters, volumes, doubts


def sure_units(found: Sequence[Candidate]) -> Counter[str]:
    """How often each unit stands in a sure heading."""
    sure = (c.heading for c in found if c.heading.certainty == "sure")
    return Counter(h.unit for h in sure if h.unit)


def _by_units(found: Sequence[Candidate], units: set[str], above: Collection[str]) -> Found:
    """Numbered headings of these units, and those of the units above them."""
    ordinals = [c for c in found if c.heading.unit]
    volumes = [
        c
        for c in ordinals
        if c.heading.unit not in units and c.heading.unit in above and c.heading.certainty == "sure"
    ]
    chapters, doubts = _settle([c for c in ordinals if c.heading.unit in units])
    return chapters, volumes, doubts


def as_chosen(line: int, text: str, others: Sequence[Chosen]) -> Chosen:
    """A line the author calls a heading, whatever its shape."""
    heading = parse(text) or Heading(clean(text))
    units = {c.heading.unit for c in others if not c.is_volume}
    volume = heading.unit in VOLUME_RANK and bool(units) and heading.unit not in units
    return Chosen(line, line + 1, _as_volume(heading) if volume else heading, volume)


def _chapter_units(counts: Counter[str]) -> set[str]:
    """The units of chapters, from how often each stands in a sure heading.

    章, 回 and 话 are chapters wherever they occur, unless one or two stand alone among many of
    another unit. Then acts, then 节, then the commonest of the volume units.
    """
    main = {u for u in CHAPTER_UNITS if counts[u]}
    stages = {u for u in STAGE_UNITS if counts[u]}
    for units in (main, stages, {"节"} if counts["节"] else set()):
        own = sum(counts[u] for u in units)
        others = sum(n for u, n in counts.items() if u not in units)
        if own > 2 or (own and others < 10):
            return units
    rolls = [u for u in VOLUME_RANK if counts[u]]
    return {max(rolls, key=lambda u: counts[u])} if rolls else set(CHAPTER_UNITS)


def _settle(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[Doubt]]:
    """Believe a doubtful shape only where its number is the next in the sequence."""
    kept: list[Candidate] = []
    doubts: list[Doubt] = []
    for candidate, after in zip(candidates, _next_sure(candidates), strict=True):
        heading = candidate.heading
        before = kept[-1].heading.last if kept else 0
        if heading.certainty == "sure" or (
            heading.certainty == "weak" and _continues(before, heading.number, after)
        ):
            kept.append(candidate)
            continue
        doubts.append(Doubt(
            "looks_like_heading",
            f"第 {candidate.line + 1} 行“{heading.title[:20]}”像标题又像句子，当作正文；"
            "如果是标题，请把它标为标题。",
            candidate.line + 1,
        ))  # fmt: skip
    return kept, doubts


def _next_sure(candidates: Sequence[Candidate]) -> list[int | None]:
    """For each candidate, the number of the next sure heading after it."""
    following: list[int | None] = []
    number: int | None = None
    for candidate in reversed(candidates):
        following.append(number)
        if candidate.heading.certainty == "sure":
            number = candidate.heading.number
    return following[::-1]


def _continues(before: int | None, number: int | None, after: int | None) -> bool:
    if before is None or number != before + 1:
        return False
    return after is None or after == 1 or after > number


def _trusted_keywords(
    layout: Layout,
    keywords: Sequence[Candidate],
    chapters: Sequence[Candidate],
    taken: set[int],
) -> tuple[list[Candidate], list[Doubt]]:
    """Where blank lines mark the chapters, 尾声 without one is a part of its chapter."""
    marked = sum(layout.before(c.line) for c in chapters)
    rare = layout.marks() <= TIGHT * len(layout.gaps)
    strict = rare and len(chapters) >= 3 and marked >= 0.9 * len(chapters)
    heads = taken | {c.line for c in keywords}
    kept: list[Candidate] = []
    doubts: list[Doubt] = []
    for candidate in keywords:
        line = candidate.line
        above = layout.filled[layout.place[line] - 1]
        if line in taken:
            continue
        if not strict or layout.before(line) or above in heads:
            kept.append(candidate)
            continue
        doubts.append(Doubt(
            "looks_like_heading",
            f"第 {line + 1} 行“{candidate.heading.title}”前面没有别的章节标题都有的空行，"
            "当作正文；如果是一章，请把它标为标题。",
            line + 1,
        ))  # fmt: skip
    return kept, doubts


def _as_volume(heading: Heading) -> Heading:
    rank = RANK.get(heading.unit or "", 0)
    volumes = (*heading.volumes, (rank, heading.title))
    return Heading(heading.title, "preface", None, heading.number, heading.last, volumes)
