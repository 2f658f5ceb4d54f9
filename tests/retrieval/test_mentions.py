"""Names are found exactly as written, and short ones with care."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.mentions import Mentions
from retrieval.types import Character

CAST = Mentions(
    [
        Character("wk", "孙悟空", ("悟空", "行者", "齐天大圣", "大圣")),
        Character("an", "安", ("安儿", "", "  ")),
        Character("ann", "Ann", ("Ann Lee",)),
        Character("lu", "陆行者", ("行者",)),
    ]
)


def found(text: str) -> list[tuple[str, str | None]]:
    return [(m.name, m.character_id) for m in CAST.find(text)]


def test_the_longest_name_wins() -> None:
    assert found("孙悟空齐天大圣") == [("孙悟空", "wk"), ("齐天大圣", "wk")]
    assert found("陆行者") == [("陆行者", "lu")]
    assert found("安儿来了") == [("安儿", "an")]


def test_a_shared_alias_is_ambiguous() -> None:
    (mention,) = CAST.find("行者笑道")
    assert mention.character_ids == ("wk", "lu")
    assert mention.ambiguous
    assert mention.character_id is None


@pytest.mark.parametrize(
    "text",
    ["安", "安道：“走。”", "“安，走。”", "安\n", "他对安说", "，安笑了", "（安）", "和安也走了"],
)
def test_a_name_of_one_character(text: str) -> None:
    assert found(text) == [("安", "an")]


@pytest.mark.parametrize(
    "text", ["长安城", "安静", "不安", "平安，", "，安全", "保安说", "对安危", "安2"]
)
def test_a_character_inside_a_word_is_no_name(text: str) -> None:
    assert found(text) == []


def test_latin_names_are_whole_words() -> None:
    assert found("Anna, Ann和Ann Lee, Joann") == [("Ann", "ann"), ("Ann Lee", "ann")]


def test_nobody() -> None:
    assert Mentions([]).find("孙悟空") == []
    assert Mentions([Character("x", "", ("",))]).find("孙悟空") == []
    assert CAST.find("") == []


NAMES = st.text("安悟空行者大圣道aA 。", min_size=1, max_size=4)


@given(
    st.lists(st.builds(Character, st.sampled_from("xyz"), NAMES, st.tuples(NAMES)), max_size=6),
    st.text("安悟空行者大圣道说长aA ，。“”\n", max_size=60),
)
@settings(max_examples=150, deadline=None)
def test_positions_are_exact_and_never_overlap(cast: list[Character], text: str) -> None:
    mentions = Mentions(cast).find(text)
    names = {n.strip(): set() for c in cast for n in (c.name, *c.aliases)}
    for c in cast:
        for name in (c.name, *c.aliases):
            names[name.strip()].add(c.id)
    assert all(text[m.start : m.end] == m.name for m in mentions)
    assert all(set(m.character_ids) == names[m.name] for m in mentions)
    assert all(a.end <= b.start for a, b in pairwise(mentions))
    long_names = [n for n in names if len(n) > 1 and not n.isascii() and n[0] > "z" and n[-1] > "z"]
    covered = {i for m in mentions for i in range(m.start, m.end)}
    for name in long_names:
        start = text.find(name)
        assert start < 0 or covered & set(range(start, start + len(name)))
