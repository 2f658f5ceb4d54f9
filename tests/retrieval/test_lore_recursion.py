"""Entries that bring in entries, and that it always ends."""

from retrieval.lore import Logic, Lorebook, activate
from tests.retrieval.lore_telling import ANYWHERE, entry, fired, reason, told

MILL = entry("磨坊", "磨", content="豆腐坊里有一扇裂了的石磨")
TOFU = entry("豆腐坊", "豆腐坊", content="罗嫂的铺子")
OWNER = entry("罗嫂", "罗嫂", content="左腿短一截")
CHAIN = [MILL, TOFU, OWNER]


def test_what_fired_brings_in_what_it_names() -> None:
    result = told(CHAIN, "磨，裂了")
    assert {h.entry.id for h in result.hits} == {"磨坊", "豆腐坊", "罗嫂"}
    hit = next(h for h in result.hits if h.entry.id == "罗嫂")
    assert (hit.cause.kind, hit.cause.by, hit.cause.key) == ("recursion", "豆腐坊", "罗嫂")
    assert hit.reason == "“豆腐坊”的内容里提到“罗嫂”"


def test_a_book_may_switch_recursion_off_or_bound_it() -> None:
    assert fired(CHAIN, "磨，裂了", recursive=False) == ["磨坊"]
    assert fired(CHAIN, "磨，裂了", max_recursion=0) == ["磨坊"]
    assert fired(CHAIN, "磨，裂了", max_recursion=1) == ["磨坊", "豆腐坊"]


def test_an_entry_may_refuse_to_be_brought_in() -> None:
    shop = entry("豆腐坊", "豆腐坊", content="罗嫂的铺子", exclude_recursion=True)
    assert fired([MILL, shop, OWNER], "磨，裂了") == ["磨坊"]
    assert fired([MILL, shop, OWNER], "去豆腐坊") == ["罗嫂", "豆腐坊"]


def test_an_entry_may_refuse_to_bring_in() -> None:
    shop = entry("豆腐坊", "豆腐坊", content="罗嫂的铺子", prevent_recursion=True)
    assert fired([MILL, shop, OWNER], "磨，裂了") == ["磨坊", "豆腐坊"]


def test_a_delayed_entry_waits_to_be_brought_in() -> None:
    owner = entry("罗嫂", "罗嫂", delay_until_recursion=1)
    assert fired([owner, TOFU], "豆腐坊") == ["罗嫂", "豆腐坊"]
    # Its own key in the text is enough, but only after the text itself has been settled.
    assert fired([owner], "罗嫂来了") == ["罗嫂"]
    result = told([owner], "罗嫂来了", recursive=False)
    assert result.hits == ()
    assert "只由别的条目引出" in reason(result, "罗嫂")


def test_a_constant_entry_may_wait_too() -> None:
    late = entry("总则", constant=True, delay_until_recursion=1)
    assert fired([late], "") == ["总则"]
    assert fired([late], "", recursive=False) == []


def test_a_higher_level_waits_until_the_lower_ones_are_done() -> None:
    # The first level's entry fills the group before the second level's is looked at.
    first = entry("低", "磨", delay_until_recursion=1, group="一个")
    second = entry("高", "磨", delay_until_recursion=2, group="一个", group_override=True)
    assert fired([second, first], "磨，裂了") == ["低"]
    alone = [entry("甲", "磨", delay_until_recursion=3), entry("乙", "磨", delay_until_recursion=9)]
    assert fired(alone, "磨，裂了") == ["乙", "甲"]
    assert fired(alone, "磨，裂了", max_recursion=1) == ["甲"]


def test_a_loop_ends() -> None:
    loop = [entry("甲", "甲物", content="乙物"), entry("乙", "乙物", content="甲物和乙物")]
    assert fired(loop, "甲物", max_recursion=1000) == ["乙", "甲"]


def test_secondary_keys_may_stand_in_what_was_brought_in() -> None:
    both = entry("债", "磨，", secondary_keys=("罗嫂",), logic=Logic.AND_ALL)
    assert fired([*CHAIN, both], "磨，裂了") == ["债", "磨坊", "罗嫂", "豆腐坊"]
    assert fired([MILL, both], "磨，裂了") == ["磨坊"]


def test_each_book_bounds_what_its_own_entries_may_be_brought_in_by() -> None:
    """A book that allows one round is not drawn into the second by one that allows more."""
    long = Lorebook("长", entries=[MILL, TOFU], max_recursion=5)
    short = Lorebook("短", entries=[OWNER], max_recursion=1)
    hits = activate([long, short], ["磨，裂了"], ANYWHERE, seed="").hits
    assert {h.entry.id for h in hits} == {"磨坊", "豆腐坊"}
    mute = Lorebook("哑", entries=[TOFU], recursive=False)
    hits = activate([mute, Lorebook("长", entries=[OWNER])], ["去豆腐坊"], ANYWHERE, seed="").hits
    assert {h.entry.id for h in hits} == {"豆腐坊"}
