"""Chunks are a partition of each chapter, none too long, known by what they are."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrieval.book import Book, BookChapter
from retrieval.readers import read_book
from training.errors import BadInput
from training.novels.chunks import Chunk, chapters_of, chunks_of

NOVEL = Path(__file__).parents[3] / "data" / "sample" / "novel.md"
PROSE = st.text(
    st.one_of(
        st.sampled_from("他她说的是雨夜归人。。，！？…—：；“”‘’「」（）\"'.\n\n\u3000 a1"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=300,
)
SIZES = st.sampled_from([(1, 1), (5, 8), (20, 30), (40, 41), (800, 1000)])


def book_of(*texts: str, title: str = "书") -> Book:
    chapters = [
        BookChapter(None, f"第{n}章", f"第{n}章", n, "chapter", text, 1)
        for n, text in enumerate(texts, 1)
    ]
    return Book(title, None, tuple(chapters), ())


@given(st.lists(PROSE, max_size=3), SIZES)
@example(["a" + " " * 90 + "b"], (5, 8))
@example(["\n" * 50, "好。"], (5, 8))
@settings(max_examples=200, deadline=None)
def test_nothing_is_lost_none_is_empty_none_is_too_long(
    texts: list[str], sizes: tuple[int, int]
) -> None:
    target, maximum = sizes
    book = book_of(*texts)
    chunks = list(chunks_of(book, target, maximum))
    for number, text in enumerate(texts):
        own = [chunk for chunk in chunks if chunk.chapter == number]
        assert "".join(chunk.text for chunk in own) == text
        assert all(text[chunk.start : chunk.end] == chunk.text for chunk in own)
        assert all(a.end == b.start for a, b in pairwise(own))
    assert all(0 < len(chunk.text) <= maximum for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == len(chunks)


def test_the_sample_novel_is_cut_on_sentence_ends_into_about_800_characters() -> None:
    book = read_book(NOVEL.read_bytes(), NOVEL.name)
    chunks = list(chunks_of(book))
    assert all(re.search(r"[。！？…”]\s*$", chunk.text) for chunk in chunks)
    lengths = [len(chunk.text) for chunk in chunks]
    assert max(lengths) <= 1000
    assert 650 < sum(lengths) / len(lengths) < 900
    assert [len(chapter) > 1 for chapter in chapters_of(chunks)] == [True] * 8
    assert chunks[0].place.startswith("第一章　屋顶上那一点 · 1–")


def test_dialogue_gives_no_empty_and_no_endless_chunk() -> None:
    text = "“去哪里？”\n“江边。”\n“同谁？”\n“同你。”\n" * 150
    chunks = list(chunks_of(book_of(text)))
    assert "".join(chunk.text for chunk in chunks) == text
    assert all(500 < len(chunk.text) <= 1000 for chunk in chunks)
    assert all(chunk.text.count("“") == chunk.text.count("”") for chunk in chunks)


def test_an_id_changes_with_the_text_and_the_cut_and_with_nothing_else() -> None:
    def ids(text: str, title: str = "书") -> list[str]:
        return [chunk.id for chunk in chunks_of(book_of(text, title=title), 5, 8)]

    assert ids("他走了。她没有走。") == ids("他走了。她没有走。")
    assert set(ids("他走了。她没有走。")).isdisjoint(ids("他走了。她没有走！")[1:])
    assert set(ids("他走了。她没有走。")).isdisjoint(ids("他走了。她没有走。", title="另一本"))


def test_lengths_that_cannot_be_are_refused() -> None:
    for target, maximum in ((0, None), (10, 5)):
        with pytest.raises(BadInput, match="片段长度"):
            list(chunks_of(book_of("好。"), target, maximum))


def test_chapters_of_two_books_stay_apart() -> None:
    chunks = [
        *chunks_of(book_of("甲。", title="一")), *chunks_of(book_of("乙。", title="二")),
    ]  # fmt: skip
    found: list[list[Chunk]] = list(chapters_of(chunks))
    assert [[chunk.book for chunk in chapter] for chapter in found] == [["一"], ["二"]]
