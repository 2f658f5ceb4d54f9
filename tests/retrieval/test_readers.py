"""Files become books: nothing inside a chapter is lost, nothing doubtful goes unsaid."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.encoding import decode
from retrieval.errors import BinaryFile, EmptyText, ReadError
from retrieval.readers import Book, read_book

PARAGRAPH = (
    "　　雨停了，巷子里只剩下檐水滴落的声音。他站了很久，终于还是没有敲那扇门，"
    "转身往巷口走去，一路上谁也没有遇见，只有灯。"
)


def read(*lines: str, name: str = "长夜.txt", **options: list[int]) -> Book:
    return read_book("\n".join(lines).encode(), name, **options)


def codes(book: Book) -> list[str]:
    return [doubt.code for doubt in book.doubts]


def titles(book: Book) -> list[str]:
    return [chapter.title for chapter in book.chapters]


# --- real books -------------------------------------------------------------------------------


def test_the_novels_have_their_manifests_chapters(shared_data: Path) -> None:
    manifest = json.loads((shared_data / "novels" / "manifest.json").read_text("utf-8"))
    counts = {}
    for entry in manifest:
        data = (shared_data / "novels" / entry["file"]).read_bytes()
        book = read_book(data, entry["file"])
        counts[entry["file"]] = len(book.chapters)
        assert not [c for c in book.chapters if c.number is None and c.heading.startswith("第")]
        assert_reassembles(book, decode(data).text)
    assert counts == {entry["file"]: entry["chapters"] for entry in manifest}


def test_a_long_novel_is_read_in_a_second(shared_data: Path) -> None:
    data = (shared_data / "novels" / "红楼梦.txt").read_bytes()
    for source in (data, data.decode().encode("gb18030")):
        started = time.process_time()
        book = read_book(source, "红楼梦.txt")
        assert time.process_time() - started < 1
        assert [c.number for c in book.chapters] == list(range(1, 121))


def assert_reassembles(book: Book, source: str) -> None:
    """Headings and texts are the source, blank lines at chapters' edges aside."""
    read_lines = [s for c in book.chapters for s in (*c.heading.split("\n"), *c.text.split("\n"))]
    assert [s for s in read_lines if s.strip()] == [s for s in source.split("\n") if s.strip()]


# --- random books -------------------------------------------------------------------------------

CHINESE_DIGITS = "零一二三四五六七八九"


def chinese(number: int) -> str:
    tens, ones = divmod(number, 10)
    ten = ("" if tens == 1 else CHINESE_DIGITS[tens]) + "十" if tens else ""
    return ten + (CHINESE_DIGITS[ones] if ones or not tens else "")


def full_width(number: int) -> str:
    return "".join(chr(ord(c) - ord("0") + ord("０")) for c in str(number))


NUMERALS = st.sampled_from([str, chinese, full_width])
SEPARATORS = st.sampled_from(["　", " ", "：", "、", "\t", "　　"])
INDENTS = st.sampled_from(["", "　　", "  ", "\t"])
BLANKS = st.sampled_from([[], [""], ["", "　"], ["", "", ""]])
NAMES = st.text("风雨雪月山河归人旧梦长夜", min_size=1, max_size=8)
BODY_LINES = st.builds(
    lambda indent, text, end: indent + text + end,
    st.sampled_from(["", "　　", " "]),
    st.text("他她的一是不了在人有我这来到说天地山，：“”「」……—Aa 1\u3000", min_size=1, max_size=60),
    st.sampled_from(["。", "。”", "。  "]),
)
BODIES = st.lists(st.one_of(BODY_LINES, BODY_LINES, st.just(""), st.just("　")), max_size=8).map(
    lambda lines: ["他来了。", *lines, "他走了。"]
)


@st.composite
def books(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str]]]:
    """The lines of a book, and its chapters as (heading, text)."""
    unit, numeral = draw(st.sampled_from("章回")), draw(NUMERALS)
    lines: list[str] = []
    chapters: list[tuple[str, str]] = []
    for number in range(1, draw(st.integers(1, 14)) + 1):
        name = draw(st.one_of(st.just(""), NAMES))
        heading = f"第{numeral(number)}{unit}" + (draw(SEPARATORS) + name if name else "")
        heading = draw(INDENTS) + heading + draw(st.sampled_from(["", " ", "　"]))
        body = draw(BODIES)
        lines += [*draw(BLANKS), heading, *draw(BLANKS), *body]
        chapters.append((heading, "\n".join(body)))
    return [*lines, *draw(BLANKS)], chapters


@given(books(), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"]
))  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_random_books_come_back(
    drawn: tuple[list[str], list[tuple[str, str]]], newline: str, codec: str
) -> None:
    lines, chapters = drawn
    book = read_book(newline.join(lines).encode(codec), "书.txt")
    assert [(c.heading, c.text) for c in book.chapters] == chapters
    assert [c.number for c in book.chapters] == list(range(1, len(chapters) + 1))
    assert all(lines[c.line - 1] == c.heading for c in book.chapters)
    assert_reassembles(book, "\n".join(lines))


TRICKY = [
    "第一章 风", "第二章　雨", "第三章雪", "第三章的时候，他走了。", "第一卷", "第二卷 第一章 归", "卷一",
    "《长夜》", "作者：某人", "目录", "番外（一）", "后记", "序", "一", "二", "三", "三年后", "***", "",
    "", "　", PARAGRAPH, "“你来了。”", "# 长夜", "## 第一章 风", "---", "```", "Chapter 1", "第9部电影",
]  # fmt: skip


@given(st.lists(st.sampled_from(TRICKY), min_size=1, max_size=40), st.sampled_from(["txt", "md"]))
@settings(max_examples=100, deadline=None)
def test_nothing_vanishes_silently(lines: list[str], suffix: str) -> None:
    """Whatever the lines, those in no chapter are volume, name or contents lines, said so."""
    try:
        book = read(*lines, name=f"x.{suffix}")
    except EmptyText:
        assert not any(line.strip() for line in lines)
        return
    kept = [s for c in book.chapters for s in (*c.heading.split("\n"), *c.text.split("\n"))]
    kept = [s for s in kept if s.strip()]
    source = [s for s in lines if s.strip()]
    remaining = iter(source)
    assert all(s in remaining for s in kept), "the order of lines changed"
    missing = list(source)
    for line in kept:
        missing.remove(line)
    excused = {"table_of_contents", "repeated_heading", "front_matter"} & set(codes(book))
    structure = ("第一卷", "第二卷 第一章 归", "卷一", "# 长夜", "## 第一章 风", "---", "三年后")
    assert excused or all(line in structure or suffix == "md" for line in missing)
    assert PARAGRAPH not in missing


# --- chapters, volumes, kinds ---------------------------------------------------------------------


def test_volumes_and_their_own_text() -> None:
    book = read(
        "第一卷 起", PARAGRAPH, "第一章 风", PARAGRAPH, "第二卷 落", "第一章 雪", PARAGRAPH, "后记", PARAGRAPH
    )  # fmt: skip
    assert [(c.volume, c.title, c.kind, c.line) for c in book.chapters] == [
        ("第一卷 起", "第一卷 起", "preface", 1),
        ("第一卷 起", "第一章 风", "chapter", 3),
        ("第二卷 落", "第一章 雪", "chapter", 6),
        ("第二卷 落", "后记", "afterword", 8),
    ]
    assert codes(book) == []


def test_nested_volumes_on_one_line_and_on_many() -> None:
    book = read(
        "第一部 长夜", "第一卷 起 第一章 风", PARAGRAPH, "第一卷 起 第二章 雨", PARAGRAPH,
        "第二部 短昼", "第一章 雪", PARAGRAPH,
    )  # fmt: skip
    assert [(c.volume, c.title) for c in book.chapters] == [
        ("第一部 长夜 第一卷 起", "第一章 风"),
        ("第一部 长夜 第一卷 起", "第二章 雨"),
        ("第二部 短昼", "第一章 雪"),
    ]


def test_text_inside_a_chapter_is_untouched() -> None:
    body = "　　一段。 \n\n\n\t二段　\n　\n“三段”"
    book = read("第一章", "", body, "", "　", "第二章", PARAGRAPH)
    assert book.chapters[0].text == body


def test_a_book_without_headings_is_one_chapter() -> None:
    book = read(PARAGRAPH, "", PARAGRAPH)
    assert [(c.title, c.heading, c.kind, c.line) for c in book.chapters] == [
        ("长夜", "", "chapter", 1)
    ]
    assert codes(book) == ["no_headings"]


def test_text_before_the_first_heading_is_a_preface() -> None:
    book = read("《长夜》", PARAGRAPH, "第一章", PARAGRAPH)
    assert [(c.title, c.kind) for c in book.chapters] == [
        ("卷首", "preface"),
        ("第一章", "chapter"),
    ]
    assert book.chapters[0].text == f"《长夜》\n{PARAGRAPH}"
    assert codes(book) == ["front_text"]


def test_a_story_with_only_an_afterword_is_not_a_preface() -> None:
    book = read(PARAGRAPH, "后记", PARAGRAPH)
    assert [(c.title, c.kind) for c in book.chapters] == [
        ("长夜", "chapter"),
        ("后记", "afterword"),
    ]


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ((1, 2, 4), "numbering_gap"),
        ((3, 4, 5), "numbering_gap"),
        ((1, 2, 1), "numbering_restart"),
        ((1, 2, 2), "numbering_repeat"),
        ((0, 1, 2), None),
        ((1, 2, 3), None),
    ],
)
def test_numbering(numbers: tuple[int, ...], code: str | None) -> None:
    names = "甲乙丙丁"
    lines = [s for k, n in enumerate(numbers) for s in (f"第{n}章 {names[k]}", PARAGRAPH)]
    assert codes(read(*lines)) == ([code] if code else [])


def test_ranges_of_chapters_leave_no_gap() -> None:
    assert codes(read("第1-2章 风", PARAGRAPH, "第3章 雨", PARAGRAPH)) == []


def test_the_same_heading_twice_with_text() -> None:
    book = read("第一章 风", PARAGRAPH, "第一章 风", PARAGRAPH)
    assert titles(book) == ["第一章 风"] * 2
    assert [(d.code, d.line) for d in book.doubts] == [("duplicate_heading", 3)]


def test_an_appendix_amid_the_chapters() -> None:
    book = read("第一章", PARAGRAPH, "附录 旧事", PARAGRAPH, "第二章", PARAGRAPH, "后记", PARAGRAPH)
    assert [(d.code, d.line) for d in book.doubts] == [("ending_amid_chapters", 3)]


@pytest.mark.parametrize("spacing", ["\n\n", "\n\n\n"])
def test_novels_with_spaced_paragraphs(shared_data: Path, spacing: str) -> None:
    for name, chapters in (("鲁迅_呐喊.txt", 15), ("萧红_呼兰河传.txt", 7), ("老残游记.txt", 20)):
        source = (shared_data / "novels" / name).read_text("utf-8")
        book = read_book(source.replace("\n", spacing).encode(), name)
        assert len(book.chapters) == chapters


def test_lengths_are_doubted() -> None:
    book = read("第一章", "太短。", "第二章", "第三章", PARAGRAPH * 600)
    assert codes(book) == ["short_chapter", "empty_chapter", "long_chapter"]


def test_many_doubts_are_counted() -> None:
    book = read(*[f"第{n}章" for n in range(1, 200)])
    assert len(book.doubts) == 21
    assert "179" in book.doubts[-1].message


def test_stray_bytes_are_doubts() -> None:
    lines = ["第一章", *[PARAGRAPH] * 300]
    data = [line.encode("gb18030") for line in lines]
    data[7] = data[7][:-1]
    book = read_book(b"\n".join(data), "长夜.txt")
    assert [(d.code, d.line) for d in book.doubts] == [("stray_bytes", 8)]


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filename", "title", "author"),
    [
        ("长夜.txt", "长夜", None),
        ("《长夜》作者：某人.txt", "长夜", "某人"),
        ("《长夜》（精校版全本）作者：某人【某站】.txt", "长夜", "某人"),
        ("[某站]长夜 作者：某人.TXT", "长夜", "某人"),
        ("长夜(完结).txt", "长夜", None),
        ("长夜(上).txt", "长夜(上)", None),
        ("C:\\书\\长夜.txt", "长夜", None),
        ("/书/长夜.第一版", "长夜.第一版", None),
        (".txt", ".txt", None),
        ("", "未命名", None),
    ],
)
def test_names_from_the_file(filename: str, title: str, author: str | None) -> None:
    book = read("第一章", PARAGRAPH, name=filename)
    assert (book.title, book.author) == (title, author)


@pytest.mark.parametrize(
    "front",
    [
        ["《归人》作者：某人"],
        ["《归人》", "", "作者：某人"],
        ["书名：归人", "【作者】某人"],
        ["归人", "某人 著"],
        ["归人", "作者：某人", "目录"],
    ],
)
def test_names_from_the_first_lines(front: list[str]) -> None:
    book = read(*front, "", "第一章", PARAGRAPH, "第二章", PARAGRAPH)
    assert (book.title, book.author, len(book.chapters)) == ("归人", "某人", 2)
    assert codes(book) == ["front_matter"]


# --- corrections --------------------------------------------------------------------------------


def test_the_author_adds_and_drops_headings() -> None:
    lines = [
        "第一章 风",
        PARAGRAPH,
        "第二章我不知道",
        PARAGRAPH,
        "雨夜",
        PARAGRAPH,
        "第三章 雪",
        PARAGRAPH,
    ]
    book = read(*lines, add_headings=[5], drop_headings=[7])
    assert [(c.title, c.number, c.line) for c in book.chapters] == [
        ("第一章 风", 1, 1),
        ("第二章我不知道", 2, 3),
        ("雨夜", None, 5),
    ]
    assert book.chapters[2].text == f"{PARAGRAPH}\n第三章 雪\n{PARAGRAPH}"


def test_a_settled_doubt_is_not_repeated() -> None:
    lines = ["第一章 风", PARAGRAPH, "第二章的开头，他走了。", PARAGRAPH]
    assert codes(read(*lines)) == ["looks_like_heading"]
    assert titles(read(*lines, add_headings=[3])) == ["第一章 风", "第二章的开头，他走了。"]
    assert codes(read(*lines, add_headings=[3])) == []
    assert codes(read(*lines, drop_headings=[3])) == []


def test_dropping_every_heading_and_adding_to_a_bare_text() -> None:
    assert codes(read("第一章", PARAGRAPH, drop_headings=[1])) == ["no_headings"]
    book = read(PARAGRAPH, "雨夜", PARAGRAPH, add_headings=[2])
    assert titles(book) == ["卷首", "雨夜"]


@pytest.mark.parametrize("line", [0, -1, 2, 99])
def test_a_line_that_cannot_be_a_heading(line: int) -> None:
    with pytest.raises(ReadError, match="不能作标题"):
        read("第一章", "", PARAGRAPH, add_headings=[line])


# --- Markdown -------------------------------------------------------------------------------------


def test_markdown_by_depth() -> None:
    body = f"{PARAGRAPH}\n\n```\n# 不是标题\n```\n\n#### 小节\n\n**粗** 体"
    book = read(
        "# 归人", "", "## 卷一", "### 第一章 风", body, "", "### 第二章 雨", PARAGRAPH,
        "## 卷二", "卷前的话。" * 20, "### 第三章 雪", PARAGRAPH, "## 番外", PARAGRAPH, name="a.md",
        drop_blank_lines=False,
    )  # fmt: skip
    assert book.title == "归人"
    assert [(c.volume, c.title, c.kind, c.number) for c in book.chapters] == [
        ("卷一", "第一章 风", "chapter", 1),
        ("卷一", "第二章 雨", "chapter", 2),
        ("卷二", "卷二", "preface", None),
        ("卷二", "第三章 雪", "chapter", 3),
        ("卷二", "番外", "extra", None),
    ]
    assert book.chapters[0].text == body
    assert book.chapters[0].heading == "### 第一章 风"


def test_setext_headings_and_scene_breaks() -> None:
    book = read(
        "风起", "====", PARAGRAPH, "---", PARAGRAPH, "", "雨落", "====", PARAGRAPH, name="a.md"
    )
    assert titles(book) == ["风起", "雨落"]
    assert book.chapters[0].heading == "风起\n===="
    assert "---" in book.chapters[0].text
    assert codes(book) == ["looks_like_heading"]


def test_markdown_chapters_may_hold_scenes() -> None:
    scenes = ["### 甲", PARAGRAPH, "### 乙", PARAGRAPH]
    book = read("# 归人", "## 第一章", *scenes, "## 第二章", *scenes, name="a.md")
    assert titles(book) == ["第一章", "第二章"]


def test_markdown_without_headings_follows_the_rules_of_text() -> None:
    book = read("# 归人", "作者：某人", "第一章", PARAGRAPH, "第二章", PARAGRAPH, name="a.markdown")
    assert (book.title, book.author, titles(book)) == ("归人", "某人", ["第一章", "第二章"])


def test_yaml_front_matter_is_no_heading() -> None:
    book = read("---", "title: 归人", "author: 某人", "---", "# 第一章", PARAGRAPH, name="a.md")
    assert (book.title, book.author, titles(book)) == ("归人", "某人", ["第一章"])


# --- bad input ----------------------------------------------------------------------------------


def test_refusals() -> None:
    with pytest.raises(EmptyText):
        read_book(b"", "长夜.txt")
    with pytest.raises(BinaryFile):
        read_book(b"\x89PNG\r\n\x1a\n\0\0\0", "长夜.txt")
    with pytest.raises(ReadError, match="TXT"):
        read_book(b"<html>", "长夜.html")


@pytest.mark.parametrize("name", ["x.txt", "x.md"])
@pytest.mark.parametrize(
    "text",
    [
        "好" * 3_300_000,
        "第一章的\n" * 20_000,
        "第一部一\n第二章我\n" * 15_000,
        "标题\n\n正文。\n正文。\n" * 15_000,
        "=" * 5_000_000 + "字",
        "字" + " " * 5_000_000 + "字",
        "> " * 100_000 + "字",
        "- 字\n" * 5_000 + "# 字\n",
    ],
    ids=["line", "short", "weak", "bare", "rule", "spaces", "quotes", "list"],
)
def test_pathological_files_do_not_blow_up(text: str, name: str) -> None:
    started = time.process_time()
    assert read_book(text.encode(), name).chapters
    assert time.process_time() - started < 5
