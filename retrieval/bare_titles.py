"""Headings without 第N章: short lines that blank lines set apart, and numerals on their own."""

import re
from bisect import bisect_right
from collections.abc import Sequence

from retrieval.blank_lines import Layout
from retrieval.book import Candidate, Doubt, Heading
from retrieval.heading_lines import LONGEST_HEADING, clean
from retrieval.numerals import NUMERAL, number_of

LONGEST_BARE_TITLE = 25
FEWEST_BARE_TITLES = 3
MARKED_SHARE = 0.6
"""Share of all wide gaps that must adjoin bare titles before these are believed."""
FEWEST_SECTION_CHARACTERS = 200

_NOT_A_TITLE = re.compile(
    r"[。！？!?；;，,：:…]|^[“”\"‘「『—\-~（(\[]|^[\W_]*$"
    rf"|^[第]?{NUMERAL}[年月日、.．]|^{NUMERAL}$|完$|^目[\s\u3000]*[录錄]$|^(?:the\s+)?end$|[著译]$",
    re.I,
)


def bare_titles(
    layout: Layout, found: Sequence[Candidate], *, wanted: bool = False
) -> list[Candidate]:
    """Short lines standing apart where paragraphs do not, if they explain the blank lines; all
    that there are where the author wants them."""
    known = {c.line: c.heading for c in found}
    titles: list[Candidate] = []
    for line in layout.filled:
        if not layout.apart(line):
            continue
        text = layout.lines[line].strip()
        heading = known.get(line)
        if heading is not None and heading.unit:
            continue
        if heading is None and (len(text) > LONGEST_BARE_TITLE or _NOT_A_TITLE.search(text)):
            continue
        titles.append(Candidate(line, heading or Heading(clean(text))))
    titles = [t for t, n in zip(titles, _room(layout, titles), strict=True) if n]
    marks = {c.line for c in (*titles, *found)}
    explained = sum(layout.marks_at(line) for line in marks)
    enough = len(titles) >= FEWEST_BARE_TITLES
    return titles if wanted or (enough and explained >= MARKED_SHARE * layout.marks()) else []


def _room(layout: Layout, titles: Sequence[Candidate]) -> list[int]:
    """Characters of text under each title."""
    ends = [*(t.line for t in titles[1:]), len(layout.lines)][: len(titles)]
    return [
        sum(len(line.strip()) for line in layout.lines[t.line + 1 : end])
        for t, end in zip(titles, ends, strict=True)
    ]


def confined(layout: Layout, chapters: Sequence[Candidate], bare: Sequence[Candidate]) -> bool:
    """Whether all numbered headings lie in one lesser part of a collection of bare titles."""
    starts = [b.line for b in bare]
    homes = {bisect_right(starts, c.line) - 1 for c in chapters}
    if len(homes) != 1 or -1 in homes:
        return False
    home = homes.pop()
    room = _room(layout, bare)
    others = [n for k, n in enumerate(room) if k != home]
    substantial = sum(n >= FEWEST_SECTION_CHARACTERS for n in others)
    return substantial >= FEWEST_BARE_TITLES - 1 and room[home] < sum(others)


def nested_numbering(
    lines: Sequence[str], chapters: Sequence[Candidate], bare: Sequence[Candidate]
) -> Doubt:
    """What to say where `confined` holds."""
    home = max(b.line for b in bare if b.line < chapters[0].line)
    return Doubt(
        "nested_numbering",
        f"“{chapters[0].heading.title}”等 {len(chapters)} 个编号标题都在“{clean(lines[home])}”"
        "之内，当作它的小节；如果是独立章节，请把它们标为标题。",
        chapters[0].line + 1,
    )


def bare_volumes(
    layout: Layout, chapters: Sequence[Candidate], bare: Sequence[Candidate]
) -> list[Candidate]:
    """Bare titles right above a restart of the numbering, if there are at least two."""
    firsts = {c.line for c in chapters if c.heading.number == 1}
    above = [
        b
        for b in bare
        if b.heading.kind == "chapter"
        and layout.filled[min(layout.place[b.line] + 1, len(layout.gaps))] in firsts
    ]
    return above if len(above) >= 2 and len(above) == len(firsts) else []


_NUMBER_LINE = re.compile(
    rf"^[（(【]?(?P<n>{NUMERAL})[）)】]?(?:[、.．:：\s]+(?P<title>[^。！？!?；;，,：:…]{{1,20}}))?[、.．]?$"
)


def numbered_lines(layout: Layout) -> tuple[list[Candidate], list[Doubt]]:
    """Lines that are only 一, 二, 三 …: chapters where nothing better is there."""
    chapters: list[Candidate] = []
    for line in layout.filled:
        text = layout.lines[line].strip()
        match = _NUMBER_LINE.match(text) if len(text) <= LONGEST_HEADING else None
        number = number_of(match["n"]) if match else None
        if number is not None and number == len(chapters) + 1:
            chapters.append(Candidate(line, Heading(clean(text), number=number, last=number)))
    if len(chapters) < FEWEST_BARE_TITLES:
        return [], []
    message = f"没有“第N章”这样的标题，按单独成行的序号分成了 {len(chapters)} 章，请核对。"
    return chapters, [Doubt("bare_numbers", message, chapters[0].line + 1)]
