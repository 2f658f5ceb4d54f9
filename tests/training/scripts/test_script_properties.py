"""Whatever the text: nothing of it is lost, no heading is missed, nobody answers themselves."""

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from training.scripts import parse
from training.scripts.brackets import groups
from training.scripts.dialogue import Wanted, dialogues
from training.scripts.headers import headings_of
from training.scripts.structure import Script

ROWS = st.sampled_from(
    [
        "第一集", "第3幕", "第203幕（续）", "　第 十二 场：雨中", "【第二幕】", "1-3 夜 外 御花园", "***",
        "甄嬛：你来了。", "甄嬛（低声）：“好。”", "流朱:「是。」", "甲、乙：在。", "甄嬛与流朱：走。",
        "众人：遵命。", "（她转身。", "看着窗外）", "（雨停）", "时间：夜", "旁白：三日后。", "甄嬛：", "　坐吧。",
        "流朱；奴婢在。", "△灯灭。", "甄嬛：“信上说：", "”", "", "  ", "scene:雪地", "-:「好」",
    ]
)  # fmt: skip
ENDS = st.sampled_from(["\n", "\n", "\r\n", "\n\n", "\r"])
SCRIPTS = st.lists(st.tuples(ROWS, ENDS), max_size=30).map(
    lambda rows: "".join(row + end for row, end in rows)
)
ANYTHING = st.text(
    st.one_of(
        st.sampled_from(
            "甄嬛流朱第一二三幕场集续：:；、与（）()【】[]“”「」\"'。？！\r\n\n\u3000 \ufeff-*△a1"
        ),
        st.characters(exclude_categories=("Cs",)),
    ),
    max_size=200,
)
HEADINGS = st.builds(
    lambda front, number, unit, note, back: f"{front}第{number}{unit}{note}{back}",
    st.sampled_from(["", "　", "# ", "\ufeff", "—— "]),
    st.sampled_from(["1", "203", "３", "一", "十二", "一百零三", " 7 "]),
    st.sampled_from("集幕场折回"),
    st.sampled_from(["", "（续）", "(续)", "（上）", "【续】", "（续二）", " 续"]),
    st.sampled_from(["", "：", ": 雨夜", "　听柳轩　夜", "（养心殿，夜）"]),
)


@given(ANYTHING)
@settings(max_examples=400, deadline=None)
def test_any_text_comes_back_whole(text: str) -> None:
    assert_whole(text, parse(text))


@given(SCRIPTS)
@settings(max_examples=300, deadline=None)
def test_any_script_comes_back_whole(text: str) -> None:
    assert_whole(text, parse(text))


def assert_whole(text: str, script: Script) -> None:
    assert "".join(part.text for part in script.parts()) == text
    assert all(part.text for part in script.parts())
    lines = [line for block in script.blocks for line in range(block.line, block.last + 1)]
    assert lines == list(range(1, len(re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+", text)) + 1))
    kept = [block for block in script.blocks if block.kind not in ("header", "blank")]
    assert [block for scene in script.scenes for block in scene.blocks] == kept


@given(SCRIPTS, HEADINGS, SCRIPTS)
@settings(max_examples=300, deadline=None)
def test_a_heading_is_found_whatever_stands_around_it(above: str, row: str, below: str) -> None:
    above += "" if above.endswith(("\n", "\r")) or not above else "\n"
    script = parse(f"{above}{row}\n{below}")
    found = [block.text.strip("\r\n") for block in script.blocks if block.kind == "header"]
    assert row.strip("\r\n") in found
    (heading, *_) = headings_of(row)
    assert heading.continued == ("续" in row)


@given(SCRIPTS, st.integers(1, 6), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_nobody_answers_themselves_and_nothing_is_said_twice(
    text: str, turns: int, directions: bool, events: bool
) -> None:
    script = parse(text)
    wanted = Wanted("甄嬛", turns=turns, directions=directions, events=events)
    items = list(dialogues(script, wanted))
    for item in items:
        roles = [turn.role for turn in item.turns]
        assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
        assert roles[-1] == "assistant"
        assert all(turn.text.strip() for turn in item.turns)
        assert "甄嬛：" not in "\n".join(t.text for t in item.turns if t.role == "user")
    learned = "".join(turn.text for item in items for turn in item.turns if turn.learned)
    words = [
        re.sub(r"\s", "", part.text)
        for block in script.blocks
        if "甄嬛" in block.speakers
        for part in block.parts
        if part.kind == "speech"
    ]
    told = re.sub(r"\s", "", learned)
    for word in set(words):
        assert told.count(word) >= words.count(word)


@given(st.text("（(）)【】a", max_size=40))
def test_brackets_are_found_as_a_stack_finds_them(text: str) -> None:
    spans = groups(text)
    assert all(text[s] in "（(【" and text[e - 1] in "）)】" for s, e in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    outside = "".join(
        text[a:b] for a, b in zip([0, *(e for _, e in spans)], [*(s for s, _ in spans), len(text)], strict=True)
    )  # fmt: skip
    assert not re.search(r"[（(【][^（(【）)】]*[）)】]", outside) or spans
    assert not re.search("[（(【]a*[）)】]", outside)
