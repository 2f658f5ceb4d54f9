"""A PDF's bytes to lines: a paragraph is a line, larger type and bookmarks make headings."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from retrieval.book import Doubt, Leaf, Mark, Source
from retrieval.errors import DamagedFile, EncryptedFile, OversizedFile, ReadError, ScannedPages
from retrieval.front_matter import Front
from retrieval.heading_lines import clean
from retrieval.readers.pdf_lines import Line, Paragraph, paragraphs
from retrieval.repeated_headings import key_of

PATIENCE = 300
"""Seconds that reading the pages may take; a thick novel takes a few."""
FEWEST_CHARACTERS = 20
"""Characters a page, on average, below which it is a picture of a page."""
LARGER = 1.15
"""How much larger than the text's a heading's type is."""
FOUND_SHARE = 0.7
"""Share of the bookmarks whose words must stand on their pages, or else none counts."""
_NO_TITLE = ("untitled", "(anonymous)", "无标题", "anonymous")
_COMMAND = (sys.executable, "-m", "retrieval.readers.pdf_pages")
_ROOT = Path(__file__).resolve().parents[2]


def read_pdf(data: bytes) -> Source:
    """Raises DamagedFile, EncryptedFile, OversizedFile or ScannedPages."""
    told = _pages(data)
    pages = [[Line(**line) for line in page["lines"]] for page in told["pages"]]
    if sum(len(line.text.strip()) for page in pages for line in page) < (
        FEWEST_CHARACTERS * len(pages) or 1
    ):
        raise ScannedPages(
            "这个 PDF 是扫描的图片，里面没有文字，请先用文字识别（OCR）转成 TXT 或 DOCX 再导入。"
        )
    named = {(entry["page"], _key(entry["title"])) for entry in told["outline"]}
    found, dropped = paragraphs(pages, lambda line, page: (page, _key(line.text)) in named)
    title = _meant(told["title"])
    marks = _bookmarked(found, told["outline"]) or _larger(found)
    lines, placed, leaves = _spaced(found, marks)
    doubts = [Doubt("from_pages", "PDF 没有段落，已按版面把行接成段落，请核对分段。")]
    if dropped:
        doubts.append(Doubt("left_out", f"已略去 {dropped} 行页眉和页码。"))
    front = Front(title, _meant(told["author"]))
    return Source("pdf", lines, placed, front, tuple(doubts), leaves=leaves)


def _pages(data: bytes) -> dict[str, Any]:
    """What `pdf_pages` says, from its own process."""
    try:
        done = subprocess.run(
            _COMMAND, input=data, capture_output=True, timeout=PATIENCE, cwd=_ROOT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise OversizedFile("这个 PDF 读了太久，没有导入，请分成几个文件再试。") from error
    told: dict[str, Any] = {"error": "damaged"}
    if done.returncode == 0:
        told = json.loads(done.stdout)
    if "error" in told:
        raise _REFUSALS[told["error"]]
    return told


_REFUSALS: dict[str, ReadError] = {
    "encrypted": EncryptedFile("这个 PDF 设了密码，请取消密码后再导入。"),
    "damaged": DamagedFile("这个 PDF 已损坏，打不开，请重新导出或下载一份再导入。"),
    "oversized": OversizedFile("这个 PDF 的文字太多，不像一本书，请分成几个文件再导入。"),
}


def _meant(said: str) -> str | None:
    """A title or an author; programs write their own words there."""
    text = " ".join(said.replace("\0", "").split())
    return text if text and text.lower() not in _NO_TITLE and " - " not in text else None


def _bookmarked(found: Sequence[Paragraph], outline: Sequence[dict[str, Any]]) -> list[Mark]:
    """The paragraphs that the bookmarks name, if nearly all of them are there."""
    marks: dict[int, Mark] = {}
    for entry in outline:
        wanted = _key(entry["title"])
        place = next(
            (n for n, p in enumerate(found)
             if p.page == entry["page"] and n not in marks and _key(p.text) == wanted),
            None,
        )  # fmt: skip
        if place is not None and wanted:
            marks[place] = Mark(place, place + 1, min(entry["level"], 6), found[place].text)
    enough = len(marks) > 1 and len(marks) >= FOUND_SHARE * len(outline)
    return [marks[n] for n in sorted(marks)] if enough else []


def _key(text: str) -> str:
    return key_of(clean(text))


def _larger(found: Sequence[Paragraph]) -> list[Mark]:
    """Short paragraphs in larger type; a size that occurs once is a title page's."""
    weights: Counter[float] = Counter()
    for p in found:
        weights[p.size] += len(p.text)
    body = max(weights, key=lambda size: weights[size])
    large = [n for n, p in enumerate(found) if p.size > LARGER * body and len(p.text) <= 80]
    sizes = Counter(found[n].size for n in large)
    levels = sorted((size for size, count in sizes.items() if count > 1), reverse=True)[:6]
    marks = [
        Mark(n, n + 1, levels.index(found[n].size) + 1, found[n].text)
        for n in large
        if found[n].size in levels
    ]
    return marks if 2 < 3 * len(marks) <= len(found) else []


def _spaced(
    found: Sequence[Paragraph], marks: Sequence[Mark]
) -> tuple[list[str], tuple[Mark, ...], tuple[Leaf, ...]]:
    """The paragraphs as lines, a blank one where the page leaves room, and where pages begin."""
    lines: list[str] = []
    places: list[int] = []
    for p in found:
        if p.apart and lines:
            lines.append("")
        places.append(len(lines))
        lines.append(p.text)
    placed = tuple(replace(m, line=places[m.line], end=places[m.line] + 1) for m in marks)
    return lines, placed, tuple(_leaves(found, places))


def _leaves(found: Sequence[Paragraph], places: Sequence[int]) -> Iterator[Leaf]:
    page = -1
    for p, line in zip(found, places, strict=True):
        for column, begun in ((0, p.page), *p.turns):
            if begun != page:
                page = begun
                yield Leaf(line, column, page + 1)
