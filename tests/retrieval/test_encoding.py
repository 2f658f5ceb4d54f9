"""Encodings are told apart on short and long texts, and what is no text is refused."""

import codecs
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.encoding import decode
from retrieval.errors import BinaryFile, EmptyText, MixedEncoding, UnknownEncoding

SIMPLIFIED = (
    "雨是后半夜停的。他推开木门，巷子里静得只剩下檐水滴落的声音。\n"
    "“你还记得那把伞吗？”她站在灯下，轻轻地问。\n他没有回答，只是把手里的信折了两折，放回怀中。\n"
)
TRADITIONAL = (
    "雨是後半夜停的。他推開木門，巷子裡靜得只剩下簷水滴落的聲音。\n"
    "「你還記得那把傘嗎？」她站在燈下，輕輕地問。\n他沒有回答，只是把手裡的信摺了兩摺，放回懷中。\n"
    "後來的事情，說書人各有各的說法：有人說她等了一年，有人說她第二天便離開了這座城。\n"
)


@pytest.mark.parametrize(
    ("codec", "text", "detected"),
    [
        ("utf-8", SIMPLIFIED, "utf-8"),
        ("utf-8-sig", TRADITIONAL, "utf-8-sig"),
        ("utf-16", SIMPLIFIED, "utf-16-le"),
        ("utf-16-le", SIMPLIFIED, "utf-16-le"),
        ("utf-16-be", TRADITIONAL, "utf-16-be"),
        ("gbk", SIMPLIFIED, "gb18030"),
        ("gb2312", SIMPLIFIED, "gb18030"),
        ("gb18030", TRADITIONAL, "gb18030"),
        ("big5", TRADITIONAL, "big5hkscs"),
        ("cp950", TRADITIONAL, "big5hkscs"),
        ("big5hkscs", TRADITIONAL + "佢哋喺嗰度食嘢。\n", "big5hkscs"),
        ("utf-8", "Plain ASCII.\n", "utf-8"),
    ],
)
def test_reads_each_encoding(codec: str, text: str, detected: str) -> None:
    decoded = decode(text.encode(codec))
    assert (decoded.text, decoded.encoding, decoded.warnings) == (text, detected, ())


def test_bom_of_utf_16_be() -> None:
    decoded = decode(codecs.BOM_UTF16_BE + SIMPLIFIED.encode("utf-16-be"))
    assert (decoded.text, decoded.encoding) == (SIMPLIFIED, "utf-16-be")


@pytest.mark.parametrize("length", [12, 30, 60])
@pytest.mark.parametrize("codec", ["gb18030", "big5hkscs", "utf-16-le", "utf-16-be"])
def test_short_texts(codec: str, length: int) -> None:
    for start in range(0, len(TRADITIONAL) - length, 5):
        piece = TRADITIONAL[start : start + length]
        assert decode(piece.encode(codec)).text == piece


@pytest.mark.parametrize("codec", ["gb18030", "utf-16-le", "utf-16-be", "utf-8"])
@pytest.mark.parametrize("length", [200, 2000])
def test_pieces_of_real_novels(shared_data: Path, codec: str, length: int) -> None:
    choose = random.Random(20)
    for path in sorted(shared_data.glob("novels/*游记.txt")):
        novel = path.read_text("utf-8")
        for _ in range(30):
            start = choose.randrange(len(novel) - length)
            piece = novel[start : start + length]
            assert decode(piece.encode(codec)).text == piece


def test_a_whole_novel_in_gb18030(shared_data: Path) -> None:
    novel = (shared_data / "novels" / "红楼梦.txt").read_text("utf-8")
    decoded = decode(novel.encode("gb18030"))
    assert (decoded.encoding, decoded.warnings) == ("gb18030", ())
    assert decoded.text == novel


def test_only_line_ends_change() -> None:
    source = "一行\r\n二行\r三行\n　　四行 \x0c\u2028\x85尾"
    assert decode(source.encode()).text == "一行\n二行\n三行\n　　四行 \x0c\u2028\x85尾"


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
@settings(max_examples=60, deadline=None)
def test_any_utf_8_comes_back(text: str) -> None:
    source = "字" + text
    assert decode(source.encode()).text == source


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", "\u3000\n\u3000".encode(), b"\xef\xbb\xbf\n"])
def test_white_space_is_empty(data: bytes) -> None:
    with pytest.raises(EmptyText):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"PK\x03\x04" + SIMPLIFIED.encode(),
        b"%PDF-1.7\n",
        random.Random(1).randbytes(5000),
        bytes(b for b in random.Random(2).randbytes(5000) if b),
        SIMPLIFIED.encode() + b"\0",
        b"\x01\x02\x03\x04 text",
    ],
)
def test_binaries_are_refused(data: bytes) -> None:
    with pytest.raises(BinaryFile):
        decode(data)


@pytest.mark.parametrize("codec", ["koi8-r", "cp1251"])
def test_other_encodings_are_unknown(codec: str) -> None:
    text = "Все счастливые семьи похожи друг на друга, каждая несчастлива по-своему.\n" * 5
    with pytest.raises(UnknownEncoding, match="UTF-8"):
        decode(text.encode(codec))


@pytest.mark.parametrize(
    ("main", "other", "text"),
    [
        ("gb18030", "utf-8", SIMPLIFIED),
        ("utf-8", "gb18030", SIMPLIFIED),
        ("big5", "utf-8", TRADITIONAL),
        ("big5", "gb18030", TRADITIONAL),
        ("gb18030", "big5", TRADITIONAL),
    ],
)
@pytest.mark.parametrize("parity", ["", "。"])
def test_a_foreign_line_is_named(main: str, other: str, text: str, parity: str) -> None:
    lines = [line for line in text.split("\n") if line] * 20
    data = [line.encode(main) for line in lines]
    data[13] = (lines[13] + parity).encode(other)
    with pytest.raises(MixedEncoding, match=r"第 14 行.*另存为 UTF-8"):
        decode(b"\n".join(data))


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_a_cut_character_is_replaced_and_named(codec: str) -> None:
    lines = (SIMPLIFIED * 250).split("\n")
    data = [line.encode(codec) for line in lines]
    data[4] = data[4][:-1]
    decoded = decode(b"\n".join(data))
    assert [w.line for w in decoded.warnings] == [5]
    assert "第 5 行" in decoded.warnings[0].message
    read = decoded.text.split("\n")
    assert "\ufffd" in read[4]
    assert read[:4] + read[5:] == lines[:4] + lines[5:]


def test_a_file_cut_in_its_last_character() -> None:
    decoded = decode(SIMPLIFIED.rstrip().encode()[:-1])
    assert decoded.text == SIMPLIFIED.rstrip()[:-1] + "\ufffd"
    assert len(decoded.warnings) == 1


def test_many_broken_places_are_not_forgiven() -> None:
    lines = [line.encode() + b"\xff" for line in (SIMPLIFIED * 10).split("\n") if line]
    with pytest.raises(MixedEncoding):
        decode(b"\n".join(lines))


def test_a_named_encoding_overrides() -> None:
    text = "Ça déjà vu\n"
    assert decode(text.encode("latin-1"), "latin-1").text == text
    assert decode(SIMPLIFIED.encode("gb18030"), "GBK").encoding == "gb18030"


@pytest.mark.parametrize("name", ["nonsense", "hex", "rot13", "", "a\0b", "utf-8", "ascii"])
def test_a_wrong_name_is_said(name: str) -> None:
    with pytest.raises(UnknownEncoding):
        decode(SIMPLIFIED.encode("gb18030"), name)
