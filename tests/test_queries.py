"""The retrieval queries are well formed, and their gold is where they say it is.

A query that copies its gold measures the reader of word overlap, not retrieval; so both are
checked against the texts themselves, which are not in this repository (the sample's is).
"""

import hashlib
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from retrieval.book import BookChapter
from retrieval.readers import read_book
from tests.conftest import ROOT

FOLDER = ROOT / "bench" / "queries"
BOOKS = {
    "sample": ROOT / "data" / "sample" / "novel.md",
    **dict.fromkeys(
        ("三侠五义", "三国演义", "红楼梦", "老残游记", "萧红_呼兰河传", "西游记", "鲁迅_呐喊")
    ),
}
KINDS = {"paraphrase", "alias", "indirect"}
QUERY_CHARS = range(8, 61)
GOLD_CHARS = range(60, 501)
COPIED_CHARS = 10
SENTENCE_ENDS = "。！？…；：\n\u3000”’」』）'"
"""A quotation, a bracket or a paragraph may end where a sentence does."""
OPENING = "“‘「『"
FEW_CHAPTERS, CHARS_A_QUERY = 20, 1_500
"""Books of fewer chapters have long ones: there, one query to so many characters may stand."""
MEAN_OVERLAP, WORST_OVERLAP = 0.12, 0.3


class Query(NamedTuple):
    id: str
    kind: str
    query: str
    gold: list[dict[str, Any]]


@cache
def queries_of(book: str) -> tuple[Query, ...]:
    path = FOLDER / f"{book}.jsonl"
    return tuple(Query(**json.loads(line)) for line in path.read_text("utf-8").splitlines())


@cache
def read_chapters(path: Path) -> tuple[BookChapter, ...]:
    return read_book(path.read_bytes(), path.name).chapters


@pytest.fixture(params=BOOKS)
def book(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def chapters(book: str, request: pytest.FixtureRequest) -> tuple[BookChapter, ...]:
    path = BOOKS[book]
    if path is None:
        path = Path(request.getfixturevalue("shared_data")) / "novels" / f"{book}.txt"
    return read_chapters(path)


def gold_texts(query: Query, chapters: tuple[BookChapter, ...]) -> list[str]:
    return [chapters[g["chapter"]].text[g["start"] : g["end"]] for g in query.gold]


def bigrams(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}


def overlap(query: str, gold: str) -> float:
    """The share of the query's character bigrams that its gold has too, 0 to 1."""
    return len(bigrams(query) & bigrams(gold)) / len(bigrams(query))


# --- the files themselves ---------------------------------------------------------------------


def test_every_known_book_is_asked_about_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.jsonl")} == set(BOOKS)
    assert {path.stem for path in (FOLDER / "casts").glob("*.json")} == set(BOOKS) - {"sample"}


def test_the_set_is_large_and_mixed() -> None:
    queries = [query for name in BOOKS for query in queries_of(name)]
    assert len(queries) >= 300
    share = {k: n / len(queries) for k, n in Counter(q.kind for q in queries).items()}
    assert share.keys() == KINDS
    assert 0.35 < share["paraphrase"] < 0.55
    assert 0.18 < share["alias"] < 0.32
    assert 0.22 < share["indirect"] < 0.38


def test_a_querys_fields_are_right(book: str) -> None:
    queries = queries_of(book)
    assert len({q.id for q in queries}) == len(queries) == len({q.query for q in queries})
    for query in queries:
        assert re.fullmatch(re.escape(book) + r"-\d{3}", query.id), query.id
        assert query.kind in KINDS, query.id
        assert len(query.query) in QUERY_CHARS, query.id
        assert query.query == query.query.strip(), query.id
        assert query.gold, query.id
        for gold in query.gold:
            assert gold.keys() == {"chapter", "start", "end", "sha256"}, query.id
            assert gold["end"] - gold["start"] in GOLD_CHARS, query.id


def test_a_cast_is_a_list_of_named_people(book: str) -> None:
    if book == "sample":
        pytest.skip("the sample's cast is its own story.json")
    cast = json.loads((FOLDER / "casts" / f"{book}.json").read_text("utf-8"))
    assert 15 <= len(cast) <= 40
    assert len({person["name"] for person in cast}) == len(cast)
    for person in cast:
        assert person.keys() == {"name", "aliases", "role"}, person["name"]
        assert person["name"], person
        assert person["role"], person["name"]
        assert all(person["aliases"]), person["name"]
        assert len({person["name"], *person["aliases"]}) == 1 + len(person["aliases"])


# --- against the texts ------------------------------------------------------------------------


def test_gold_is_where_it_says(book: str, chapters: tuple[BookChapter, ...]) -> None:
    for query in queries_of(book):
        for gold, text in zip(query.gold, gold_texts(query, chapters), strict=True):
            assert 0 <= gold["start"] < gold["end"] <= len(chapters[gold["chapter"]].text)
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            assert digest == gold["sha256"], query.id


def test_gold_is_whole_sentences(book: str, chapters: tuple[BookChapter, ...]) -> None:
    for query in queries_of(book):
        for gold in query.gold:
            text, start, end = chapters[gold["chapter"]].text, gold["start"], gold["end"]
            assert text[end - 1] in SENTENCE_ENDS, query.id
            speech = text[start] in OPENING or text[start - 1 : start] in OPENING
            assert start == 0 or speech or text[start - 1] in SENTENCE_ENDS, query.id


def test_queries_are_spread_over_the_book(book: str, chapters: tuple[BookChapter, ...]) -> None:
    asked = Counter(query.gold[0]["chapter"] for query in queries_of(book))
    for chapter, count in asked.items():
        most = 4 if book == "sample" else 2
        if len(chapters) < FEW_CHAPTERS:
            most = max(most, len(chapters[chapter].text) // CHARS_A_QUERY)
        assert count <= most, (book, chapter)
    thirds = Counter(3 * chapter // len(chapters) for chapter in asked.elements())
    assert all(thirds[third] >= 3 for third in range(3))


def test_no_query_copies_its_gold(book: str, chapters: tuple[BookChapter, ...]) -> None:
    for query in queries_of(book):
        for gold in gold_texts(query, chapters):
            windows = range(len(query.query) - COPIED_CHARS + 1)
            copied = [query.query[i : i + COPIED_CHARS] for i in windows]
            assert not [piece for piece in copied if piece in gold], query.id
            assert overlap(query.query, gold) < WORST_OVERLAP, query.id


def test_queries_share_few_bigrams_with_their_gold(
    book: str, chapters: tuple[BookChapter, ...]
) -> None:
    shares = [
        max(overlap(query.query, gold) for gold in gold_texts(query, chapters))
        for query in queries_of(book)
    ]
    assert sum(shares) / len(shares) < MEAN_OVERLAP
