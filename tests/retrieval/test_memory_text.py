"""Recaps as text: extraction, what a model may not say, reading in pieces."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.chunk import last_sentence_end
from retrieval.memory.checks import clean, fault
from retrieval.memory.extract import LIMITS, condense, extract, limit_of
from retrieval.memory.plan import Level
from retrieval.memory.reading import MOST_PIECES, pieces
from retrieval.readers import read_book
from retrieval.types import Message
from tests.retrieval.recap_quality import (
    COUPLETS,
    at_random,
    couplet_pairs,
    lead,
    ours,
    sample_pairs,
    score,
)

PROSE = st.text(alphabet="沈砚陆眠渡口船水的了是在雨夜“”「」，。！？\n a1…", max_size=600)


class Characters:
    """One token a character."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]

    def count_messages(self, messages: Sequence[Message]) -> int:
        return sum(len(m.content) for m in messages)


@settings(max_examples=200, deadline=None)
@given(PROSE, st.sampled_from(list(Level)), st.integers(2, 9))
def test_a_recap_is_short_one_line_and_not_empty(text: str, level: Level, parts: int) -> None:
    texts = [text, text[::-1]] if level is Level.BOOK else [text]
    told = extract(level, texts, parts)
    assert len(told) <= limit_of(level, parts)
    assert "\n" not in told
    assert bool(told) == bool(text.strip())
    assert told == extract(level, texts, parts)


@settings(max_examples=100, deadline=None)
@given(st.lists(PROSE, max_size=4), st.integers(20, 200))
def test_what_is_chosen_stands_in_the_text(texts: list[str], limit: int) -> None:
    told = condense(texts, limit)
    held = "".join("".join(texts).split())
    bare = "".join(told.split())
    for mark in "“”「」":
        held, bare = held.replace(mark, ""), bare.replace(mark, "")
    place = 0
    for char in bare:
        place = held.find(char, place) + 1
        assert place, "not in the order of the text"


def test_short_texts_are_told_whole() -> None:
    assert (
        extract(Level.CHAPTER, ["沈砚没有进屋。\n\n陆眠在等他。"]) == "沈砚没有进屋。陆眠在等他。"
    )
    assert extract(Level.VOLUME, ["沈砚走了。", "陆眠来了。"]) == "沈砚走了。陆眠来了。"
    assert extract(Level.CHAPTER, [" \n"]) == ""


def test_a_text_without_sentences_is_cut_at_a_clause() -> None:
    told = extract(Level.CHAPTER, ["沈砚走，" * 200])
    assert told == "沈砚走，" * 45


def test_quotation_marks_have_their_partners() -> None:
    text = "陆眠说：“你昨夜去了渡口。沈砚去了渡口的船上。”" * 1 + "沈砚没有说渡口的事。" * 30
    told = condense([text], 40)
    assert told.count("“") == told.count("”")


def test_what_keeps_coming_back_is_told() -> None:
    aside = [f"天气{a}{b}，也不过如此罢。" for a in "甲乙丙丁戊己" for b in "子丑寅卯辰巳"]
    story = ["沈砚在渡口丢了砚台。", "老周头在渡口捡到砚台。", "沈砚向老周头讨还砚台。"]
    text = "".join(
        line
        for n, line in enumerate(aside)
        for line in ([story[n // 12]] if n % 12 == 5 else []) + [line]
    )
    assert all(line in extract(Level.CHAPTER, [text]) for line in story)


def test_a_skeleton_keeps_room_for_what_is_long_ago() -> None:
    days = [a + b for a in "甲乙丙丁戊己庚" for b in "子丑寅卯辰巳午"]
    old = "".join(f"旧事{day}在山上发生过一回。" for day in days)
    new = "".join(f"新事{day}在水边发生过一回。" for day in days)
    told = extract(Level.BOOK, [old, new], 8)
    assert told.count("旧事") > 4 * told.count("新事") > 0
    assert told.index("旧事") < told.index("新事")


def test_the_same_in_every_process() -> None:
    """Sets of strings come in another order in every process; recaps must not."""
    program = (
        "from tests.retrieval.recap_quality import ours, sample_pairs;"
        "print([ours(t) for t, _ in sample_pairs()[:3]])"
    )
    root = Path(__file__).resolve().parent.parent.parent
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root, env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(told) == 1


def test_better_than_the_beginning_and_than_chance_on_the_sample() -> None:
    pairs = sample_pairs()
    assert len(pairs) == 8
    assert score(pairs, ours) > 1.5 * max(score(pairs, lead), score(pairs, at_random))


@pytest.mark.parametrize("name", COUPLETS)
def test_better_than_the_beginning_and_than_chance_on_novels(name: str, shared_data: Path) -> None:
    assert shared_data.is_dir()
    pairs = couplet_pairs(name)
    pairs = pairs[:: max(1, len(pairs) // 25)]
    assert score(pairs, ours) > 1.2 * max(score(pairs, lead), score(pairs, at_random))


def test_a_long_novel_in_seconds(shared_data: Path) -> None:
    book = read_book((shared_data / "novels" / "红楼梦.txt").read_bytes(), "红楼梦.txt")
    begun = time.process_time()
    told = [extract(Level.CHAPTER, [c.text]) for c in book.chapters]
    assert time.process_time() - begun < 10
    assert all(0 < len(t) <= LIMITS[Level.CHAPTER] for t in told)


SOURCE = (
    "沈砚在渡口等船，老周头说水大，不渡。陆眠把砚台放在船头，说那就走旱路。"
    "两个人从石滩上过去，天黑以前到了镇口，客栈已经关门，只有当铺的灯还亮着。"
)
GOOD = "沈砚在渡口等船，老周头说水大不渡，陆眠把砚台放在船头，说走旱路。"
ASKED = "按先后顺序说清这里发生了什么，写成一段话，不超过 200 个字，直接写内容："


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (GOOD, GOOD),
        (f"好的，{GOOD}", GOOD),
        (f"以下是本章的前情提要：\n\n**{GOOD}**", GOOD),
        (f"前情提要：{GOOD}", GOOD),
        (f"<think>先看\n原文。</think>{GOOD}", GOOD),
        (f"{GOOD}然后他们又", GOOD),
        ("<think>想不完", ""),
    ],
)
def test_what_is_no_part_of_a_recap_is_taken_off(said: str, kept: str) -> None:
    assert clean(said, 200) == kept


def test_a_recap_is_cut_after_a_sentence() -> None:
    told = clean(GOOD * 20, 100)
    assert len(told) <= 130
    assert last_sentence_end(told) == len(told)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("沈砚。", "没有写出"),
        ("沈砚在渡口等船，老周头说水大，陆眠把", "没有写完"),
        (f"作为人工智能，{GOOD}", "和读者说起了话"),
        (ASKED.removesuffix("：") + "。", "照抄了要求"),
        ("沈砚在渡口等船。老周头不渡。" * 5, "来回重复"),
        (f"林黛玉来了，{GOOD}", "“林黛玉”"),
        (f"顾明远说水大，{GOOD}", "“顾明"),
        (SOURCE, "照抄了一段原文"),
        ("群星之间的舰队沉默地驶过了遥远的边境要塞，无人知晓。", "对不上"),
    ],
)
def test_faults_are_told(said: str, why: str) -> None:
    told = fault(said, SOURCE, ASKED, 200, names=["沈砚", "林黛玉"])
    assert told is not None
    assert why in told


def test_words_of_recaps_may_stay_in_a_recap_of_them() -> None:
    assert fault(SOURCE, SOURCE, ASKED, 200, may_copy=True) is None


def test_people_s_own_outlines_are_recaps() -> None:
    told = [fault(gist, text, ASKED, 200) for text, gist in sample_pairs()]
    # The first-person novel does not name its narrator in every chapter; the outline does.
    assert [t for t in told if t is not None and "计素" not in t] == []


@settings(max_examples=100, deadline=None)
@given(PROSE.filter(str.strip), st.integers(1, 80))
def test_pieces_fit_the_room_and_lose_nothing_where_they_are_few(text: str, room: int) -> None:
    found = pieces(text, room, Characters())
    assert 1 <= len(found) <= MOST_PIECES
    assert all(len(piece) <= room for piece in found)
    if len(text) * 2.5 <= room * MOST_PIECES:
        assert "".join(found) == text


def test_no_room_to_read() -> None:
    with pytest.raises(ValueError, match="positive"):
        pieces("沈砚。", 0, Characters())
