"""Ways of telling chapters: what can be chosen, and that choosing it does it."""

import pytest

from retrieval.errors import ReadError
from retrieval.readers import Book, read_book

P = "雨停了，巷子里只剩下檐水滴落的声音。他站了很久，终于还是没有敲那扇门。"


def read(*lines: str, pattern: str = "auto", name: str = "夜.txt", **how: object) -> Book:
    return read_book("\n".join(lines).encode(), name, pattern=pattern, **how)  # type: ignore[arg-type]


NESTED = [
    "楔子", P,
    *(line for c in (1, 2) for line in (
        f"第{c}章 夜", *(s for n in (1, 2, 3) for s in (f"第{n}节 灯", P)))),
]  # fmt: skip
"""Two chapters of three sections each, and a prologue."""


def test_all_ways_that_would_find_something_are_listed() -> None:
    ways = {way.id: way.label for way in read(*NESTED).patterns}
    assert ways == {
        "auto": "自动（第N章 + 楔子）", "节": "第N节（6 处）", "章": "第N章（2 处）", "whole": "不分章",
    }  # fmt: skip
    assert read(*NESTED, pattern="章").patterns[0].label == "自动"


def test_a_smaller_unit_makes_the_larger_one_volumes() -> None:
    book = read(*NESTED, pattern="节")
    assert [(c.volume, c.title) for c in book.chapters] == [
        (None, "楔子"),
        *((f"第{c}章 夜", f"第{n}节 灯") for c in (1, 2) for n in (1, 2, 3)),
    ]
    assert book.pattern == "节"
    assert [c.title for c in read(*NESTED, pattern="章").chapters] == [
        "楔子",
        "第1章 夜",
        "第2章 夜",
    ]


def test_the_whole_is_one_chapter() -> None:
    (chapter,) = read(*NESTED, pattern="whole").chapters
    assert chapter.text == "\n".join(NESTED)


def test_short_lines_and_numerals_can_be_wanted() -> None:
    lines = [s for n in (1, 2, 3) for s in ("", f"{n}", "", "夜雨", "", *[P] * 9)]
    ways = [way.id for way in read(*lines).patterns]
    assert {"numbers", "apart"} <= {*ways}
    assert [c.title for c in read(*lines, pattern="numbers").chapters] == ["1", "2", "3"]
    assert [c.title for c in read(*lines, pattern="apart").chapters][1:] == ["夜雨"] * 3


def test_levels_of_headings_can_be_chosen() -> None:
    lines = ["# 夜", "## 卷一", "### 风", P, "### 雨", P, "## 卷二", "### 灯", P]
    book = read(*lines, name="夜.md")
    assert [way.id for way in book.patterns] == ["auto", "h2", "h3", "卷", "whole"]
    assert [c.title for c in book.chapters] == ["风", "雨", "灯"]
    assert [c.title for c in read(*lines, name="夜.md", pattern="h2").chapters] == ["卷一", "卷二"]


@pytest.mark.parametrize("pattern", ["回", "h1", "", "nonsense"])
def test_a_way_that_there_is_not_is_refused(pattern: str) -> None:
    with pytest.raises(ReadError, match="分章"):
        read(*NESTED, pattern=pattern)


def test_the_author_names_chapters() -> None:
    book = read(*NESTED)
    lines = {c.line: c.title for c in book.chapters}
    first = next(line for line, title in lines.items() if title == "第1章 夜")
    named = read(*NESTED, titles={first: "番外 另一夜", 1: "引"})
    assert [(c.title, c.kind) for c in named.chapters] == [
        ("引", "preface"), ("番外 另一夜", "extra"), ("第2章 夜", "chapter"),
    ]  # fmt: skip
    assert [c.text for c in named.chapters] == [c.text for c in book.chapters]


def test_every_line_of_a_text_knows_where_it_stands() -> None:
    for chapter in read("目录", "第1章 夜", "第2章 雨", "", *NESTED).chapters:
        source = ["目录", "第1章 夜", "第2章 雨", "", *NESTED]
        assert [source[n - 1] for n in chapter.lines] == chapter.text.split("\n")
        assert all(n > chapter.line or not chapter.heading for n in chapter.lines)


def test_a_split_goes_where_the_line_says() -> None:
    lines = ["第1章 夜", P, "灯灭了", P, P]
    book = read(*lines)
    line = book.chapters[0].lines[book.chapters[0].text.split("\n").index("灯灭了")]
    assert [c.title for c in read(*lines, add_headings=[line]).chapters] == ["第1章 夜", "灯灭了"]


@pytest.mark.parametrize(
    ("encoding", "offered"), [("utf-8", "utf-8"), ("gb18030", "gb18030"), ("utf-16", "utf-16-le")]
)
def test_the_encodings_to_choose_from_hold_the_one_that_reads(encoding: str, offered: str) -> None:
    data = ("\n".join(NESTED)).encode(encoding)
    book = read_book(data, "夜.txt")
    assert book.encodings[0] == book.encoding == offered
    assert read_book(data, "夜.txt", offered).chapters == book.chapters
