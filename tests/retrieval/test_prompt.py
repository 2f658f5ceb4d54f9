"""Whole prompts as snapshots, and the budget's promises as properties."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrieval.errors import PromptTooLarge
from retrieval.prompt import build
from retrieval.snippet import around, focus
from retrieval.tail import ENDING, STEP, beginning, split, steps
from retrieval.template import load_template
from retrieval.types import ContextItem, Group, Message, Prompt

TEMPLATE = load_template("continuation")


class Characters:
    """One token a character, five more a message: enough to see the arithmetic."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(t) for t in texts]

    def count_messages(self, messages: Sequence[Message]) -> int:
        return sum(len(m.content) + 5 for m in messages)


def make(items: Sequence[ContextItem], limit: int = 2000) -> Prompt:
    return build(items, tokens=Characters(), limit=limit, template=TEMPLATE,
                 variables={"title": "砚池", "length": 300})  # fmt: skip


def item(name: str, group: Group, text: str, **more: object) -> ContextItem:
    return ContextItem(name, group, text, name, **more)  # type: ignore[arg-type]


def test_the_whole_prompt() -> None:
    prompt = make(
        [
            item("beat", Group.BEAT, "这一段要写：他推开门。", required=True, priority=100),
            item("tail", Group.TAIL, "雨停了。他走到门前。", required=True, keep="end"),
            item("passage", Group.PASSAGES, "去年那扇门还是红的。"),
            item("cast", Group.CAST, "沈砚，主角。左手缺一指。"),
            item("synopsis", Group.RECAP, "全书梗概：一方砚的来历。"),
            item("style", Group.SYSTEM, "文风：短句。"),
        ]
    )
    assert [(m.role, m.content) for m in prompt.messages] == [
        (
            "system",
            "你是一位中文小说家，正在续写《砚池》。直接写小说正文：不重复已有的文字，不解释，"
            "不总结，不加标题，不和读者说话。\n文风：短句。\n\n【前情】\n全书梗概：一方砚的来历。",
        ),
        (
            "user",
            "【人物】\n沈砚，主角。左手缺一指。\n\n【书中相关段落】\n（passage）去年那扇门还是红的。\n\n"
            "这一段要写：他推开门。\n"
            "接着往下写，300字左右。",
        ),
        ("assistant", "雨停了。他走到门前。"),
    ]
    assert prompt.dropped == ()
    assert prompt.template.startswith("continuation@")


def test_an_empty_chapter_is_opened_not_continued() -> None:
    prompt = make([item("beat", Group.BEAT, "这一段要写：清晨。", required=True)])
    assert "从这一章的第一句写起" in prompt.messages[1].content
    assert [m.role for m in prompt.messages] == ["system", "user"]


def test_the_tail_keeps_its_end_and_takes_what_others_leave() -> None:
    tail = "".join(f"这是第{n}句话。" for n in range(500))
    prompt = make([item("tail", Group.TAIL, tail, required=True, keep="end", priority=100)])
    (placed,) = prompt.kept
    assert tail.endswith(placed.text)
    assert placed.text.startswith("这是第")
    assert placed.shortened
    # All of the room is the tail's when nobody else wants any, up to a step.
    assert prompt.tokens > 2000 - STEP - 20


def test_priority_decides_what_stays_and_every_loss_has_a_reason() -> None:
    many = [
        item(f"p{n}", Group.PASSAGES, "段" * 300, priority=float(n), order=float(n))
        for n in range(10)
    ]
    prompt = make(many, limit=1500)
    kept = [p.item.id for p in prompt.kept]
    assert kept == ["p7", "p8", "p9"] or kept == ["p6", "p7", "p8", "p9"]
    assert all("放不下" in left.reason for left in prompt.dropped)


def test_a_small_window_still_holds_one_whole_passage() -> None:
    tail = "".join(f"这是第{n}句话。" for n in range(500))
    passages = [item(f"p{n}", Group.PASSAGES, "段" * 250, priority=30.0 - n) for n in range(5)]
    prompt = make(
        [item("tail", Group.TAIL, tail, required=True, keep="end", priority=100), *passages]
    )
    assert "p0" in [p.item.id for p in prompt.kept]


def test_what_is_required_but_too_long_is_refused_in_a_sentence() -> None:
    beat = item("本段要求", Group.BEAT, "要" * 3000, required=True)
    with pytest.raises(PromptTooLarge, match=r"本段要求有 3000 词元.*请缩短它"):
        make([beat])


def test_empty_items_are_left_out_with_a_reason() -> None:
    prompt = make([item("beat", Group.BEAT, "写。"), item("style", Group.SYSTEM, " \n")])
    assert [(left.item.id, left.reason) for left in prompt.dropped] == [("style", "内容为空")]


TEXTS = st.text(alphabet="字句。！？”“\n，abc", max_size=400)


@settings(deadline=None, max_examples=80)
@example([*[(Group.SYSTEM, "a", True, "start", 0.0)] * 5, (Group.BEAT, "a", True, "start", 0.0),
          (Group.TAIL, "aa", True, "start", 0.0)], 172)  # fmt: skip
@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(Group)),
            TEXTS,
            st.booleans(),
            st.sampled_from(["start", "end", None]),
            st.floats(0, 100),
        ),
        max_size=14,
    ),
    st.integers(min_value=150, max_value=3000),
)
def test_never_more_than_the_limit_and_nothing_unaccounted(
    drawn: list[tuple[Group, str, bool, str | None, float]], limit: int
) -> None:
    items = [
        item(f"i{n}", group, text, required=required, keep=keep, priority=priority)
        for n, (group, text, required, keep, priority) in enumerate(drawn)
    ]
    try:
        prompt = make(items, limit)
    except PromptTooLarge:
        assert any(i.required for i in items) or limit < 200
        return
    assert prompt.tokens == Characters().count_messages(prompt.messages) <= limit
    kept, dropped = {p.item.id for p in prompt.kept}, {d.item.id for d in prompt.dropped}
    assert kept | dropped == {i.id for i in items}
    assert not kept & dropped
    assert all(i.id in kept for i in items if i.required and i.text.strip())
    assert all(d.reason for d in prompt.dropped)
    for placed in prompt.kept:
        whole = placed.item.text
        assert placed.text == whole or (
            whole.startswith(placed.text) if placed.item.keep == "start"
            else whole.endswith(placed.text)
        )  # fmt: skip


def test_what_may_not_stand_is_told_with_its_reason() -> None:
    secret = item("fact:1", Group.CAST, "他就是罗长庚。")
    prompt = build(
        [item("beat", Group.BEAT, "这一段要写：他上岸。", required=True)],
        tokens=Characters(), limit=2000, template=TEMPLATE, refused=[(secret, "视角人物此时还不知道")],
    )  # fmt: skip
    (left,) = prompt.dropped
    assert (left.item, left.tokens, left.reason) == (secret, 7, "视角人物此时还不知道")
    assert "罗长庚" not in "".join(m.content for m in prompt.messages)


SHEET = item("cast", Group.CAST, "沈砚，主角。左手缺一指。" * 40, priority=40)
BOOK = "".join(f"这是第{n}句话，说的是第{n * 7 % 31}件事。" for n in range(400))


def _at(offset: int, passage: str) -> Prompt:
    start = beginning(offset, 12_000)
    return make(
        [
            SHEET,
            item("tail", Group.TAIL, BOOK[start:offset], required=True, keep="end", priority=100),
            *(item(f"passage{n}", Group.PASSAGES, passage + str(n)) for n in range(40)),
            item("beat", Group.BEAT, f"这一段要写：第{offset}步。", required=True),
        ],
        limit=6000,
    )


def test_the_next_continuation_sends_the_same_words_first() -> None:
    """What the engine's prefix cache needs: only the end differs, whatever recall brings."""
    prompts = [_at(offset, "去年那扇门还是红的。" * (20 + n % 5)) for n, offset in
               enumerate(range(3000, 4500, 150))]  # fmt: skip
    texts = ["\0".join(m.content for m in p.messages) for p in prompts]
    shares = [_common(first, second) / len(second) for first, second in pairwise(texts)]
    # The tail moves on by a step two or three times in 1,500 characters; else most is shared.
    assert sorted(shares)[3] > 0.6
    assert all(_common(texts[0], text) > texts[0].index(SHEET.text) for text in texts)


def _common(first: str, second: str) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first)
    )


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="山水人。！？”\n，", max_size=3000))
def test_the_tail_is_split_without_loss(text: str) -> None:
    earlier, ending = split(text)
    assert earlier + ending == text
    assert len(ending) >= min(ENDING, len(text))
    assert all(0 <= start < len(text) for start in steps(text))
    assert steps(text)[:1] == ([0] if text else [])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.integers(STEP, 20_000))
def test_a_tail_begins_at_a_multiple_of_the_step(offset: int, most: int) -> None:
    start = beginning(offset, most)
    assert start % STEP == 0
    assert start == 0 or most - STEP < offset - start <= most


def test_a_passage_is_cut_around_what_the_query_is_about() -> None:
    text = "".join(f"闲话第{n}句。" for n in range(40)) + "他把砚台埋在井边。" + "后来天黑了。" * 40
    place = focus(text, "砚台埋在哪里")
    assert text[place:].startswith("他把砚台埋在井边。")
    piece, size = around(text, place, 60, Characters())
    assert "他把砚台埋在井边。" in piece
    assert piece in text
    assert size == len(piece) <= 60
    assert around(text, place, 5, Characters()) == ("", 0)
    assert around("", 0, 5, Characters()) == ("", 0)
    assert focus(text, "") == 0


def test_a_small_window_shows_the_best_two_passages_in_part() -> None:
    text = "".join(f"这是旧事第{n}句，说得不短。" for n in range(40))
    prompt = make(
        [
            item("tail", Group.TAIL, BOOK[:3000], required=True, keep="end", priority=100),
            item("recap", Group.RECAP, BOOK[:900], priority=60, keep="start"),
            *(
                item(f"passage{n}", Group.PASSAGES, text + str(n), keep="around", priority=30 - n)
                for n in range(4)
            ),
        ],
        limit=1500,
    )
    stand = [p for p in prompt.kept if p.item.group is Group.PASSAGES]
    assert [p.item.id for p in stand] == ["passage0", "passage1"]
    assert all(p.shortened and p.text in p.item.text for p in stand)
