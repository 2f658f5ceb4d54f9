"""A Markdown file's bytes to a book: its headings' depths tell volumes from chapters."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from markdown_it import MarkdownIt

from retrieval.book import Book, Choice, Chosen, Doubt, Heading, Order
from retrieval.chapters import make_book
from retrieval.encoding import decode
from retrieval.front_matter import Front, yaml_matter
from retrieval.heading_lines import clean, parse
from retrieval.headings import choose

_HEADING_LIKE = re.compile(r"^ {0,3}(?:#{1,6}(?:[ \t]|$)|=+[ \t]*$|-+[ \t]*$)", re.M)
_PARSED_COLUMNS = 200
"""Block structure shows at a line's start; the rest need not be parsed."""
_PARSER = MarkdownIt("commonmark").disable("inline")


@dataclass(frozen=True, slots=True)
class _Mark:
    """A Markdown heading: lines `line` to `end`, depth 1 to 6."""

    line: int
    end: int
    level: int
    text: str


def read_markdown(order: Order) -> Book:
    """Headings by depth: book, volumes, chapters; without any, the rules of plain text."""
    decoded = decode(order.data, order.encoding)
    lines = decoded.text.split("\n")
    doubts = [Doubt("stray_bytes", w.message, w.line) for w in decoded.warnings]
    matter, known = yaml_matter(lines)
    marks, more = _marks(lines, matter)
    doubts += more
    title, marks = _book_title(marks)
    declared = frozenset(known.lines | ({*range(title.line, title.end)} if title else set()))
    known = Front(known.title or (title and clean(title.text)) or None, known.author, declared)
    undeclared = ["" if i in declared else line for i, line in enumerate(lines)]
    choice = _by_depth(marks) if marks else choose(undeclared)
    return make_book(order, lines, choice, decoded.encoding, tuple(doubts), known)


def _marks(lines: Sequence[str], start: int) -> tuple[list[_Mark], list[Doubt]]:
    source = "\n".join(
        "" if i < start else line if line.lstrip().startswith("<") else line[:_PARSED_COLUMNS]
        for i, line in enumerate(lines)
    )
    if not _HEADING_LIKE.search(source):
        return [], []
    marks: list[_Mark] = []
    doubts: list[Doubt] = []
    tokens = _PARSER.parse(source)
    for token, inline in pairwise(tokens):
        if token.type != "heading_open" or token.level or token.map is None:
            continue
        first, end = token.map
        text = inline.content.strip()
        if token.markup in "=-" and (
            end - first > 2 or re.search("[。！？!?…；;，,：:”」]$", text)
        ):
            message = f"第 {first + 1} 行下面的横线像是分隔线，没有当作标题。"
            doubts.append(Doubt("looks_like_heading", message, first + 1))
        elif text:
            marks.append(_Mark(first, end, int(token.tag[1:]), re.sub(r"[*_`]", "", text)))
    return marks, doubts


def _book_title(marks: list[_Mark]) -> tuple[_Mark | None, list[_Mark]]:
    """The only first-level heading, where it comes first and is no chapter itself."""
    tops = [m for m in marks if m.level == 1]
    if len(tops) != 1 or marks[0] is not tops[0]:
        return None, marks
    heading = parse(tops[0].text)
    if heading is not None and heading.certainty == "sure":
        return None, marks
    return tops[0], marks[1:]


def _by_depth(marks: Sequence[_Mark]) -> Choice:
    """Chapters are the level whose headings say so, or else the deepest most frequent one."""
    levels = Counter(m.level for m in marks)
    spoken = Counter(
        m.level for m in marks if (h := parse(m.text)) and h.unit in ("章", "回", "话", "chapter")
    )
    telling = [level for level, n in spoken.items() if 2 * n >= levels[level]]
    level = max(telling or levels, key=lambda depth: (levels[depth], depth))
    return Choice(tuple(_placed(m, level) for m in marks if m.level <= level), frozenset(), ())


def _placed(mark: _Mark, chapter_level: int) -> Chosen:
    parsed = parse(mark.text)
    heading = parsed if parsed and parsed.certainty == "sure" else Heading(clean(mark.text))
    keyword = heading is parsed and heading.unit == ""
    if mark.level == chapter_level or keyword:
        return Chosen(mark.line, mark.end, heading)
    volumes = ((mark.level, heading.title),)
    volume = replace(heading, kind="preface", unit=None, volumes=volumes)
    return Chosen(mark.line, mark.end, volume, True)
