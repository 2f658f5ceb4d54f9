"""On which page of its file a place in a chapter's text stands."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from retrieval.book import BookChapter, Leaf

Pages = Sequence[Sequence[int]]
"""(offset in the text, page from 1) wherever a page begins, in order; empty without pages."""


def pages_of(chapter: BookChapter, leaves: Sequence[Leaf]) -> list[list[int]]:
    """The chapter's `Pages`; [] where the file has none."""
    found: list[list[int]] = []
    offset = 0
    for line, number in zip(chapter.text.split("\n"), chapter.lines, strict=True):
        for column, page in _on_line(leaves, number - 1):
            if not found or page != found[-1][1]:
                found.append([offset + column, page])
        offset += len(line) + 1
    return found


def _on_line(leaves: Sequence[Leaf], line: int) -> Iterator[tuple[int, int]]:
    """(column, page) of the page that the line begins on and of those that begin in it."""
    after = bisect_right(leaves, (line, 0), key=lambda leaf: (leaf.line, leaf.column))
    if after:
        yield 0, leaves[after - 1].page
    while after < len(leaves) and leaves[after].line == line:
        yield leaves[after].column, leaves[after].page
        after += 1


def page_at(pages: Pages, offset: int) -> int | None:
    """None where there are no pages."""
    after = bisect_right(pages, offset, key=lambda begins: begins[0])
    return pages[max(0, after - 1)][1] if pages else None
