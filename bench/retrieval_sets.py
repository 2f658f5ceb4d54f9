"""What is searched and asked: the shared novels and corpora where present, and our sample.

Every set is the same for ours and for each peer: chapters, and queries with the places that
answer them. Nothing here knows a method.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.texts import SHARED
from retrieval.evaluate import Query, read_queries
from retrieval.readers import read_book
from retrieval.types import ChapterText, Character
from server.settings import ROOT, SAMPLE

QUERIES = ROOT / "bench" / "queries"
CLASSICAL = ("搜神记", "笑林广记")
_LETTERS = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Task:
    """Queries asked of one book; `left_out` counts those whose gold is not in this edition."""

    book: str
    chapters: Sequence[ChapterText]
    queries: Sequence[Query]
    cast: Sequence[Character] = ()
    left_out: int = 0


@dataclass(frozen=True)
class ChapterQuery:
    """A question whose answer is a whole chapter, by its place in the telling."""

    text: str
    gold: int


@dataclass(frozen=True)
class ChapterTask:
    """Questions asked of one book, each answered by one chapter; `note` says what was done."""

    book: str
    chapters: Sequence[ChapterText]
    queries: Sequence[ChapterQuery]
    note: str = ""
    cast: Sequence[Character] = ()


def is_shared() -> bool:
    return (SHARED / "novels").is_dir()


def novels() -> list[str]:
    """Names of the shared novels, none where they are not here."""
    folder = SHARED / "novels"
    return sorted(p.stem for p in folder.glob("*.txt") if p.stem != "SOURCE")


@cache
def novel(name: str) -> tuple[ChapterText, ...]:
    """The chapters of a shared novel, or of our sample, as the product reads the file."""
    path = SAMPLE / "novel.md" if name == "sample" else SHARED / "novels" / f"{name}.txt"
    chapters = read_book(path.read_bytes(), path.name).chapters
    return tuple(ChapterText(str(i), i, c.title, c.text) for i, c in enumerate(chapters))


def couplets() -> list[ChapterTask]:
    """Chapter couplets → their chapter, in books that do not hold the couplets any more."""
    path = SHARED / "retrieval" / "chapter_title_retrieval.jsonl"
    asked = _lines(path) if path.is_file() else []
    return [
        _couplets_of(book, [line for line in asked if line["book"] == book])
        for book in dict.fromkeys(line["book"] for line in asked)
    ]


def _couplets_of(book: str, asked: Sequence[dict[str, Any]]) -> ChapterTask:
    read = novel(book)
    places = {c.title.split()[0]: c.order for c in read}
    queries = [ChapterQuery(line["query"], places[line["gold_chapter"]]) for line in asked]
    headings = {_letters(line["query"]) for line in asked}
    chapters = [ChapterText(c.id, c.order, "", without_lines(c.text, headings)) for c in read]
    stands = [q for q in headings if any(q in _letters(c.text) for c in chapters)]
    if stands:
        raise RuntimeError(f"{book}: {len(stands)} couplets stand in the searched text")
    taken = sum(len(c.text) != len(bare.text) for c, bare in zip(read, chapters, strict=True))
    note = f"headings taken out of {taken} texts" if taken else ""
    return ChapterTask(book, chapters, queries, note, cast(book))


def without_lines(text: str, headings: Iterable[str]) -> str:
    """The text less the lines that repeat a heading (compared by letters alone)."""
    known = tuple(headings)
    kept = [
        line
        for line in text.split("\n")
        if not (len(line) < 80 and any(h in _letters(line) for h in known))
    ]
    return "\n".join(kept)


def questions() -> list[Task]:
    """Our paraphrase, alias and indirect questions, of every book that is here."""
    present = {"sample", *novels()}
    files = [path for path in sorted(QUERIES.glob("*.jsonl")) if path.stem in present]
    return [_questions_of(path) for path in files]


def _questions_of(path: Path) -> Task:
    chapters = novel(path.stem)
    digests = {line["id"]: line["gold"] for line in _lines(path)}
    every = read_queries(path)
    kept = [q for q in every if all(_stands(chapters, gold) for gold in digests[q.id])]
    return Task(path.stem, chapters, kept, cast(path.stem), len(every) - len(kept))


def _stands(chapters: Sequence[ChapterText], gold: dict[str, Any]) -> bool:
    """Whether the gold is where it says it is, in this edition."""
    if gold["chapter"] >= len(chapters):
        return False
    text = chapters[gold["chapter"]].text[gold["start"] : gold["end"]]
    return hashlib.sha256(text.encode()).hexdigest()[:16] == str(gold["sha256"])


def cast(book: str) -> list[Character]:
    """The people an author would keep sheets for, with their names."""
    if book == "sample":
        told = json.loads((SAMPLE / "story.json").read_text(encoding="utf-8"))["characters"]
    else:
        path = QUERIES / "casts" / f"{book}.json"
        told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return [
        Character(f"{book}-{n}", one["name"], tuple(one.get("aliases", ())), one.get("role", ""))
        for n, one in enumerate(told)
    ]


def classical() -> list[ChapterTask]:
    """A modern sentence → the classical one it translates; each is a text of its own."""
    folder = SHARED / "retrieval"
    return [
        _classical(folder, book)
        for book in CLASSICAL
        if (folder / f"{book}.corpus.jsonl").is_file()
    ]


def _classical(folder: Path, book: str) -> ChapterTask:
    corpus = _lines(folder / f"{book}.corpus.jsonl")
    places = {line["pid"]: order for order, line in enumerate(corpus)}
    chapters = [ChapterText(str(n), n, "", line["text"]) for n, line in enumerate(corpus)]
    asked = _lines(folder / f"{book}.queries.jsonl")
    return ChapterTask(
        book, chapters, [ChapterQuery(line["query"], places[line["gold_pid"]]) for line in asked]
    )


def _letters(text: str) -> str:
    return "".join(_LETTERS.findall(text))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
