"""An EPUB's bytes to lines: its documents in the order of reading, headings by its contents.

Of ruby the base text stays. Pictures and what else is no text is left out and told.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from retrieval.book import Doubt, Mark, Source
from retrieval.errors import EmptyText
from retrieval.front_matter import Front
from retrieval.heading_lines import clean, parse
from retrieval.readers.archive import Archive
from retrieval.readers.epub_package import Entry, read_package
from retrieval.readers.xhtml import Page, read_page
from retrieval.repeated_headings import key_of

NEAR = 5
"""Lines below the place of a link in which the heading that it means is looked for."""


def read_epub(data: bytes) -> Source:
    """Raises DamagedFile, EncryptedFile, OversizedFile or EmptyText."""
    archive = Archive(data)
    package = read_package(archive)
    pages: dict[str, Page] = {}
    missing = 0
    for name in package.spine:
        if name in archive:
            pages.setdefault(name, read_page(archive.read(name)))
        else:
            missing += 1
    if not any(line.strip() for page in pages.values() for line in page.lines):
        raise EmptyText("这本 EPUB 里没有文字，可能全是图片，请换一份有文字的。")
    lines, marks = _joined(pages, package.contents)
    front = Front(package.title or None, package.author or None)
    return Source("epub", lines, marks, front, tuple(_doubts(pages, missing)))


def _joined(
    pages: dict[str, Page], contents: Sequence[Entry]
) -> tuple[list[str], tuple[Mark, ...]]:
    """All lines, and the headings: what the contents name, else the documents' own."""
    named: dict[str, list[Entry]] = {}
    for entry in contents:
        if entry.label and _filled(pages, entry):
            named.setdefault(entry.target, []).append(entry)
    use_contents = _tell_chapters(pages, sum(map(len, named.values())))
    lines: list[str] = []
    marks: list[Mark] = []
    for name, page in pages.items():
        start = len(lines)
        if lines and page.lines:
            lines.append("")
            start += 1
        if use_contents:
            told, found = _by_contents(page, named.get(name, ()))
        else:
            told, found = page.lines, list(_by_headings(page))
        lines += told
        marks += [replace(m, line=m.line + start, end=m.end + start) for m in found]
    return lines, tuple(marks)


def _tell_chapters(pages: dict[str, Page], entries: int) -> bool:
    """Whether the contents name the chapters: some name the cover alone, some only volumes."""
    headings = (parse(page.lines[line]) for page in pages.values() for line, _ in page.headings)
    chapters = sum(1 for h in headings if h is not None and h.certainty == "sure")
    return entries > 1 and chapters <= 1.5 * entries


def _filled(pages: dict[str, Page], entry: Entry) -> bool:
    """A cover without text is no chapter."""
    page = pages.get(entry.target)
    return page is not None and any(line.strip() for line in page.lines)


def _by_contents(page: Page, entries: Sequence[Entry]) -> tuple[list[str], list[Mark]]:
    """The page's lines with a heading for each entry: the line that says the same, or one more."""
    lines: list[str] = []
    marks: list[Mark] = []
    done = 0
    for entry in sorted(entries, key=lambda e: page.anchors.get(e.fragment, 0)):
        place = max(page.anchors.get(entry.fragment, 0), done)
        first, end = _heading_near(page, place, entry.label) or (place, place)
        heading = page.lines[first:end] or [entry.label]
        lines += page.lines[done:first]
        marks.append(Mark(len(lines), len(lines) + len(heading), entry.level, entry.label))
        lines += heading
        done = end
    return lines + page.lines[done:], marks


def _heading_near(page: Page, place: int, label: str) -> tuple[int, int] | None:
    """The line or the two (第一章 above 雨夜) that the label repeats."""
    wanted = _key(label)
    filled = [i for i in range(place, len(page.lines)) if page.lines[i].strip()][:NEAR]
    for n, line in enumerate(filled):
        if _key(page.lines[line]) == wanted:
            return line, line + 1
        following = filled[n + 1] if n + 1 < len(filled) else None
        if following and _key(page.lines[line] + page.lines[following]) == wanted:
            return line, following + 1
    return None


def _by_headings(page: Page) -> Iterator[Mark]:
    """Neighbouring lines of one level are one heading, broken over lines."""
    before: Mark | None = None
    for line, level in page.headings:
        mark = Mark(line, line + 1, level, page.lines[line])
        if before is not None and (before.end, before.level) == (line, level):
            before = Mark(before.line, line + 1, level, f"{before.text} {mark.text}")
            continue
        if before is not None:
            yield before
        before = mark
    if before is not None:
        yield before


def _key(text: str) -> str:
    return re.sub(r"[\s:：·・、]+", "", key_of(clean(text)))


def _doubts(pages: dict[str, Page], missing: int) -> Iterator[Doubt]:
    left_out: Counter[str] = Counter()
    for page in pages.values():
        left_out += page.left_out
    for what, count in left_out.items():
        yield Doubt("left_out", f"书里有 {count} 处{what}，没有导入，只留下文字。")
    if missing:
        yield Doubt("missing_part", f"书里缺了 {missing} 个文件，那几处的文字没有了，请核对。")
