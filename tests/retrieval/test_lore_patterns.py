"""Keys that are regular expressions, the hostile ones among them."""

import pytest

from retrieval.lore import Logic, Lorebook, activate
from retrieval.lore.patterns import TOTAL_SECONDS, BrokenPattern, Stopwatch, compiled, is_pattern
from tests.retrieval.lore_telling import ANYWHERE, entry, fired, told

ENDLESS = "/(a|aa)+$/"
BAIT = "a" * 60 + "！"


def test_a_pattern_is_a_key() -> None:
    e = entry("期限", r"/腊月(初|十)[一二三四五六七八九]/")
    assert fired([e], "腊月十六上船") == ["期限"]
    assert fired([e], "腊月里上船") == []


def test_flags_are_the_patterns_own() -> None:
    strict, loose = entry("严", "/abc/"), entry("宽", "/abc/i", case_sensitive=True)
    assert fired([strict, loose], "xABCx") == ["宽"]
    assert fired([entry("跨", "/甲.乙/s")], "甲\n乙") == ["跨"]
    assert fired([entry("行", "/^乙/mu")], "甲\n乙") == ["行"]


@pytest.mark.parametrize("key", ["/home/user", "/", "//", "a/b/i", "/未完"])
def test_what_only_looks_like_a_pattern_is_a_word(key: str) -> None:
    assert not is_pattern(key)
    assert fired([entry("词", key)], f"写着 {key} 的牌子") == ["词"]


def test_javascripts_ways_of_writing_are_read() -> None:
    assert fired([entry("名", r"/(?<who>\u7f57)嫂/u")], "罗嫂来了") == ["名"]
    assert fired([entry("字", r"/\p{Script=Han}{3}/u")], "abc 甲乙丙") == ["字"]


def test_an_endless_pattern_is_ended_and_the_others_go_on() -> None:
    entries = [entry("坏", ENDLESS), entry("好", "/!|！/"), entry("词", "！")]
    result = told(entries, BAIT)
    assert [h.entry.id for h in result.hits] == ["好", "词"]
    assert [(e.id, "太慢" in why) for e, why in result.faults] == [("坏", True)]


def test_another_key_still_makes_an_entry_with_a_broken_one_fire() -> None:
    result = told([entry("半坏", ENDLESS, "感叹", "！")], BAIT)
    assert [h.entry.id for h in result.hits] == ["半坏"]
    assert len(result.faults) == 1


def test_a_hundred_endless_patterns_share_one_time() -> None:
    bad = [entry(f"坏{n}", f"/(a|aa)+[{n}]$/") for n in range(100)]
    result = told([*bad, entry("好", "！")], BAIT)
    assert [h.entry.id for h in result.hits] == ["好"]
    reasons = [why for _, why in result.faults]
    assert len(reasons) == 100
    slow = sum("太慢" in why for why in reasons)
    assert 0 < slow < 20, "each was ended, and soon there was no time left for the others"
    assert sum("用完了时间" in why for why in reasons) == 100 - slow


def test_an_endless_pattern_in_the_contents_is_ended_too() -> None:
    bait = entry("饵", "来", "江边", content=BAIT)
    result = told([bait, entry("坏", ENDLESS)], "江边")
    assert [h.entry.id for h in result.hits] == ["饵"]
    assert [e.id for e, _ in result.faults] == ["坏"]


def test_a_pattern_that_was_ended_anywhere_counts_nowhere() -> None:
    """Else what fires would hang on the order in which paragraphs are searched."""
    for turns in (("aaa", BAIT), (BAIT, "aaa")):
        result = told([entry("坏", ENDLESS)], *turns)
        assert result.hits == ()
        assert len(result.faults) == 1
    assert fired([entry("坏", ENDLESS)], "aaa") == ["坏"]


@pytest.mark.parametrize("key", ["/(/", "/[z-a]/", "/a{99999999999}/", f"/{'(?:' * 500}/"])
def test_a_wrong_pattern_is_told_and_harms_nothing(key: str) -> None:
    result = told([entry("坏", key), entry("好", "江")], "江")
    assert [h.entry.id for h in result.hits] == ["好"]
    assert [e.id for e, _ in result.faults] == ["坏"]


@pytest.mark.parametrize(
    "key",
    [
        "/(?:(?:(?:a{1000}){1000}){1000}){1000}/",
        "/a{99999999}/",
        "/(a{100,100}){ 1000 }/",
        "/" + "甲" * 3000 + "/",
    ],
)
def test_a_pattern_that_would_fill_the_memory_is_not_compiled(key: str) -> None:
    with pytest.raises(BrokenPattern, match="太大"):
        compiled(key)


def test_usual_repeats_are_no_offence() -> None:
    assert compiled(r"/\d{4}年\d{1,2}月\d{1,2}日.{0,200}平安/").search("1924年12月8日，平安")


def test_broken_secondary_keys_do_not_let_an_entry_through() -> None:
    e = entry("条", "江", secondary_keys=("/(/",), logic=Logic.NOT_ANY)
    result = told([e], "江")
    assert result.hits == ()
    assert "查不了" in result.skipped[0][1]
    assert [x.id for x, _ in result.faults] == ["条"]


def test_time_that_is_over_is_said() -> None:
    with pytest.raises(BrokenPattern, match="用完了时间"):
        Stopwatch(0.0).search(compiled("/a/"), "a")
    assert TOTAL_SECONDS < 1


def test_a_very_long_text_is_searched() -> None:
    book = Lorebook("书", entries=[entry("尾", "平安镇"), entry("式", "/平安(?=镇)/")])
    result = activate([book], ["甲" * 100_000 + "平安镇"], ANYWHERE, seed="")
    assert {h.entry.id for h in result.hits} == {"尾", "式"}
