"""What a rewriting asks for: the stretch, the wish, and one paragraph behind it at most."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.rewriting import (
    MOST_BEHIND,
    TASKS,
    WORDS,
    following,
    length_for,
    rewrite_items,
    wanted,
)
from retrieval.template import check, load_template
from retrieval.types import ContextItem, Group, Placed


def test_every_task_says_what_it_wants() -> None:
    assert set(TASKS) == set(WORDS)
    assert len({wanted(task) for task in TASKS}) == len(TASKS)


def test_the_wish_is_one_paragraph() -> None:
    told = wanted("describe", "写雨。", "计素", ["听", "嗅"])
    assert told == "给原文添上描写，情节不变。多写听见的、闻到的。照计素的口吻和眼光写。写雨。"
    assert "多让计素说话" in wanted("dialogue", character="计素")


@pytest.mark.parametrize(
    ("task", "length"), [("expand", 12), ("condense", 3), ("rewrite", 6), ("custom", 6)]
)
def test_the_length_follows_the_task(task: str, length: int) -> None:
    assert length_for(task, "雨 停了。\n走路") == length  # type: ignore[arg-type]
    assert length_for(task, "。") >= 1  # type: ignore[arg-type]


lines = st.lists(st.text(alphabet="雨山 　", max_size=8), max_size=6).map("\n".join)


@given(lines, st.data())
def test_what_is_shown_behind_is_the_next_words_up_to_a_line_s_end(
    text: str, data: st.DataObject
) -> None:
    end = data.draw(st.integers(0, len(text)))
    shown = following(text, end)
    assert "\n" not in shown
    rest = text[end:].lstrip()
    assert rest.startswith(shown)
    assert shown == shown.strip()
    assert bool(shown) == bool(rest)
    assert rest[len(shown) :].split("\n", 1)[0].strip() == ""


def test_a_long_paragraph_behind_is_cut() -> None:
    assert following("雨" + "山" * 9999, 1) == "山" * MOST_BEHIND


def rendered(items: Sequence[ContextItem]) -> str:
    template = load_template("rewrite")
    placed = [Placed(item, item.text, 0, "") for item in items]
    return template.render(placed, {"title": "砚池", "length": 80})[1].content


def test_the_prompt_puts_the_stretch_between_what_stands_around_it() -> None:
    check(load_template("rewrite"))
    before = ContextItem("tail", Group.TAIL, "雨下了一夜。\n", "本章正文")
    told = rendered([before, *rewrite_items("他走了。", "润色。", "天亮了。")])
    assert told == (
        "【前文】\n雨下了一夜。\n\n【要改的原文】\n他走了。\n\n【原文之后】\n天亮了。\n\n【要求】\n润色。\n\n"
        "把【要改的原文】改写成能接在前文之后、原文之后的文字之前的一段，80字左右。直接写改好的正文。"
    )
    assert "【原文之后】" not in rendered(rewrite_items("他走了。", "润色。", ""))
