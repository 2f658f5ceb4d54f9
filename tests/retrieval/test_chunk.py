"""Passages and sentences are partitions, and break where a reader would."""

import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrieval.chunk import chunk_chapter, last_sentence_end, sentences
from retrieval.readers import read_book
from retrieval.types import ChapterText, Passage


def chunk(text: str, target: int = 400, maximum: int = 600) -> list[Passage]:
    return chunk_chapter(ChapterText("c1", 3, "第四章", text), target, maximum)


def texts(text: str, target: int, maximum: int) -> list[str]:
    return [passage.text for passage in chunk(text, target, maximum)]


PROSE = st.text(
    st.one_of(
        st.sampled_from("他她说的是雨夜归人。。，！？…—：；“”‘’「」（）\"'.\n\n\u3000 a1"),
        st.characters(exclude_categories=("Cs",)),
    ),
    max_size=300,
)
SIZES = st.sampled_from([(1, 1), (5, 8), (20, 30), (40, 41), (400, 600)])


@given(PROSE, SIZES)
@example("他说：“好。\n“走。”\n", (5, 8))
@example("a" + " " * 40 + "b", (5, 8))
@example("e\u0301" * 30, (5, 8))
@settings(max_examples=150, deadline=None)
def test_passages_are_a_partition(text: str, sizes: tuple[int, int]) -> None:
    target, maximum = sizes
    passages = chunk(text, target, maximum)
    assert "".join(p.text for p in passages) == (text if text.strip() else "")
    assert all(text[p.start : p.end] == p.text for p in passages)
    assert all(p.text.strip() for p in passages)
    assert all(a.end == b.start for a, b in pairwise(passages))
    longest_blank = max((len(m[0]) for m in re.finditer(r"\s+", text)), default=0)
    if longest_blank < maximum // 2:
        assert all(len(p.text) <= maximum for p in passages)


@given(PROSE)
@settings(max_examples=150, deadline=None)
def test_sentences_are_a_partition(text: str) -> None:
    spans = sentences(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(start < end for start, end in spans)
    assert not text.strip() or all(text[start:end].strip() for start, end in spans)
    assert 0 <= last_sentence_end(text) <= len(text)


def test_passages_know_their_chapter() -> None:
    assert chunk("雨停了。") == [Passage("c1", 3, "第四章", 0, 4, "雨停了。")]
    assert chunk(" \n\u3000") == []
    with pytest.raises(ValueError, match="target"):
        chunk("雨", 10, 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("雨停了。他走了！真的？", ["雨停了。", "他走了！", "真的？"]),
        ("“走吧。”他说。", ["“走吧。”", "他说。"]),
        ("“走吧！”", ["“走吧！”"]),
        ("他想……算了。", ["他想……", "算了。"]),
        ("（雨停了。）他说『好。』」走", ["（雨停了。）", "他说『好。』」", "走"]),
        ("什么？！真的！！！", ["什么？！", "真的！！！"]),
        ("一段\n\n　　二段。\n", ["一段\n\n", "　　二段。\n"]),
        ('He left. "Why?" she said.', ["He left. ", '"Why?" ', "she said."]),
        ('他走了。"你好。"她说', ["他走了。", '"你好。"', "她说"]),
        ("圆周率是3.14。", ["圆周率是3.14。"]),
        ("没有标点", ["没有标点"]),
        ("\n\n雨", ["\n\n雨"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("雨停了。他走", "雨停了。"),
        ("雨停了。\n", "雨停了。"),
        ("“走吧。”他", "“走吧。”"),
        ("一行\n二行", ""),
        ("", ""),
    ],
)
def test_last_sentence_end(text: str, finished: str) -> None:
    assert text[: last_sentence_end(text)] == finished


def test_paragraphs_before_sentences_before_clauses() -> None:
    assert texts("雨停了。他走。\n灯灭了。夜深了，很深。", 8, 12) == [
        "雨停了。他走。\n",
        "灯灭了。夜深了，很深。",
    ]
    assert texts("雨停了，他走了。灯灭了，夜深了。", 8, 12) == [
        "雨停了，他走了。",
        "灯灭了，夜深了。",
    ]
    assert texts("雨停了很久很久，他走了很远很远，", 8, 12) == [
        "雨停了很久很久，",
        "他走了很远很远，",
    ]


def test_indentation_goes_with_its_paragraph() -> None:
    assert texts("雨停了。\n\n　　他走了很远。", 5, 10) == ["雨停了。\n\n", "　　他走了很远。"]


def test_a_quotation_that_fits_is_not_cut() -> None:
    text = "他说：“雨停了。走吧。天亮了。”她点点头。灯灭了。"
    assert texts(text, 8, 14) == ["他说：", "“雨停了。走吧。天亮了。”", "她点点头。灯灭了。"]


def test_a_quotation_that_does_not_fit_is_cut_at_its_sentences() -> None:
    assert texts("“雨停了。走吧走吧。天亮了天亮了。”", 8, 10) == [
        "“雨停了。走吧走吧。",
        "天亮了天亮了。”",
    ]


def test_a_forgotten_quote_spoils_only_its_paragraph() -> None:
    text = "“雨停了。走吧。天亮了。\n灯灭了。夜深了。他走了。”\n“夜深了。”"
    assert texts(text, 8, 10) == [
        "“雨停了。走吧。",
        "天亮了。\n",
        "灯灭了。夜深了。",
        "他走了。”\n",
        "“夜深了。”",
    ]


def test_characters_are_not_split() -> None:
    for unit in ("e\u0301", "👨\u200d👩\u200d👧", "👍🏽", "🇨🇳", "葛\U000e0100", "❤\ufe0f"):
        for passage in chunk(unit * 40, 10, 12):
            assert len(passage.text) % len(unit) == 0


def test_latin_words_are_not_split() -> None:
    for passage in chunk("supercalifragilistic " * 20, 30, 45):
        assert re.fullmatch("(supercalifragilistic ?)+", passage.text)


def test_real_novels(shared_data: Path) -> None:
    closing = re.compile("[”’」』）]")
    for path in sorted(shared_data.glob("novels/*.txt")):
        if path.name == "SOURCE.txt":
            continue
        for number, chapter in enumerate(read_book(path.read_bytes(), path.name).chapters):
            source = ChapterText(str(number), number, chapter.title, chapter.text)
            passages = chunk_chapter(source)
            assert "".join(p.text for p in passages) == chapter.text
            assert all(0 < len(p.text) <= 600 for p in passages)
            assert not any(closing.match(p.text) for p in passages)
            assert sum(len(p.text) for p in passages) / len(passages) > 250


def test_the_longest_novel_is_quick(shared_data: Path) -> None:
    text = (shared_data / "novels" / "红楼梦.txt").read_text("utf-8")
    started = time.process_time()
    passages = chunk(text)
    spans = sentences(text)
    assert time.process_time() - started < 2
    assert len(passages) > 1500
    assert len(spans) > 20_000


@pytest.mark.parametrize(
    "text",
    ["好" * 500_000, "“" * 100_000, "“”" * 100_000, "。" * 200_000, "字" + " " * 500_000 + "字",
     "\n" * 200_000 + "字", '"' * 100_000, "（“" * 50_000 + "”", "字" + "." * 200_000, "，" * 200_000],
)  # fmt: skip
def test_monsters(text: str) -> None:
    started = time.process_time()
    assert "".join(p.text for p in chunk(text)) == text
    assert "".join(text[a:b] for a, b in sentences(text)) == text
    assert time.process_time() - started < 3
