"""Empty lines between paragraphs: spacing goes, what breaks a scene stays, no word is lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.readers import Book, read_book

PARAGRAPHS = ("雨下了一夜。", "他没有动。", "“谁？”", "没有人答。", "天亮了。")
words = st.sampled_from(PARAGRAPHS)
gaps = st.integers(0, 3)
chapters = st.lists(
    st.lists(st.tuples(words, gaps), min_size=1, max_size=8), min_size=1, max_size=4
)


def markdown(told: list[list[tuple[str, int]]]) -> str:
    """Chapters of (paragraph, empty lines behind it); some empty lines hold spaces."""
    parts = []
    for n, paragraphs in enumerate(told, 1):
        parts += [f"# 第{n}章", ""]
        for text, gap in paragraphs:
            parts += [text, *["  " if n % 2 else ""] * gap]
        parts.append("")
    return "\n".join(parts)


def read(text: str, name: str = "长夜.md", drop: bool | None = None) -> Book:
    return read_book(text.encode(), name, drop_blank_lines=drop)


def filled(book: Book) -> list[list[str]]:
    return [[line for line in c.text.split("\n") if line.strip()] for c in book.chapters]


@given(chapters, st.sampled_from([None, True, False]))
def test_no_word_is_lost_and_every_line_knows_its_source(
    told: list[list[tuple[str, int]]], drop: bool | None
) -> None:
    text = markdown(told)
    source = text.split("\n")
    book = read(text, drop=drop)
    assert filled(book) == [[words for words, _ in paragraphs] for paragraphs in told]
    for chapter in book.chapters:
        lines = chapter.text.split("\n")
        assert [source[n - 1].strip() for n in chapter.lines] == [line.strip() for line in lines]
        assert list(chapter.lines) == sorted(set(chapter.lines))


@given(chapters)
def test_never_two_empty_lines_and_none_where_all_gaps_are_alike(
    told: list[list[tuple[str, int]]],
) -> None:
    book = read(markdown(told), drop=True)
    for chapter in book.chapters:
        assert all(a.strip() or b.strip() for a, b in pairwise(chapter.text.split("\n")))
    alike = read(markdown([[(words, 1) for words, _ in one] for one in told]))
    assert all(line for chapter in alike.chapters for line in chapter.text.split("\n"))


@given(chapters)
def test_kept_is_what_the_file_has(told: list[list[tuple[str, int]]]) -> None:
    book = read(markdown(told), drop=False)
    assert not book.drop_blank_lines
    empty = sum(not line.strip() for c in book.chapters for line in c.text.split("\n"))
    assert empty == book.blank_lines == read(markdown(told), drop=True).blank_lines


@pytest.mark.parametrize(
    ("name", "gap", "dropped"),
    [("长夜.md", 1, True), ("长夜.md", 2, True), ("长夜.md", 0, False), ("长夜.txt", 1, False)],
)
def test_only_markdown_that_is_spaced_is_closed_up_unasked(
    name: str, gap: int, dropped: bool
) -> None:
    book = read(markdown([[(words, gap) for words in PARAGRAPHS]] * 2), name)
    assert book.drop_blank_lines is dropped
    assert ("\n\n" in book.chapters[0].text.replace(" ", "")) is (gap > 0 and not dropped)


def test_a_wider_gap_breaks_the_scene() -> None:
    told = [("一。", 1), ("二。", 1), ("三。", 2), ("四。", 1), ("五。", 0)]
    assert read(markdown([told])).chapters[0].text == "一。\n二。\n三。\n\n四。\n五。"


def test_few_empty_lines_are_breaks_until_the_author_says_otherwise() -> None:
    told = [("一。", 0), ("二。", 0), ("三。", 1), ("四。", 0), ("五。", 0)]
    text = markdown([[], told])
    assert read(text).chapters[-1].text == "一。\n二。\n三。\n\n四。\n五。"
    assert read(text, drop=True).chapters[-1].text == "一。\n二。\n三。\n四。\n五。"
