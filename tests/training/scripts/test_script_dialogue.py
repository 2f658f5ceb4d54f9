"""A character's turns with what was said before: who is who, how far back, what goes along."""

from dataclasses import replace

import pytest

from training.errors import BadInput
from training.scripts import parse
from training.scripts.dialogue import NOTHING_BEFORE, Wanted, dialogues, require
from training.scripts.speakers import Aliases, cast_table, guesses, speakers
from training.types import Chat

SCRIPT = """人物：
甄嬛（莞贵人、二十二岁），主角

第1幕　永寿宫
时间：夜
甄嬛：一。
（雨）
皇帝：二。
甄嬛（低声）：三。
皇帝：四。
皇帝：五。
莞贵人：六。

第2幕
皇帝：七。
皇后：八。
众人：九。
皇帝、莞贵人：十。
甄嬛：十一。

第1幕（续）
皇后：十二。
甄嬛：（不语）
"""
HERS = Aliases({"甄嬛": ["莞贵人"]})


def told(chat: Chat) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in chat.turns]


def items(wanted: Wanted, text: str = SCRIPT) -> list[Chat]:
    return list(dialogues(parse(text), wanted, HERS, "宫"))


def test_each_turn_has_the_turns_before_it_and_no_more_than_its_scene() -> None:
    found = items(Wanted("甄嬛", turns=2))
    assert [told(chat) for chat in found] == [
        [("user", "（永寿宫）\n（时间：夜）"), ("assistant", "一。")],
        [("user", "（永寿宫）\n（时间：夜）"), ("assistant", "一。"), ("user", "（雨）\n二。"),
         ("assistant", "（低声）三。")],
        [("user", "二。"), ("assistant", "（低声）三。"), ("user", "四。\n五。"), ("assistant", "六。")],
        [("user", "皇后：八。\n众人：九。"), ("assistant", "十。\n十一。")],
        [("user", "十二。"), ("assistant", "（不语）")],
    ]  # fmt: skip


def test_only_the_answer_is_learned() -> None:
    for chat in items(Wanted("甄嬛", turns=None)):
        *before, answer = chat.turns
        assert answer.learned is True
        assert all(turn.learned is False for turn in before if turn.role == "assistant")


def test_a_whole_scene_is_one_item_and_all_of_hers_is_learned() -> None:
    found = items(Wanted("甄嬛", whole_scenes=True))
    assert len(found) == 3
    assert [turn.learned for turn in found[0].turns] == [None, True] * 3
    assert found[0].origin.place == "第1幕 · 第 5–12 行"


def test_origins_lead_back_to_scene_and_rows_and_keep_continuations_together() -> None:
    origins = [chat.origin for chat in items(Wanted("甄嬛"))]
    assert [origin.place for origin in origins][-2:] == [
        "第2幕 · 第 18–19 行",
        "第1幕（续） · 第 23 行",
    ]
    assert {origin.work for origin in origins} == {"宫 · 第1幕", "宫 · 第2幕"}
    assert origins[-1].work == "宫 · 第1幕"
    assert {o.work for o in (c.origin for c in items(Wanted("甄嬛", together="script")))} == {"宫"}


def test_names_are_told_where_several_others_speak() -> None:
    assert told(items(Wanted("甄嬛", names="always"))[2])[-2][1] == "皇帝：四。\n五。"
    last = items(Wanted("甄嬛", names="never"))[3]
    assert told(last)[0][1] == "七。\n八。\n九。"


def test_directions_and_events_can_be_left_out() -> None:
    found = items(Wanted("甄嬛", directions=False, events=False))
    texts = [text for chat in found for _, text in told(chat)]
    assert "三。" in texts
    assert not any("（低声）" in text or "（雨）" in text for text in texts)
    assert len(found) == 4
    assert told(found[0])[0] == ("user", "（永寿宫）\n（时间：夜）")


def test_who_opens_a_scene_answers_its_setting_or_is_left_out() -> None:
    bare = "甄嬛：一。\n皇帝：二。\n甄嬛：三。\n"
    first, second = items(Wanted("甄嬛"), bare)
    assert told(first) == [("user", NOTHING_BEFORE), ("assistant", "一。")]
    (only,) = items(Wanted("甄嬛", opening="skip"), bare)
    assert told(only) == [("user", "二。"), ("assistant", "三。")]
    assert told(second)[-2:] == told(only)


def test_what_she_does_between_two_speeches_is_part_of_her_turn() -> None:
    own = "皇帝：一。\n甄嬛：二。\n（她放下茶盏）\n甄嬛：三。\n（皇帝拂袖而去）\n甄嬛：四。\n"
    assert [told(chat)[-2:] for chat in items(Wanted("甄嬛"), own)] == [
        [("user", "一。"), ("assistant", "二。\n（她放下茶盏）\n三。")],
        [("user", "（皇帝拂袖而去）"), ("assistant", "四。")],
    ]


def test_the_system_prompt_names_the_role() -> None:
    chat = items(Wanted("莞贵人", system="你是{role}。"))[0]
    assert told(chat)[0] == ("system", "你是甄嬛。")


def test_a_narrator_can_be_the_role() -> None:
    found = items(Wanted("旁白"), "甄嬛：雪停了吗？\n旁白：没有人答她。\n")
    assert told(found[0]) == [("user", "雪停了吗？"), ("assistant", "没有人答她。")]


def test_a_role_that_never_speaks_is_told_who_does() -> None:
    with pytest.raises(BadInput, match=r"没有“如懿”的台词；说话最多的是甄嬛（6）"):
        require("如懿", [parse(SCRIPT)], HERS)
    with pytest.raises(BadInput, match="没有找到一句台词"):
        require("如懿", [parse("天黑了。\n")])
    assert require("莞贵人", [parse(SCRIPT)], HERS).name == "甄嬛"


def test_no_turns_before_is_refused() -> None:
    with pytest.raises(BadInput, match="至少要一轮"):
        replace(Wanted("甄嬛"), turns=0)


def test_speakers_are_counted_under_their_main_names() -> None:
    first = speakers([parse(SCRIPT)], HERS)[0]
    assert (first.name, first.speeches, first.scenes, first.aliases) == ("甄嬛", 6, 2, ("莞贵人",))


def test_the_list_of_people_tells_aliases_that_speak() -> None:
    assert cast_table([parse(SCRIPT)]) == {"甄嬛": ["莞贵人"]}
    both = "人物：\n甲（丙）\n乙（丙）\n\n甲：一。\n乙：二。\n丙：三。\n"
    assert cast_table([parse(both)]) == {}


def test_aliases_are_guessed_with_a_reason() -> None:
    text = "".join(f"{name}：好。\n" for name in (
        "悟空", "孙悟空", "悟空", "许太医", "太医", "莞常在", "莞贵人", "莞常在", "众妃", "众嫔",
        "柳才人（嬛嬛）", "嬛嬛",
    ))  # fmt: skip
    found = {(guess.name, guess.alias) for guess in guesses([parse(text)])}
    assert found == {("悟空", "孙悟空"), ("莞常在", "莞贵人"), ("柳才人", "嬛嬛")}
    known = Aliases({"悟空": ["孙悟空"]})
    assert ("悟空", "孙悟空") not in {(g.name, g.alias) for g in guesses([parse(text)], known)}


def test_an_alias_of_two_people_is_refused() -> None:
    with pytest.raises(BadInput, match="“莞贵人”既是甄嬛又是眉庄"):
        Aliases.told(["甄嬛=莞贵人,熹贵妃", "眉庄=莞贵人"])
    with pytest.raises(BadInput, match="请写成"):
        Aliases.told(["甄嬛"])
    assert Aliases.told(["甄嬛=莞贵人,熹贵妃"]).main("熹贵妃") == "甄嬛"
