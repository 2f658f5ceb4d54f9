"""Prompts in a row: what stood stays where it was, and only what is new stands behind the text."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.errors import PromptTooLarge
from retrieval.placing import STAYED
from retrieval.prompt import build
from retrieval.settling import OTHER_PART, excluded, tells
from retrieval.states import Hidden, Paragraph, Standing, changed
from retrieval.template import load_template, template_of
from retrieval.timeline import NOT_YET, OVER
from retrieval.types import ContextItem, Group, Placed, Prompt, Stood
from tests.retrieval.test_prompt import Characters, item

TEMPLATE = load_template("continuation")
BOOK = "".join(f"这是第{n}句话，说的是第{n * 7 % 31}件事。" for n in range(900))


def passage(name: str, rank: int, about: str = "", text: str = "") -> ContextItem:
    told = text or f"从前{name}的事，说来话长。" * 12
    return item(name, Group.PASSAGES, told, keep="around", about=about, priority=30.0 - rank)


def candidates(
    offset: int, found: Sequence[ContextItem], beat: str = "开门。"
) -> list[ContextItem]:
    return [
        item("cast", Group.CAST, "沈砚，主角。左手缺一指。" * 5, priority=40, late=False),
        item("const", Group.LORE, "故事在江边。", priority=40, late=False),
        item("called", Group.LORE, "砚台是石头做的。", priority=40, late=True, keep="start"),
        item("chapter", Group.BEAT, "本章：渡口", priority=80),
        item("tail", Group.TAIL, BOOK[:offset], required=True, keep="end", priority=100),
        item("beat", Group.BEAT, f"这一段要写：{beat}", required=True, priority=100),
        *found,
    ]


def make(items: Sequence[ContextItem], stood: Stood | None, limit: int = 2400) -> Prompt:
    return build(items, tokens=Characters(), limit=limit, template=TEMPLATE,
                 variables={"title": "砚池", "length": 300}, stood=stood)  # fmt: skip


def after(prompt: Prompt, offset: int, next_offset: int) -> Stood:
    """What the next continuation goes on from, all of which still may stand."""
    tail = tail_of(prompt)
    kept = [replace(p.item, text=p.text) for p in prompt.kept if p.item.settled]
    return Stood(kept, next_offset - offset + len(tail.text))


def tail_of(prompt: Prompt) -> Placed:
    return next(p for p in prompt.kept if p.item.group is Group.TAIL)


def sent(prompt: Prompt) -> str:
    return "\0".join(m.content for m in prompt.messages)


def common(first: str, second: str) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(first), len(second)))


def test_what_was_found_first_stands_before_the_text_and_stays() -> None:
    first = make(candidates(900, [passage("甲", 0), passage("乙", 1)]), Stood())
    user = first.messages[1].content
    assert user.index("从前甲") < user.index("【前文】") < user.index("这一段要写")
    assert "本章：渡口" in first.messages[0].content

    second = make(
        candidates(1000, [passage("丙", 0), passage("甲", 1)], "关门。"), after(first, 900, 1000)
    )
    stayed = {p.item.id: p for p in second.kept if p.reason == STAYED}
    assert stayed.keys() == {"called", "甲", "乙"}
    assert [p.text for p in first.kept if p.item.settled] == [
        p.text for p in second.kept if p.item.settled
    ]
    text = first.messages[1].content
    assert (
        common(sent(first), sent(second)) > len(first.messages[0].content) + text.index("【这里")
        if "【这里" in text
        else True
    )
    behind = second.messages[1].content.split("【这里用得上的】")[1]
    assert "从前丙" in behind
    assert "从前甲" not in behind


def test_a_passage_that_ranks_behind_what_stands_is_not_called_for() -> None:
    first = make(candidates(900, [passage("甲", 0), passage("乙", 1)]), Stood())
    second = make(candidates(1000, [passage("甲", 0), passage("丙", 1)]), after(first, 900, 1000))
    assert "丙" not in {p.item.id for p in second.kept}
    assert "前面已经有" in next(d.reason for d in second.dropped if d.item.id == "丙")


def test_another_part_of_a_passage_that_stands_may_join() -> None:
    text = "闲话一句又一句，没有完。" * 30 + "他把砚台埋在井边。" + "后来天黑了，没有人说话。" * 30
    first = make(candidates(900, [passage("甲", 0, "闲话", text)]), Stood(), 1800)
    stood = after(first, 900, 950)
    assert not any("井边" in i.text for i in stood.items)
    second = make(candidates(950, [passage("甲", 0, "砚台埋在哪里", text)]), stood, 1800)
    other = next(p for p in second.kept if p.item.id == "甲" + OTHER_PART)
    assert "他把砚台埋在井边。" in other.text
    assert excluded(passage("甲", 0), frozenset({other.item.id}))
    assert tells([other.text], passage("甲", 0, "砚台埋在哪里", text))


def test_the_text_begins_somewhere_else_when_it_must_and_keeps_half_its_room() -> None:
    stood, offset, last, begun, lengths = Stood(), 900, "", 0, []
    for step in range(40):
        prompt = make(candidates(offset, [passage(f"旧{step}", 0), passage(f"事{step}", 1)]), stood)
        tail = tail_of(prompt)
        assert BOOK[:offset].endswith(tail.text)
        if any(p.reason == STAYED for p in prompt.kept):
            assert common(last, sent(prompt)) > 0.6 * len(last)
        else:
            begun += 1
            assert f"旧{step}" in {p.item.id for p in prompt.kept if p.item.settled}
        assert f"旧{step}" in {p.item.id for p in prompt.kept}, "the best of the moment stands"
        lengths.append(len(tail.text))
        stood, last, offset = after(prompt, offset, offset + 100), sent(prompt), offset + 100
    assert 4 <= begun <= 10
    assert min(lengths) > 400


def test_the_same_request_again_sends_the_same_words_up_to_the_beat() -> None:
    found = [passage("甲", 0), passage("乙", 1)]
    first = make(candidates(900, found), Stood())
    again = make(candidates(900, found), after(first, 900, 900))
    assert sent(again) == sent(first)
    assert sent(make(candidates(900, found), after(again, 900, 900))) == sent(again)


def test_what_is_pinned_now_stands_though_it_did_not_before() -> None:
    first = make(candidates(900, [passage("甲", 0)]), Stood())
    pinned = replace(passage("丁", 3), required=True)
    second = make(candidates(950, [passage("甲", 0), pinned]), after(first, 900, 950))
    assert "丁" in {p.item.id for p in second.kept}


def test_a_template_without_a_place_for_what_settled_loses_nothing() -> None:
    own = template_of("own", "", "{% for b in passages %}{{ b.text }}\n{% endfor %}{{ earlier }}"
                      "{% for b in beat %}{{ b.text }}{% endfor %}", "{{ ending }}")  # fmt: skip
    prompt = build(candidates(900, [passage("甲", 0)]), tokens=Characters(), limit=2400,
                   template=own, stood=Stood())  # fmt: skip
    assert "从前甲" in prompt.messages[1].content


@settings(max_examples=60, deadline=None)
@given(st.integers(250, 3000), st.lists(st.tuples(st.integers(-300, 700), st.integers(0, 60),
       st.integers(0, 400), st.booleans()), min_size=2, max_size=8))  # fmt: skip
def test_never_more_than_the_limit_and_nothing_unaccounted(
    limit: int, steps: list[tuple[int, int, int, bool]]
) -> None:
    stood, offset = Stood(), 800
    for move, first, beat, news in steps:
        offset = min(max(50, offset + move), len(BOOK))
        found = [passage(f"旧{first + n}", n, "事") for n in range(4)]
        items = candidates(offset, found, "写" * beat)
        if news and stood.items:
            told = item("cast:now", Group.CAST, "此刻的沈砚：走了。", required=True, late=True)
            stood = Stood([*stood.items, told], stood.tail)
        try:
            prompt = make(items, stood, limit)
        except PromptTooLarge:
            stood = Stood()
            continue
        assert prompt.tokens == Characters().count_messages(prompt.messages) <= limit
        ids = [p.item.id for p in prompt.kept] + [d.item.id for d in prompt.dropped]
        assert len(ids) == len(set(ids))
        assert {i.id for i in items} <= {i.removesuffix(OTHER_PART) for i in ids}
        words = {i.id: i.text for i in stood.items}
        for placed in prompt.kept:
            if placed.reason == STAYED:
                assert placed.text == words[placed.item.id]
            if placed.item.group is Group.TAIL:
                assert BOOK[:offset].endswith(placed.text)
        following = max(50, offset)
        stood = after(prompt, offset, following)


def test_a_change_of_a_sheet_is_told_only_where_telling_it_is_enough() -> None:
    young, old = Paragraph("", "身份", "学徒"), Paragraph("s1", "身份", "掌柜")
    limp, secret = Paragraph("s2", "外貌", "瘸"), Paragraph("s3", "秘密", "杀过人")
    then = Standing((young,), ())
    assert changed(then, Standing((old, limp), ())) == (old, limp)
    assert changed(then, then) == ()
    assert changed(Standing((young, limp), ()), Standing((old,), ())) is None
    # The author is back before something that was read: it may not stand.
    read = Standing((old,), ())
    assert changed(read, Standing((young,), (Hidden("c", old, NOT_YET),))) is None
    assert changed(read, Standing((young,), (Hidden("c", old, OVER),))) == (young,)
    assert changed(Standing((secret,), ()), Standing((), (Hidden("c", secret, OVER),))) is None
