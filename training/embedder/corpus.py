"""Reads the texts to learn from and to measure on: novels, and classical–modern sentence pairs.

Nothing read here is ever written into the project. Novels are plain text files with chapter
headings ("第N回　title"); pairs come from a checkout of NiuTrans/Classical-Modern (MIT).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PASSAGE = 400
HEADING = re.compile(r"^(第[〇零一二三四五六七八九十百]+[回章])\s*(.*)$", re.MULTILINE)
SENTENCE = re.compile(r"[^。！？\n]*[。！？\n]+[”’」』]*")
MARKUP = re.compile(r"<[^>]*>")
# What is measured is never learnt from; 太平广记 and 搜神后记 retell 搜神记.
NOVELS_HELD_OUT = ("红楼梦", "三国演义", "西游记", "三侠五义", "老残游记", "萧红_呼兰河传")
CLASSICS_HELD_OUT = ("搜神记", "笑林广记", "搜神后记", "太平广记")
HELD_OUT = frozenset([*NOVELS_HELD_OUT, *CLASSICS_HELD_OUT])


@dataclass(frozen=True)
class Chapter:
    """One chapter without its heading line."""

    number: str
    title: str
    passages: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """A classical sentence and what it says in modern Chinese."""

    classical: str
    modern: str


def passages_of(text: str) -> tuple[str, ...]:
    """The text cut every PASSAGE characters; a short rest joins the passage before it."""
    cuts = list(range(0, max(len(text) - PASSAGE // 4, 1), PASSAGE))
    ends = [*cuts[1:], len(text)]
    return tuple(text[start:end] for start, end in zip(cuts, ends, strict=True))


def read_novel(path: Path) -> list[Chapter]:
    """Chapters of a text file whose headings stand on lines of their own; without any, one."""
    text = path.read_text(encoding="utf-8")
    if not HEADING.search(text):
        return [Chapter("", "", passages_of(text.strip()))]
    headings = list(HEADING.finditer(text))
    ends = [h.start() for h in headings[1:]] + [len(text)]
    return [
        Chapter(h[1], h[2].strip(), passages_of(text[h.end() : end].strip()))
        for h, end in zip(headings, ends, strict=True)
    ]


def read_novels(folder: Path) -> dict[str, list[Chapter]]:
    """Every novel of a folder that is not held out."""
    unread = HELD_OUT | {"SOURCE"}
    paths = sorted(p for p in folder.glob("*.txt") if p.stem not in unread)
    return {path.stem: read_novel(path) for path in paths}


def read_vernacular(root: Path, least_chapters: int = 12) -> dict[str, list[Chapter]]:
    """The chapter novels (numbered 第N回) of a Classical-Modern checkout."""
    novels: dict[str, list[Chapter]] = {}
    for book in sorted((root / "古文原文").iterdir()):
        files = sorted(book.glob("第*回/text.txt"))
        if book.name not in HELD_OUT and len(files) >= least_chapters:
            chapters = [_vernacular_chapter(file) for file in files]
            # Where the first line is no couplet, the edition has dropped them.
            if sum(4 <= len(chapter.title) <= 40 for chapter in chapters) >= len(files) * 0.8:
                novels[book.name] = chapters
    return novels


def _vernacular_chapter(file: Path) -> Chapter:
    """The first line is the chapter's couplet."""
    title, _, body = MARKUP.sub("", file.read_text(encoding="utf-8")).strip().partition("\n")
    return Chapter(file.parent.name, title.strip(), passages_of(body.strip()))


def read_pairs(root: Path, unwanted: set[str]) -> dict[str, list[Pair]]:
    """Sentence pairs by book, in order; those with an `unwanted` side are left out."""
    pairs: dict[str, list[Pair]] = {}
    for book in sorted((root / "双语数据").iterdir()):
        if book.name in HELD_OUT:
            continue
        read = (pair for file in sorted(book.rglob("source.txt")) for pair in _pairs_of(file))
        kept = [p for p in read if p.classical not in unwanted and p.modern not in unwanted]
        pairs[book.name] = kept
    return pairs


def _pairs_of(source: Path) -> Iterator[Pair]:
    classical = source.read_text(encoding="utf-8").splitlines()
    modern = source.with_name("target.txt").read_text(encoding="utf-8").splitlines()
    for old, new in zip(classical, modern, strict=False):
        if len(old) >= 8 and len(new) >= 8:
            yield Pair(old.strip(), new.strip())


def sentences_of(text: str) -> list[str]:
    """Sentences with their closing marks; what follows the last mark is left out."""
    return SENTENCE.findall(text)
