"""What a row is taken for: headings, settings, who speaks, directions, words, quotes."""

import pytest

from training.scripts import Block, Script, parse
from training.scripts.headers import headings_of
from training.scripts.speech import words_of


def speeches(script: Script) -> list[tuple[tuple[str, ...], str]]:
    """(who, words with their directions) of every speech."""
    return [
        (block.speakers, words_of(block.parts, directions=True))
        for block in script.blocks
        if block.kind == "speech"
    ]


def said(text: str) -> list[tuple[tuple[str, ...], str]]:
    return speeches(parse(text))


def only(text: str) -> Block:
    (block,) = parse(text).blocks
    return block


@pytest.mark.parametrize(
    ("row", "level", "unit", "number", "continued", "title"),
    [
        ("第203幕（续）", 2, "幕", 203, True, ""),
        ("第９幕：", 2, "幕", 9, False, ""),
        ("第610,幕", 2, "幕", 610, False, ""),
        ("第一集", 1, "集", 1, False, ""),
        ("\ufeff第二十一集 雨", 1, "集", 21, False, "雨"),
        ("第 十二 场　听柳轩　夜", 3, "场", 12, False, "听柳轩　夜"),
        ("第3幕（养心殿，夜）", 2, "幕", 3, False, "养心殿，夜"),
        ("# 第四折", 2, "折", 4, False, ""),
        ("【第二幕】", 2, "幕", 2, False, ""),
        ("第5幕甄府后院", 2, "幕", 5, False, "甄府后院"),
        ("场景三：御花园", 3, "场景", 3, False, "御花园"),
        ("场12 客厅 日 内", 3, "场", 12, False, "客厅 日 内"),
        ("Act II", 2, "Act", 2, False, ""),
        ("1-3 夜 外 御花园", 3, "", 3, False, "夜 外 御花园"),
        ("尾声", 2, "尾声", None, False, ""),
    ],
)
def test_headings(
    row: str, level: int, unit: str, number: int | None, continued: bool, title: str
) -> None:
    (heading,) = headings_of(row)
    assert (heading.level, heading.unit, heading.number) == (level, unit, number)
    assert (heading.continued, heading.title) == (continued, title)


@pytest.mark.parametrize(
    "row",
    [
        "第一场雪下了三天。", "第二场的人：你好", "第一集里她还小", "（第一幕完）", "第三幕 完", "第一名",
        "甄嬛：第一幕演完了",
        "1. 我要三两银子", "12:30 出发", "景三：在。", "尾声还远着呢，", "——走吧——",
    ],
)  # fmt: skip
def test_rows_that_only_look_like_headings(row: str) -> None:
    assert headings_of(row) == ()


def test_one_row_may_hold_two_headings() -> None:
    act, scene = headings_of("第一幕 第二场：雨")
    assert (act.label, scene.label, scene.title) == ("第一幕", "第二场", "雨")


def test_scenes_know_what_stands_above_them_and_what_they_continue() -> None:
    script = parse(
        "第一集\n第1幕\n甲：一。\n第2幕\n乙：二。\n第二集\n第1幕（续）\n甲：三。\n***\n乙：四。\n"
    )
    assert [scene.name for scene in script.scenes] == [
        "第一集 第1幕", "第一集 第2幕", "第二集 第1幕（续）", "第二集 第1幕（续）",
    ]  # fmt: skip
    assert [scene.continues for scene in script.scenes] == [0, 1, 0, 0]


def test_an_odd_unit_alone_in_a_row_is_a_heading_and_a_doubt() -> None:
    script = parse("第264幕\n甲：一。\n\n第265秒\n乙：二。\n")
    assert [scene.name for scene in script.scenes] == ["第264幕", "第265秒"]
    assert [(doubt.code, doubt.line) for doubt in script.doubts] == [("odd_heading", 4)]


@pytest.mark.parametrize(
    ("row", "who", "words"),
    [
        ("甄嬛：你来了。", ("甄嬛",), "你来了。"),
        ("甄嬛:你来了。", ("甄嬛",), "你来了。"),
        ("甄嬛 ： 你来了。", ("甄嬛",), "你来了。"),
        ("甄嬛（低声）：你来了。", ("甄嬛",), "（低声）你来了。"),
        ("（低声）甄嬛：你来了。", ("甄嬛",), "（低声）你来了。"),
        ("甄嬛【低声】：你来了。[转身]走吧。", ("甄嬛",), "（低声）你来了。（转身）走吧。"),
        ("皇帝（抬头，又低头），：远山黛？", ("皇帝",), "（抬头，又低头）远山黛？"),
        ("甄嬛（看信：三行）：好。", ("甄嬛",), "（看信：三行）好。"),
        ("甄嬛 OS：他不会来了。", ("甄嬛",), "（OS）他不会来了。"),
        ("甲、乙：在。", ("甲", "乙"), "在。"),
        ("甲与乙：在。", ("甲", "乙"), "在。"),
        ("甲/乙 & 丙：在。", ("甲", "乙", "丙"), "在。"),
        ("众人：遵命！", ("众人",), "遵命！"),
        ("鲁　贵：四凤！", ("鲁贵",), "四凤！"),
        ("-:「那里走！」", (), "那里走！"),
        ("悟空:「且住。」", ("悟空",), "且住。"),
        ("悟空：「你变化了去。”」", ("悟空",), "你变化了去。"),
        ("甄嬛：“好。”他说，“走。”", ("甄嬛",), "“好。”他说，“走。”"),
        ("甄嬛：第（1）条不算。", ("甄嬛",), "第（1）条不算。"),
        ("甄嬛：我知道了。（转身离去", ("甄嬛",), "我知道了。（转身离去）"),
        ("Mr Lee: hello", ("Mr Lee",), "hello"),
    ],
)
def test_who_says_what(row: str, who: tuple[str, ...], words: str) -> None:
    assert said(row) == [(who, words)]


@pytest.mark.parametrize(
    "row",
    [
        "她走到窗前，说：不走了。", "10:30 的火车", "http://example.org/a", "只见那纸上写着：速归", "“你听：雨。”",
    ],
)  # fmt: skip
def test_colons_that_are_nobodys(row: str) -> None:
    assert only(row).kind == "narration"


def test_directions_stand_apart_from_role_and_line() -> None:
    (block,) = parse("甄嬛（低声）：（抬头）你来了。\n").blocks
    assert [(part.kind, part.text) for part in block.parts] == [
        ("role", "甄嬛"), ("direction", "（低声）"), ("mark", "："), ("direction", "（抬头）"),
        ("speech", "你来了。"), ("mark", "\n"),
    ]  # fmt: skip


def test_two_names_without_a_gap_are_two_where_both_speak_alone() -> None:
    alone = "隆科多：一。\n张廷玉：二。\n隆科多：三。\n张廷玉：四。\n"
    assert said(alone + "隆科多张廷玉：臣在。\n")[-1][0] == ("隆科多", "张廷玉")
    assert said("隆科多张廷玉：臣在。\n") == [(("隆科多张廷玉",), "臣在。")]
    assert said(alone + "隆科多和张廷玉：臣在。\n")[-1][0] == ("隆科多", "张廷玉")
    assert said(alone + "和珅：臣在。\n")[-1][0] == ("和珅",)


def test_a_semicolon_is_a_colon_behind_a_name_that_speaks() -> None:
    script = parse(
        "皇后：一。\n皇后：二。\n皇帝（喜）：三。\n皇帝：四。\n皇帝（喜）；五。\n他走了；没有回头。\n"
    )
    assert speeches(script)[4] == (("皇帝",), "（喜）五。\n他走了；没有回头。")


def test_a_name_without_its_colon_is_a_doubt() -> None:
    script = parse("浣碧：一。\n浣碧：二。\n眉庄：三。\n浣碧，一群糊涂的东西！\n")
    assert [(doubt.code, doubt.line) for doubt in script.doubts] == [("missing_colon", 4)]


def test_a_speech_goes_on_over_rows() -> None:
    assert said("甄嬛：你来\n了。\n坐。\n\n天黑了。\n") == [(("甄嬛",), "你来了。\n坐。")]
    assert said("甄嬛：\n\n　你来了。\n") == [(("甄嬛",), ""), (("甄嬛",), "你来了。")]
    assert said("Lee: come\nhere\n") == [(("Lee",), "come here")]


def test_a_quotation_goes_on_over_blank_rows_until_it_closes() -> None:
    script = parse("甲：走。\n甄嬛：“信上写：\n\n地点：北边，\n\n勿念。”\n\n雨停了。\n")
    own = [words for who, words in speeches(script) if who == ("甄嬛",)]
    assert "".join(own) == "“信上写：地点：北边，勿念。”"
    assert script.blocks[-1].kind == "narration"


def test_a_heading_ends_whatever_is_open() -> None:
    script = parse("甄嬛：“信上写：\n（她\n第2幕\n乙：好。\n")
    assert [scene.name for scene in script.scenes] == ["", "第2幕"]


def test_stage_directions_of_several_rows() -> None:
    script = parse("（甄嬛坐下，\n看着窗外。）\n甄嬛：好。\n△灯灭。\n(永寿宫）\n（【陵容住处】）\n")
    assert [(b.kind, b.line, b.last) for b in script.blocks] == [
        ("direction", 1, 2), ("speech", 3, 3), ("direction", 4, 4), ("direction", 5, 5),
        ("direction", 6, 6),
    ]  # fmt: skip


def test_a_speech_goes_on_behind_a_direction_but_not_behind_an_action() -> None:
    assert said("甄嬛：你来了。\n（她起身）\n坐吧。\n")[-1] == (("甄嬛",), "坐吧。")
    assert parse("甄嬛：你来了。\n△她起身\n天黑了。\n").blocks[-1].kind == "narration"


def test_settings_people_and_narration() -> None:
    script = parse(
        "时间：夜\n人物：\n甄嬛，二十二岁\n流朱\n\n旁白：三日后。\n雪停了。\nscene:下雪\n"
    )
    assert [(b.kind, b.speakers) for b in script.blocks] == [
        ("setting", ()), ("setting", ()), ("blank", ()), ("narration", ("旁白",)), ("narration", ()),
    ]  # fmt: skip
    assert only("【地点】：永寿宫").kind == "setting"


def test_makers_are_settings_in_front_and_speakers_behind() -> None:
    script = parse("导演：某甲\n\n第一幕\n导演：开拍！\n")
    assert [b.kind for b in script.blocks] == ["setting", "blank", "header", "speech"]
