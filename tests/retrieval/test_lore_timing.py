"""Sticky, cooldown, delay, probability and groups, over the paragraphs of a text."""

from collections import Counter

import pytest

from retrieval.lore import Lorebook, LoreEntry, activate
from retrieval.lore.chance import draw, pick
from retrieval.timeline import View
from retrieval.types import StoryPosition, Validity
from tests.retrieval.lore_telling import ANYWHERE, entry, fired, reason, told


def course(e: LoreEntry, *turns: str) -> str:
    """A mark for each turn as the text grows: ＋ where the entry stands."""
    return "".join(
        "＋" if fired([e], *turns[: n + 1], scan_depth=0) else "－" for n in range(len(turns))
    )


def test_a_sticky_entry_stays() -> None:
    e = entry("雾", "大雾", sticky=2)
    assert course(e, "无", "大雾", "无", "无", "无", "无") == "－＋＋＋－－"
    hit = told([e], "大雾", "无", scan_depth=0).hits[0]
    assert (hit.cause.kind, hit.cause.turn) == ("sticky", 1)
    assert hit.reason == "1 段之前触发，还保留 1 段"


def test_an_entry_rests_after_it_fired() -> None:
    e = entry("雾", "大雾", cooldown=2)
    assert course(e, *["大雾"] * 7) == "＋－－＋－－＋"
    assert "还要等 2 段" in reason(told([e], "大雾", "大雾", scan_depth=0), "雾")


def test_a_sticky_entry_rests_after_it_let_go() -> None:
    e = entry("雾", "大雾", sticky=1, cooldown=2)
    assert course(e, *["大雾"] * 8) == "＋＋－－＋＋－－"


def test_the_phase_of_a_cooldown_does_not_slide_with_the_text() -> None:
    e = entry("雾", "大雾", cooldown=2)
    for length in (290, 300, 310):
        seen = "".join(
            "＋" if fired([e], *["大雾"] * n, scan_depth=0) else "－"
            for n in range(length, length + 6)
        )
        assert sorted(seen) == sorted("＋－－＋－－"), seen


def test_editing_an_old_paragraph_takes_its_effect_back() -> None:
    e = entry("雾", "大雾", sticky=5)
    assert fired([e], "大雾", "无", "无", scan_depth=0) == ["雾"]
    assert fired([e], "晴", "无", "无", scan_depth=0) == []


def test_a_delayed_entry_waits_for_the_text_to_be_that_long() -> None:
    e = entry("雾", "大雾", delay=2)
    assert course(e, *["大雾"] * 4) == "－－＋＋"
    assert reason(told([e], "大雾"), "雾") == "开头 2 段之内不触发"
    late = activate([Lorebook("书", entries=[e])], ["大雾"], ANYWHERE, seed="", earlier=2)
    assert len(late.hits) == 1


def test_a_sticky_entry_that_is_hidden_now_is_not_shown() -> None:
    e = entry("雾", "大雾", sticky=5, validity=Validity(until=StoryPosition(0, 9)))
    assert fired([e], "大雾", "无", scan_depth=0, view=View(StoryPosition(0, 8))) == ["雾"]
    assert fired([e], "大雾", "无", scan_depth=0, view=View(StoryPosition(0, 9))) == []


def test_a_sticky_entry_does_not_roll_again() -> None:
    e = entry("雾", "大雾", sticky=30, probability=50)
    turns = ["大雾"]
    while not fired([e], *turns, scan_depth=0):
        turns.append("大雾")
    assert all(fired([e], *turns, *["无"] * n, scan_depth=0) for n in range(31))


def test_probability_falls_the_same_way_at_the_same_place() -> None:
    half = [entry(f"条{n}", "江", probability=50) for n in range(200)]
    first = fired(half, "江", seed="甲章")
    assert first == fired(half, "江", seed="甲章")
    assert first != fired(half, "江", seed="乙章")
    assert first != fired(half, "别的", "江", seed="甲章"), "another turn, another throw"
    assert 60 < len(first) < 140
    assert fired([entry("零", "江", probability=0)], "江") == []
    assert fired([entry("全", "江", probability=100)], "江") == ["全"]
    assert "0% 的概率" in reason(told([entry("零", "江", probability=0)], "江"), "零")


def test_one_entry_of_a_group_stands() -> None:
    weather = [entry(n, "天色", group="天气") for n in ("晴", "雨", "雾")]
    result = told(weather, "天色")
    assert len(result.hits) == 1
    assert len(result.skipped) == 2
    assert all("同组“天气”" in why for _, why in result.skipped)


def test_an_override_wins_its_group() -> None:
    weather = [entry(n, "天色", group="天气") for n in ("晴", "雨")]
    weather += [entry("雾", "天色", group="天气", group_override=True, priority=1)]
    weather += [entry("雪", "天色", group="天气", group_override=True, group_weight=9999)]
    assert all(fired(weather, "天色", seed=str(s)) == ["雾"] for s in range(20))


def test_weights_decide_how_often() -> None:
    pair = [
        entry("多", "天色", group="天气", group_weight=300),
        entry("少", "天色", group="天气", group_weight=100),
        entry("无", "天色", group="天气", group_weight=0),
    ]
    counts = Counter(fired(pair, "天色", seed=str(s))[0] for s in range(400))
    assert counts["无"] == 0
    assert 240 < counts["多"] < 360


def test_an_entry_of_several_groups_must_win_each() -> None:
    both = entry("双", "天色", group="天气, 时辰", group_weight=0)
    assert fired([both, entry("雨", "天色", group="天气")], "天色") == ["雨"]
    assert fired([both], "天色") == ["双"]


def test_what_stands_already_keeps_its_group() -> None:
    sticky = entry("雨", "下雨", group="天气", sticky=3)
    other = entry("晴", "出太阳", group="天气", group_override=True)
    assert fired([sticky, other], "下雨", "出太阳", scan_depth=0) == ["雨"]
    brought = entry("引", "天色", content="出太阳", group="天气")
    assert fired([brought, other], "天色") == ["引"]


@pytest.mark.parametrize("weights", [{"甲": 1}, {"甲": 0, "乙": 0}, {"甲": 10**6, "乙": 1}])
def test_a_pick_is_one_of_the_choices(weights: dict[str, int]) -> None:
    assert pick("种子", weights, "组") in weights
    assert 0 <= draw("种子", "组", 1) < 1


def test_no_weight_never_wins_against_any() -> None:
    assert {pick(str(s), {"无": 0, "有": 1}, "组") for s in range(60)} == {"有"}


def test_dropping_a_loser_does_not_change_the_winner() -> None:
    weights = {str(n): 10 + n for n in range(20)}
    for seed in map(str, range(30)):
        winner = pick(seed, weights, "组")
        loser = next(i for i in weights if i != winner)
        assert pick(seed, {i: w for i, w in weights.items() if i != loser}, "组") == winner
