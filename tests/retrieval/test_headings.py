"""What one line says, and what lines say together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.heading_lines import split_title
from retrieval.headings import choose, number_of, parse
from retrieval.numerals import chinese_of

PARAGRAPH = "　　雨停了，巷子里只剩下檐水滴落的声音，他站了很久，终于还是没有敲那扇门。"


@pytest.mark.parametrize(
    ("numeral", "number"),
    [
        ("12", 12),
        ("１２", 12),
        ("一百零八", 108),
        ("十", 10),
        ("二十", 20),
        ("百二十", 120),
        ("一二〇", 120),
        ("一○八", 108),
        ("廿三", 23),
        ("卅", 30),
        ("两千零一", 2001),
        ("一万二千", 12000),
        ("壹佰贰拾叁", 123),
        ("XIV", 14),
        ("seven", 7),
        ("甲", None),
    ],
)
def test_numerals(numeral: str, number: int | None) -> None:
    assert number_of(numeral) == number


@given(st.integers(0, 99_999_999))
def test_a_number_written_out_is_read_as_itself(number: int) -> None:
    assert number_of(chinese_of(number)) == number


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "零"),
        (10, "十"),
        (12, "十二"),
        (20, "二十"),
        (108, "一百零八"),
        (110, "一百一十"),
        (1001, "一千零一"),
        (10010, "一万零一十"),
        (120_034, "十二万零三十四"),
    ],
)
def test_numbers_are_written_as_headings_write_them(number: int, written: str) -> None:
    assert chinese_of(number) == written


@pytest.mark.parametrize(
    ("title", "label", "name"),
    [
        ("第十二章　雨夜", "第十二章", "雨夜"),
        ("第十二章", "第十二章", ""),
        ("第 12 章：雨夜", "第 12 章", "雨夜"),
        ("第五章不速之客", "第五章", "不速之客"),
        ("第三章 他说。然后", "第三章", "他说。然后"),
        ("第一卷 第三章 雨夜", "第一卷 第三章", "雨夜"),
        ("第3-5章 合", "第3-5章", "合"),
        ("Chapter 12: Rain", "Chapter 12", "Rain"),
        ("12. 雨夜", "12", "雨夜"),
        ("一、雨夜", "一", "雨夜"),
        ("（三）雨夜", "（三）", "雨夜"),
        ("楔子", "", "楔子"),
        ("1984", "", "1984"),
        ("一个人", "", "一个人"),
        ("3.14的事", "", "3.14的事"),
        ("12:30 的火车", "", "12:30 的火车"),
        ("第一部手机", "", "第一部手机"),
        ("第一章的秘密", "", "第一章的秘密"),
        ("第三回合", "", "第三回合"),
        ("", "", ""),
    ],
)
def test_a_title_is_its_label_and_its_name(title: str, label: str, name: str) -> None:
    found, _, rest = split_title(title)
    assert (found, rest) == (label, name)


@given(
    st.text(st.sampled_from("第一二十12３章回节卷部（）()、．.:： 　的雨夜Chapter"), max_size=24)
)
def test_splitting_a_title_loses_nothing(title: str) -> None:
    label, gap, name = split_title(title)
    assert label + gap + name == title
    assert label or not gap


@pytest.mark.parametrize(
    ("line", "number", "title"),
    [
        ("第一回　灵根育孕源流出 心性修持大道生", 1, "第一回 灵根育孕源流出 心性修持大道生"),
        ("　　第１２章：风起", 12, "第１２章：风起"),
        ("第十二章重生", 12, "第十二章重生"),
        ("第 12 章\t风起", 12, "第 12 章 风起"),
        ("第三章、他是谁？", 3, "第三章、他是谁？"),
        ("第一百零八回", 108, "第一百零八回"),
        ("【第七章】 归人", 7, "第七章 归人"),
        ("正文 第九章 归人", 9, "第九章 归人"),
        ("☆、第九章 归人", 9, "第九章 归人"),
        ("第12-13章 合章", 12, "第12-13章 合章"),
        ("第五章（上）", 5, "第五章（上）"),
        ("第五節 歸人", 5, "第五節 歸人"),
        ("Chapter 12: Rain", 12, "Chapter 12: Rain"),
        ("CHAPTER IV", 4, "CHAPTER IV"),
    ],
)
def test_headings(line: str, number: int, title: str) -> None:
    heading = parse(line)
    assert heading is not None
    assert (heading.number, heading.title, heading.certainty) == (number, title, "sure")


@pytest.mark.parametrize(
    "line",
    [
        "第三章的时候，他已经走了。",
        "第一回合，他就输了。",
        "第一部分",
        "第二回忘记了那一年，总之是募集湖北水灾捐。",
        "第四章 他走了。",
        "第五章：雨停了；风也停了",
        "第一节课",
        "第一章" + "很长" * 20,
        "他翻到第三章 风起",
        "序幕拉开了",
        "尾声渐渐远去",
        "后记得把门关上，",
        "Chapter one of my life was over.",
        "Part of the way",
        "第一天 清晨",
        "",
    ],
)
def test_sentences_are_not_headings(line: str) -> None:
    heading = parse(line)
    assert heading is None or heading.certainty == "no"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("序", "preface"),
        ("自序", "preface"),
        ("《呐喊》自序", "preface"),
        ("楔子　雨夜", "preface"),
        ("引子", "preface"),
        ("终章 归来", "chapter"),
        ("番外（一）", "extra"),
        ("番外：春日", "extra"),
        ("番外之洞房", "extra"),
        ("外传 旧事", "extra"),
        ("尾声", "afterword"),
        ("後記", "afterword"),
        ("跋", "afterword"),
        ("附录一 年表", "afterword"),
        ("【后记】", "afterword"),
    ],
)
def test_keywords(line: str, kind: str) -> None:
    heading = parse(line)
    assert heading is not None
    assert (heading.kind, heading.number) == (kind, None)


def test_volume_and_chapter_on_one_line() -> None:
    heading = parse("第一卷 风起 第三章 名字")
    assert heading is not None
    assert (heading.volumes, heading.title) == (((1, "第一卷 风起"),), "第三章 名字")


def lines_of(*headings: str, blank: bool = False) -> list[str]:
    """Each heading above two paragraphs; above nine and between blank lines where `blank`."""
    if blank:
        return [s for h in headings for s in ("", h, "", *[PARAGRAPH] * 9)]
    return [s for h in headings for s in (h, PARAGRAPH, PARAGRAPH)]


def titles(lines: list[str]) -> list[str]:
    return [c.heading.title for c in choose(lines).headings if not c.is_volume]


def test_a_doubtful_shape_is_believed_only_in_sequence() -> None:
    assert titles(lines_of("第一章 风", "第二章我回来了", "第三章 雪")) == [
        "第一章 风",
        "第二章我回来了",
        "第三章 雪",
    ]
    lines = lines_of("第一章 风", "第九章我写不下去", "第二章 雪")
    assert titles(lines) == ["第一章 风", "第二章 雪"]
    assert [(d.code, d.line) for d in choose(lines).doubts] == [("looks_like_heading", 4)]


def test_sections_stay_in_their_chapters() -> None:
    lines = lines_of("第一章 风", "第一节 起", "第二节 落", "第二章 雨")
    assert titles(lines) == ["第一章 风", "第二章 雨"]


@pytest.mark.parametrize("unit", ["节", "卷", "集", "篇", "部", "折", "幕"])
def test_any_unit_is_the_chapter_where_it_is_alone(unit: str) -> None:
    headings = [f"第{n}{unit} 题" for n in "一二三"]
    assert titles(lines_of(*headings)) == headings


def test_rolls_without_chapters() -> None:
    assert titles(lines_of("卷一", "卷之二", "卷三 风")) == ["卷一", "卷之二", "卷三 风"]


def test_where_blank_lines_mark_chapters_a_keyword_without_one_is_text() -> None:
    marked = lines_of("第一章", "第二章", "第三章", blank=True)
    assert titles([*marked, "尾声", PARAGRAPH]) == ["第一章", "第二章", "第三章"]
    assert titles([*marked, "", "尾声", PARAGRAPH])[-1] == "尾声"
    plain = lines_of("第一章", "第二章", "第三章")
    assert titles([*plain, "尾声", PARAGRAPH])[-1] == "尾声"


def collection(*stories: str) -> list[str]:
    return [s for t in stories for s in ("", t, "", *[PARAGRAPH] * 12)]


def test_bare_titles_standing_apart() -> None:
    stories = ("《雨夜》自序", "药", "端午的旧事", "白光")
    assert titles(collection(*stories)) == list(stories)


def test_numbered_headings_inside_one_story_are_its_sections() -> None:
    lines = collection("风波", "故乡", "药", "正传")
    lines += lines_of("第一章 序", "第二章 记略")
    lines += collection("白光", "社戏")
    choice = choose(lines)
    assert titles(lines) == ["风波", "故乡", "药", "正传", "白光", "社戏"]
    assert "nested_numbering" in [d.code for d in choice.doubts]


def test_works_of_a_collected_edition_are_volumes() -> None:
    first = [*lines_of("第一章", "第二章", blank=True), *[PARAGRAPH] * 30]
    lines = ["长夜", *first, "", "短昼", *first, "", "归人", *first]
    choice = choose(lines)
    assert [c.heading.title for c in choice.headings if c.is_volume] == ["长夜", "短昼", "归人"]
    assert titles(lines) == ["第一章", "第二章"] * 3


def test_scene_breaks_in_spaced_or_numbered_books_are_no_titles() -> None:
    spaced = [s for _ in range(40) for s in (PARAGRAPH, "")]
    spaced[20:20] = ["三年后", ""]
    assert titles(spaced) == []
    numbered = ["第一章", *[PARAGRAPH] * 9, "", "三年后", "", *[PARAGRAPH] * 9]
    lines = [*numbered, *[s.replace("一章", "二章") for s in numbered]]
    assert titles([*lines, *numbered]) == ["第一章", "第二章", "第一章"]


def test_lines_of_only_a_number_where_nothing_else_is() -> None:
    choice = choose(lines_of("一", "二", "三"))
    assert [c.heading.number for c in choice.headings] == [1, 2, 3]
    assert [d.code for d in choice.doubts] == ["bare_numbers"]
    assert titles(lines_of("第一章", "一", "二", "三")) == ["第一章"]


def test_a_table_of_contents_is_skipped() -> None:
    contents = ["目录", "第一卷", "第一章 风……1", "第二章 雨……9", "后记……20"]
    lines = [*contents, "", "第一卷", *lines_of("第一章 风", "第二章 雨", "后记")]
    choice = choose(lines)
    assert titles(lines) == ["第一章 风", "第二章 雨", "后记"]
    assert choice.skipped == {1, 2, 3, 4}
    assert [(d.code, d.line) for d in choice.doubts] == [("table_of_contents", 2)]


def test_a_blurb_after_the_contents_does_not_hide_them() -> None:
    lines = ["第一章 风", "第二章 雨", "第三章 雪", PARAGRAPH]
    lines += lines_of("第一章 风", "第二章 雨", "第三章 雪")
    assert choose(lines).skipped == {0, 1, 2}


def test_headings_without_text_are_kept_when_nothing_repeats_them() -> None:
    assert titles(["第一章", "第二章", "第三章"]) == ["第一章", "第二章", "第三章"]


def test_a_heading_repeated_at_once_is_one() -> None:
    lines = ["第一章 风", "", "第一章 风", PARAGRAPH, "第二章", "第二章 雨", PARAGRAPH]
    choice = choose(lines)
    assert titles(lines) == ["第一章 风", "第二章 雨"]
    assert [d.code for d in choice.doubts] == ["repeated_heading"] * 2
