"""A conversation's prompt: whole turns, none missing between two that stand, notes in their place."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.conversation import (
    NO_PLACE,
    SUMMED,
    TOO_OLD,
    Talk,
    Turn,
    build_talk,
    forgotten,
)
from retrieval.errors import PromptTooLarge
from retrieval.template import check, load_template, template_of
from retrieval.types import ContextItem, Group, Message, Prompt

TEMPLATE = load_template("persona")
CARD = ContextItem("card", Group.SYSTEM, "看门的老人。", "人物卡", required=True, keep="start")


class Letters:
    """A token a character, and a few a message."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]

    def count_messages(self, messages: Sequence[Message]) -> int:
        return sum(len(m.content) + 4 for m in messages)


def turns(*lengths: int) -> list[Turn]:
    """The user speaks last; each turn's text names it."""
    last = len(lengths) - 1
    return [
        Turn(f"{n}", "user" if (last - n) % 2 == 0 else "assistant", f"〔{n}〕" + "话" * length)
        for n, length in enumerate(lengths)
    ]


def made(said: Sequence[Turn], limit: int = 1000, **how: object) -> Prompt:
    told = Talk(said, variables={"char": "阿檀", "user": "小顾"}, **how)  # type: ignore[arg-type]
    return build_talk(told, [CARD], tokens=Letters(), limit=limit, template=TEMPLATE)


def test_the_shipped_templates_can_be_used() -> None:
    check(TEMPLATE)
    check(load_template("memory"))


@given(st.lists(st.integers(0, 300), min_size=1, max_size=40), st.integers(700, 2500))
def test_it_fits_and_what_stands_is_the_end_without_a_gap(lengths: list[int], limit: int) -> None:
    said = turns(*lengths)
    prompt = made(said, limit)
    assert Letters().count_messages(prompt.messages) == prompt.tokens <= limit
    whole = "\n".join(m.content for m in prompt.messages)
    stand = [n for n, turn in enumerate(said) if turn.text in whole]
    assert stand == list(range(len(said) - len(stand), len(said)))
    assert stand[-1] == len(said) - 1
    roles = [m.role for m in prompt.messages[1:]]
    assert all(one != other for one, other in itertools.pairwise(roles))
    told = {left.item.id: left.reason for left in prompt.dropped}
    assert all(f"turn:{said[n].id}" in told for n in range(len(said) - len(stand)))


def test_a_small_old_turn_does_not_stand_behind_a_gap() -> None:
    prompt = made(turns(1, 900, 5, 5, 5, 5, 5, 5, 5), 700)
    assert [left.reason for left in prompt.dropped if left.item.id == "turn:0"] == [TOO_OLD]


def test_what_is_said_must_fit() -> None:
    with pytest.raises(PromptTooLarge):
        made(turns(900), 700)


@pytest.mark.parametrize(("depth", "place"), [(0, -1), (1, -3), (2, -3), (3, -5), (90, 2)])
def test_the_note_joins_the_user_s_turn_above_its_depth(depth: int, place: int) -> None:
    messages = made(turns(1, 1, 1, 1, 1, 1), note="（作者注：雪）", depth=depth).messages
    noted = [n for n, m in enumerate(messages) if "作者注：雪" in m.content]
    assert noted == [place % len(messages)]


def test_an_answer_is_gone_on_with_where_it_stopped() -> None:
    messages = made(turns(1, 1, 1), begun="说到一半").messages
    assert messages[-1] == Message("assistant", "说到一半")
    assert messages[-2].role == "user"
    alone = made([], begun="开场").messages
    assert [m.role for m in alone] == ["system", "assistant"]


def summary(text: str = "两人说定了初三去渡口。") -> ContextItem:
    return ContextItem("summary:1", Group.RECAP, text, "更早说过的", keep="start")


def recalled(text: str = "去年的伞还在门后。") -> ContextItem:
    return ContextItem("said:1:0", Group.PASSAGES, text, "从前的对谈")


def test_what_is_summed_up_leaves_and_its_summary_stands_before_the_turns() -> None:
    said = turns(20, 20, 20, 20, 20)
    told = Talk(said, variables={"char": "阿檀", "user": "小顾"}, summed=2)
    items = [CARD, summary(), recalled()]
    prompt = build_talk(told, items, tokens=Letters(), limit=2000, template=TEMPLATE)
    system, *talk = (m.content for m in prompt.messages)
    assert system.endswith("【更早说过的】\n两人说定了初三去渡口。")
    assert talk[-1].startswith("（阿檀想起的旧事")
    assert "〔从前的对谈〕去年的伞还在门后。" in talk[-1]
    assert [left.reason for left in prompt.dropped] == [SUMMED, SUMMED]
    assert forgotten(prompt) == 2
    assert not any(said[n].text in "".join([system, *talk]) for n in (0, 1))


def test_a_template_of_before_there_were_memories_says_what_it_leaves_out() -> None:
    old = template_of("persona", "你是{{ char }}。", "{% for b in beat %}{{ b.text }}{% endfor %}")
    told = Talk(turns(5), variables={"char": "阿檀", "user": "小顾"})
    items = [summary(), recalled()]
    prompt = build_talk(told, items, tokens=Letters(), limit=2000, template=old)
    assert {left.item.id: left.reason for left in prompt.dropped} == {
        "summary:1": NO_PLACE,
        "said:1:0": NO_PLACE,
    }
