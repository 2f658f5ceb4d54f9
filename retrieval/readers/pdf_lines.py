"""Lines with places on pages to paragraphs: without headers and page numbers, joined by layout."""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

EDGE_LINES = 2
"""How many lines from a page's top and bottom may be its header or footer."""
REPEATED = 3
"""Pages on which a header must stand, at the same height."""
INDENT = 0.8
"""Ems to the right of the margin from which a line is indented."""
SHORT = 2.5
"""Ems to the left of the margin at which a line ends its paragraph: more than the rules against
a full stop at a line's beginning can make it."""
VERY_SHORT = 8.0
"""The same where paragraphs are indented, which tells more."""
WIDE = 1.6
"""How many times the usual leading stands apart."""
INDENTED_SHARE = 0.05

_PAGE = re.compile(r"\W*第\s*\d+\s*页.{0,12}")
_EDGE_DIGITS = re.compile(r"^[\s\d\W]+|[\s\d\W]+$")


@dataclass(frozen=True, slots=True)
class Line:
    """Points; `base` counts upwards from the page's foot."""

    text: str
    left: float
    right: float
    base: float
    size: float


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`page` is where it begins, from 0; `apart` whether the page leaves room above it.

    `turns` are (characters before it, page) of the pages that begin inside.
    """

    text: str
    page: int
    size: float
    apart: bool
    turns: tuple[tuple[int, int], ...] = ()


def paragraphs(
    pages: Sequence[Sequence[Line]], alone: Callable[[Line, int], bool] = lambda _line, _page: False
) -> tuple[list[Paragraph], int]:
    """The paragraphs in order, and how many lines of headers and footers were dropped.

    `alone` tells which lines are paragraphs by themselves whatever their layout.
    """
    whole = [_merged(page) for page in pages]
    kept = _without_edges(whole)
    dropped = sum(map(len, whole)) - sum(map(len, kept))
    return list(_joined(kept, alone)) if any(kept) else [], dropped


def _merged(page: Sequence[Line]) -> list[Line]:
    """Pieces of one line, set wide apart, as one."""
    lines: list[Line] = []
    for line in page:
        before = lines[-1] if lines else None
        if before and abs(before.base - line.base) < 0.3 * line.size and line.left >= before.right:
            lines[-1] = Line(
                f"{before.text.rstrip()} {line.text.lstrip()}", before.left, line.right,
                before.base, before.size,
            )  # fmt: skip
        else:
            lines.append(line)
    return lines


def _without_edges(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    seen: Counter[tuple[str, int]] = Counter()
    for number, page in enumerate(pages):
        seen.update({_mark(line, number) for line in _edges(page)})
    kept = []
    for number, page in enumerate(pages):
        repeated = {id(x) for x in _edges(page) if seen[_mark(x, number)] >= REPEATED}
        kept.append([line for line in page if id(line) not in repeated])
    return kept


def _edges(page: Sequence[Line]) -> list[Line]:
    ordered = sorted(page, key=lambda line: -line.base)
    return ordered[:EDGE_LINES] + ordered[EDGE_LINES:][-EDGE_LINES:]


def _mark(line: Line, page: int) -> tuple[str, int]:
    """What stays the same of a header from page to page: its words and its height.

    Of a number alone it is how far it is ahead of the page's own: a chapter's, in larger steps
    than pages, is no page number.
    """
    height = round(line.base / 3)
    words = _EDGE_DIGITS.sub("", line.text)
    number = re.search(r"\d+", line.text)
    if number and (not words or _PAGE.fullmatch(line.text.strip())):
        return f"#{int(number[0]) - page}", height
    return words or line.text, height


def _joined(
    pages: Sequence[Sequence[Line]], alone: Callable[[Line, int], bool]
) -> Iterator[Paragraph]:
    layout = _Layout(pages)
    flow = [(line, n) for n, page in enumerate(pages) for line in page]
    text, apart = "", False
    turns: tuple[tuple[int, int], ...] = ()
    first, begun = flow[0]
    for (before, its_page), (line, page) in zip([flow[0], *flow], flow, strict=False):
        gap = its_page == page and layout.wide(before, line)
        single = alone(line, page) or alone(before, its_page)
        if text and (gap or single or layout.begins(before, its_page, line, page)):
            yield Paragraph(text, begun, round(first.size, 1), apart, turns)
            text, first, begun, apart, turns = "", line, page, gap, ()
        more = line.text.strip()
        text = _with(text, more)
        if page != its_page and len(text) > len(more):
            turns += ((len(text) - len(more), page),)
    yield Paragraph(text, begun, round(first.size, 1), apart, turns)


class _Layout:
    """The margins, leading and indentation that most lines have; facing pages may differ."""

    def __init__(self, pages: Sequence[Sequence[Line]]) -> None:
        self._margins = [_margins(pages[side::2]) for side in (0, 1)]
        steps = [
            round(above.base - below.base, 1)
            for page in pages
            for above, below in itertools.pairwise(page)
            if above.base > below.base
        ]
        self._leading = Counter(steps).most_common(1)[0][0] if steps else 0.0
        lines = [(line, n) for n, page in enumerate(pages) for line in page]
        indented = sum(self._indented(line, n) for line, n in lines)
        self._indents = indented > INDENTED_SHARE * len(lines)

    def wide(self, above: Line, below: Line) -> bool:
        return above.base - below.base > WIDE * max(self._leading, below.size)

    def begins(self, before: Line, its_page: int, line: Line, page: int) -> bool:
        """Whether a paragraph begins with `line`."""
        if abs(before.size - line.size) > 0.1 * line.size or self._indented(line, page):
            return True
        _, right = self._margins[its_page % 2]
        ems = (right - before.right) / (before.size or 1.0)
        return ems > (VERY_SHORT if self._indents else SHORT)

    def _indented(self, line: Line, page: int) -> bool:
        left, _ = self._margins[page % 2]
        return line.left - left > INDENT * line.size


def _margins(pages: Sequence[Sequence[Line]]) -> tuple[float, float]:
    lines = [line for page in pages for line in page]
    if not lines:
        return 0.0, 0.0
    left = Counter(round(line.left) for line in lines).most_common(1)[0][0]
    rights = sorted(line.right for line in lines)
    return float(left), rights[int(0.9 * (len(rights) - 1))]


def _with(text: str, more: str) -> str:
    """Chinese goes on at once, words of letters after a space."""
    if text and more and text[-1].isascii() and more[0].isascii() and text[-1].isalnum():
        return f"{text} {more}"
    return text + more
