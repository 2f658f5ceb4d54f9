"""What each field of a lorebook entry does, one test each."""

from dataclasses import replace

import pytest

from retrieval.lore import Logic, Lorebook, Placement, activate, items, turns_of
from retrieval.timeline import View
from retrieval.types import StoryPosition, Validity
from tests.retrieval.lore_telling import ANYWHERE, Characters, entry, fired, reason, told


def test_an_entry_fires_when_one_of_its_keys_is_there() -> None:
    town = entry("镇", "砚矶", "石脚")
    assert fired([town], "水落到砚矶的脚下。") == ["镇"]
    assert fired([town], "露出来一截石脚。") == ["镇"]
    assert fired([town], "江上没有风。") == []


def test_the_reason_names_the_key_and_where_it_stands() -> None:
    hit = told([entry("镇", "砚矶")], "砚矶。", "别的。", "也别的。").hits[0]
    assert (hit.cause.kind, hit.cause.key, hit.cause.turn) == ("key", "砚矶", 2)
    assert hit.reason == "“砚矶”出现在往前第 2 段里"
    assert told([entry("镇", "砚矶")], "到砚矶去").hits[0].reason == "“砚矶”出现在最新一段里"


def test_a_constant_entry_needs_no_key() -> None:
    hit = told([entry("世界", constant=True)], "").hits[0]
    assert hit.reason == "常驻条目"


def test_nothing_fires_that_is_switched_off() -> None:
    on = entry("开", "江")
    assert fired([on, entry("关", "江", enabled=False)], "江") == ["开"]
    assert fired([on], "江", enabled=False) == []


@pytest.mark.parametrize(
    ("logic", "fires_with"),
    [
        (Logic.AND_ANY, {"甲", "乙", "甲乙"}),
        (Logic.AND_ALL, {"甲乙"}),
        (Logic.NOT_ANY, {""}),
        (Logic.NOT_ALL, {"", "甲", "乙"}),
    ],
)
def test_secondary_keys(logic: Logic, fires_with: set[str]) -> None:
    e = entry("砚台", "砚台", secondary_keys=("缺角甲", "缺角乙"), logic=logic)
    for present in ("", "甲", "乙", "甲乙"):
        text = "砚台" + "".join(f"缺角{c}" for c in present)
        assert bool(fired([e], text)) == (present in fires_with), present
        assert not fired([e], text.replace("砚台", "")), "no primary key, no entry"


def test_an_entry_whose_secondary_keys_refuse_says_so() -> None:
    e = entry("砚台", "砚台", secondary_keys=("缺角",))
    assert "次要关键词" in reason(told([e], "一方砚台"), "砚台")


def test_case_counts_only_where_the_entry_says_so() -> None:
    assert fired([entry("甲", "KTV"), entry("乙", "KTV", case_sensitive=True)], "去ktv") == ["甲"]
    assert fired([entry("乙", "KTV", case_sensitive=True)], "去KTV") == ["乙"]
    assert fired([entry("甲", "ＡＩ")], "İ后面是ａｉ") == ["甲"]


def test_whole_words_are_whole_in_latin() -> None:
    loose, whole = entry("松", "art"), entry("整", "art", whole_words=True)
    assert fired([loose, whole], "a party") == ["松"]
    assert fired([loose, whole], "the art of war") == ["整", "松"]
    assert fired([whole], "他说art就是命") == ["整"]


def test_a_key_of_one_chinese_character_is_no_part_of_a_word() -> None:
    e = entry("安", "安")
    assert fired([e], "回到长安城里") == []
    assert fired([e], "她看了看字，安，没有点。") == ["安"]
    assert fired([e], "安说不去") == ["安"]
    assert fired([entry("长安", "长安")], "回到长安城里") == ["长安"]


def test_keys_may_overlap() -> None:
    entries = [entry("短", "砚矶"), entry("长", "砚矶镇"), entry("中", "矶镇")]
    assert fired(entries, "砚矶镇的人") == ["中", "短", "长"]


def test_scan_depth_is_the_books_or_the_entrys_own() -> None:
    near, far = entry("近", "江", scan_depth=0), entry("远", "江", scan_depth=3)
    usual = entry("常", "江")
    turns = ("江", "一", "二", "三")
    assert fired([near, far, usual], *turns, scan_depth=2) == ["远"]
    assert fired([near, far, usual], *turns[:-1], scan_depth=2) == ["常", "远"]
    assert fired([near], "江") == ["近"]


def test_paragraphs_are_turns_and_the_beat_is_the_newest() -> None:
    assert turns_of("一。\n\n　　二。\r\n", " 写三 ") == ("一。", "二。", "写三")
    assert turns_of("", "") == ("",)
    near = entry("近", "江上", scan_depth=0)
    assert fired([near], *turns_of("江上有船。", "写江上的雾")) == ["近"]
    assert fired([near], *turns_of("江上有船。", "")) == []


def test_order_is_not_priority() -> None:
    first = entry("先", "江", order=1, priority=0, content="一二三四五")
    last = entry("后", "江", order=9, priority=5, content="一二三四五")
    book = Lorebook("书", "设定", [last, first])
    both = activate([book], ["江"], ANYWHERE, seed="", count=Characters())
    assert [h.entry.id for h in both.hits] == ["先", "后"]
    one = activate([replace(book, token_budget=9)], ["江"], ANYWHERE, seed="", count=Characters())
    assert [h.entry.id for h in one.hits] == ["后"]
    assert "预算是 9 词元" in reason(one, "先")


def test_each_book_has_its_budget_and_the_whole_has_one() -> None:
    books = [
        Lorebook("甲", "甲书", [entry("甲1", "江"), entry("甲2", "江")], token_budget=5),
        Lorebook("乙", "乙书", [entry("乙1", "江", priority=1), entry("乙2", "江", priority=-1)]),
    ]
    result = activate(books, ["江"], ANYWHERE, seed="", count=Characters(), budget=11)
    assert {h.entry.id for h in result.hits} == {"甲1", "乙1"}
    assert "设定集“甲书”" in reason(result, "甲2")
    assert "全部设定" in reason(result, "乙2")
    assert all(h.tokens == len(h.entry.content) for h in result.hits)


def test_a_smaller_entry_takes_the_room_a_larger_one_could_not() -> None:
    large = entry("大", "江", priority=1, content="一" * 50)
    result = activate(
        [Lorebook("书", entries=[large, entry("小", "江")])], ["江"], ANYWHERE, seed="",
        count=Characters(), budget=20,
    )  # fmt: skip
    assert [h.entry.id for h in result.hits] == ["小"]


def test_what_is_not_yet_is_hidden_and_brings_in_nothing() -> None:
    later = entry(
        "身份", "驼子", content="他是罗长庚", validity=Validity(since=StoryPosition(6, 100))
    )
    boatman = entry("罗长庚", "罗长庚")
    before, after = View(StoryPosition(6, 99)), View(StoryPosition(6, 100))
    result = told([later, boatman], "秦驼子蹲着", view=before)
    assert result.hits == ()
    assert reason(result, "身份") == "此时还没有发生"
    assert fired([later, boatman], "秦驼子蹲着", view=after) == ["罗长庚", "身份"]


def test_what_is_over_and_what_a_character_does_not_know_is_hidden() -> None:
    past = entry("旧", "江", validity=Validity(until=StoryPosition(2)))
    assert fired([past], "江", view=View(StoryPosition(2))) == []
    assert fired([past], "江", view=View(StoryPosition(1))) == ["旧"]
    secret = entry("密", "江", validity=Validity(known_by={"计素": StoryPosition(3)}))
    assert fired([secret], "江", view=View(StoryPosition(5), "邹莲")) == []
    assert fired([secret], "江", view=View(StoryPosition(2), "计素")) == []
    assert fired([secret], "江", view=View(StoryPosition(3), "计素")) == ["密"]


def test_entries_stand_by_placement_then_order_then_as_they_were_listed() -> None:
    entries = [
        entry("近", "江", placement=Placement.DEPTH, depth=1),
        entry("远", "江", placement=Placement.DEPTH, depth=5),
        entry("后", "江", placement=Placement.AFTER, order=-50),
        entry("乙", "江"),
        entry("甲", "江"),
        entry("首", "江", order=3),
        entry("前", "江", placement=Placement.BEFORE, order=9999),
    ]
    result = told(entries, "江")
    assert [h.entry.id for h in result.hits] == ["前", "首", "乙", "甲", "后", "远", "近"]
    made = sorted(items(result), key=lambda i: i.order)
    assert [i.id for i in made] == [f"lore:{h.entry.id}" for h in result.hits]
    assert [i.id for i in items(result, Placement.DEPTH)] == ["lore:远", "lore:近"]
    assert made[0].source == "设定：前"


def test_an_entry_without_words_is_no_item() -> None:
    assert items(told([entry("空", "江", content=" \n")], "江")) == []
