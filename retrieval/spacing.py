"""Empty lines between the paragraphs of a book: spacing, or breaks that say something.

A file that parts its paragraphs by empty lines (Markdown has to) means none of them: the page
parts paragraphs by style. Where a gap is wider than the book's usual one it is a break of scene,
and stays as one empty line.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from retrieval.book import BookChapter


def empty_lines(chapters: Iterable[BookChapter]) -> int:
    return sum(not line.strip() for chapter in chapters for line in chapter.text.split("\n"))


def is_spaced(chapters: Iterable[BookChapter]) -> bool:
    """Whether most neighbouring paragraphs have an empty line between them."""
    gaps = _gaps(chapters)
    return 2 * sum(n for gap, n in gaps.items() if gap) > gaps.total()


def closed_up(chapters: Sequence[BookChapter]) -> list[BookChapter]:
    """The chapters without the usual gap between paragraphs; every other line is as it was."""
    wide = Counter({gap: n for gap, n in _gaps(chapters).items() if gap})
    if not wide:
        return list(chapters)
    usual, _ = wide.most_common(1)[0]
    return [_closed_up(chapter, usual) for chapter in chapters]


def _closed_up(chapter: BookChapter, usual: int) -> BookChapter:
    lines = chapter.text.split("\n")
    filled = _filled(lines)
    if len(filled) < 2:
        return chapter
    kept = [filled[0]]
    for before, after in pairwise(filled):
        if after - before - 1 > usual:
            kept.append(before + 1)
        kept.append(after)
    # What is blank but holds spaces is an empty line all the same.
    text = "\n".join(lines[n] if lines[n].strip() else "" for n in kept)
    return replace(chapter, text=text, lines=tuple(chapter.lines[n] for n in kept))


def _gaps(chapters: Iterable[BookChapter]) -> Counter[int]:
    """How often so many empty lines stand between two lines with text."""
    return Counter(
        after - before - 1
        for chapter in chapters
        for before, after in pairwise(_filled(chapter.text.split("\n")))
    )


def _filled(lines: Sequence[str]) -> list[int]:
    return [n for n, line in enumerate(lines) if line.strip()]
