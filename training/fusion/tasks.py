"""What is asked of which book: our queries by span, chapter couplets, modern of classical.

The shared novels and queries are read where they lie and never written into the project.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retrieval.chunk import chunk_chapter
from retrieval.evaluate import Query, Span, read_queries
from retrieval.readers import read_book
from retrieval.types import ChapterText, Character, Passage

CLASSICS = ("搜神记", "笑林广记")


@dataclass(frozen=True, slots=True)
class Task:
    """Queries of one kind, asked of one book."""

    book: str
    kind: str
    """`spans`, `chapters` (gold spans stand for their whole chapter) or `classical`."""
    passages: tuple[Passage, ...]
    cast: tuple[Character, ...]
    queries: tuple[Query, ...]


def read_tasks(data: Path, queries: Path, sample: Path) -> list[Task]:
    """Every task that the folders have: `data` is the shared data, `queries` our own, `sample`
    the sample novel. Raises OSError, ValueError or KeyError for files that are none."""
    return [*_span_tasks(data, queries, sample), *_couplets(data, queries), *_classical(data)]


def _span_tasks(data: Path, queries: Path, sample: Path) -> Iterator[Task]:
    for path in sorted(queries.glob("*.jsonl")):
        file = sample if path.stem == "sample" else data / "novels" / f"{path.stem}.txt"
        passages = tuple(_passages(_chapters(file)))
        yield Task(
            path.stem, "spans", passages, _cast(queries, path.stem), tuple(read_queries(path))
        )


def _couplets(data: Path, queries: Path) -> Iterator[Task]:
    lines = list(_json_lines(data / "retrieval" / "chapter_title_retrieval.jsonl"))
    for book in dict.fromkeys(line["book"] for line in lines):
        chapters = _chapters(data / "novels" / f"{book}.txt")
        number = {chapter.title.split()[0]: chapter for chapter in chapters}
        asked = tuple(
            Query(line["id"], "couplet", line["query"], (_whole(number[line["gold_chapter"]]),))
            for line in lines
            if line["book"] == book
        )
        yield Task(book, "chapters", tuple(_passages(chapters)), _cast(queries, book), asked)


def _whole(chapter: ChapterText) -> Span:
    return Span(chapter.order, 0, len(chapter.text))


def _classical(data: Path) -> Iterator[Task]:
    """Each classical sentence is a passage; those of a section are its chapter."""
    for book in CLASSICS:
        lines = list(_json_lines(data / "retrieval" / f"{book}.corpus.jsonl"))
        order = {name: n for n, name in enumerate(dict.fromkeys(x["section"] for x in lines))}
        at = dict.fromkeys(order, 0)
        place: dict[str, Span] = {}
        passages = []
        for line in lines:
            section, start = line["section"], at[line["section"]]
            at[section] = end = start + len(line["text"])
            place[line["pid"]] = Span(order[section], start, end)
            passages.append(Passage(section, order[section], section, start, end, line["text"]))
        passages.sort(key=lambda passage: passage.begins)
        asked = tuple(
            Query(f"{book}-{n}", "classical", line["query"], (place[line["gold_pid"]],))
            for n, line in enumerate(_json_lines(data / "retrieval" / f"{book}.queries.jsonl"))
        )
        yield Task(book, "classical", tuple(passages), (), asked)


def _chapters(file: Path) -> list[ChapterText]:
    book = read_book(file.read_bytes(), file.name)
    return [ChapterText(str(n), n, c.title, c.text) for n, c in enumerate(book.chapters)]


def _passages(chapters: list[ChapterText]) -> Iterator[Passage]:
    for chapter in chapters:
        yield from chunk_chapter(chapter)


def _cast(queries: Path, book: str) -> tuple[Character, ...]:
    path = queries / "casts" / f"{book}.json"
    people = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return tuple(
        Character(str(n), one["name"], tuple(one["aliases"]), one.get("role", ""))
        for n, one in enumerate(people)
    )


def _json_lines(path: Path) -> Iterator[dict[str, str]]:
    return (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
