"""Every measure against the slowest implementation that is obviously right."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.measures import (
    Copies,
    difference,
    distinct,
    fingerprint,
    longest_repeat,
    most_repeated_sentence,
    repetition,
    repetition_at,
    seq_rep,
)
from retrieval.measures.idioms import count_idioms
from retrieval.measures.letters import bare, places, prefix
from retrieval.measures.suffixes import common_prefixes, suffix_array

FEW = st.text(alphabet="ab\n 的，", max_size=60)
"""Few letters, so that repeats are common; white space, which must not count."""
ANY = st.text(max_size=60)
PROSE = st.text(alphabet="的了在是，。！？“”\n　他说天下一心意", max_size=200)


@given(ANY)
def test_white_space_is_all_that_bare_leaves_out(text: str) -> None:
    assert bare(text) == "".join(c for c in text if not c.isspace())
    assert [text[place] for place in places(text)] == list(bare(text))


@given(FEW, st.integers(0, 70))
def test_prefix_has_as_many_letters_as_asked_for(text: str, length: int) -> None:
    cut = prefix(text, length)
    assert text.startswith(cut)
    assert bare(cut) == bare(text)[:length]


@given(st.one_of(FEW, ANY))
def test_suffix_array_is_the_sorted_suffixes(text: str) -> None:
    order = suffix_array(text)
    assert order.tolist() == sorted(range(len(text)), key=lambda start: text[start:])


@given(st.text(alphabet="ab", min_size=1, max_size=40), st.integers(1, 30))
def test_suffix_array_of_a_loop(text: str, times: int) -> None:
    loop = text * times
    assert suffix_array(loop).tolist() == sorted(range(len(loop)), key=lambda at: loop[at:])


@given(st.one_of(FEW, ANY))
def test_common_prefixes_are_those_of_neighbours(text: str) -> None:
    order = suffix_array(text)
    shared = common_prefixes(text, order)
    for slot in range(1, len(text)):
        one, other = text[order[slot - 1] :], text[order[slot] :]
        naive = next(
            (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
            min(len(one), len(other)),
        )
        assert shared[slot] == naive


@given(FEW, st.integers(1, 5))
def test_grams_are_counted_as_defined(text: str, n: int) -> None:
    letters = "".join(text.split())
    grams = [letters[i : i + n] for i in range(max(0, len(letters) - n + 1))]
    assert seq_rep(text, n) == pytest.approx(1 - len(set(grams)) / len(grams) if grams else 0)
    assert distinct(text, n) == pytest.approx(len(set(grams)) / len(letters) if letters else 0)


def test_no_gram_is_shorter_than_one() -> None:
    with pytest.raises(ValueError, match="n-grams"):
        seq_rep("天下", 0)


@given(FEW)
def test_longest_repeat_is_the_longest_that_stands_twice(text: str) -> None:
    letters = bare(text)
    n = len(letters)
    naive = max(
        (k for k in range(n) for i in range(n - k) if letters.find(letters[i : i + k], i + 1) > i),
        default=0,
    )
    found = longest_repeat(text)
    assert len(found) == naive
    if naive:
        assert found.first < found.second
        for start in (found.first, found.second):
            assert letters[start : start + naive] == found.words


def test_a_loop_is_seen_whole() -> None:
    loop = "他推开门，院子里没有人。" * 20
    found = repetition(loop)
    assert found.longest == len(loop) - len("他推开门，院子里没有人。")
    assert (found.sentence, found.times) == ("他推开门，院子里没有人。", 20)
    assert found.seq_rep_4 > 0.9
    assert found.distinct_1 == pytest.approx(12 / 240)


def test_a_sentence_is_the_same_whatever_its_marks_and_layout() -> None:
    text = (
        "“快走罢，快往前走。”\n好。好。好。\n　　快走罢快往前走！他没有回头看。快走罢，\n快往前走"
    )
    assert most_repeated_sentence(text) == ("“快走罢，快往前走。”", 2)
    assert most_repeated_sentence(text, least=1)[1] == 3
    assert most_repeated_sentence("好。") == ("", 0)


def test_repetition_is_told_for_the_lengths_that_a_text_reaches() -> None:
    text = ("".join(map(chr, range(0x4E00, 0x4E00 + 1000))) + "\n") * 2
    at = repetition_at(text)
    assert list(at) == [500, 1000, 2000]
    assert at[1000].seq_rep_4 == 0
    assert at[2000].longest == 1000
    assert {length: one.characters for length, one in at.items()} == {n: n for n in at}


# --- copies ---------------------------------------------------------------------------------


def naive_matches(sources: list[str], text: str) -> list[int]:
    """The longest match at each start, white space left out."""
    letters, bodies = bare(text), [bare(source) for source in sources]
    return [
        max(
            (k for k in range(len(letters) - i + 1)
             if any(letters[i : i + k] in body for body in bodies)),
            default=0,
        )
        for i in range(len(letters))
    ]  # fmt: skip


@given(st.lists(FEW, max_size=4), FEW, st.integers(1, 6))
def test_copied_is_what_stands_in_a_source(sources: list[str], text: str, least: int) -> None:
    matches = naive_matches(sources, text)
    found = Copies(sources).copied(text, least)
    covered = {
        at for start, k in enumerate(matches) if k >= least for at in range(start, start + k)
    }
    assert found.longest == max(matches, default=0)
    assert found.characters == len(matches)
    assert found.share == pytest.approx(len(covered) / len(matches) if matches else 0)
    shown = {at for span in found.spans for at in range(span.start, span.end)}
    stand = places(text)
    assert {stand[at] for at in covered} == {at for at in shown if not text[at].isspace()}
    if found.longest_span is not None:
        span = found.longest_span
        words = bare(text[span.start : span.end])
        assert len(words) == found.longest
        assert words in bare(sources[span.source])


def test_what_spans_two_sources_is_no_copy() -> None:
    found = Copies(["天地玄黄", "宇宙洪荒"]).copied("天地玄黄宇宙洪荒", least=3)
    assert found.longest == 4
    assert [(span.start, span.end, span.source) for span in found.spans] == [(0, 8, 0)]
    assert Copies(["甲\0乙"]).copied("甲\0乙", least=1).longest == 1


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(100, 3000))
def test_a_long_copy_is_found_whole(seed: int, length: int) -> None:
    """Far longer than the window in which characters are compared at first."""
    chance = random.Random(seed)
    source = "".join(chance.choices("天地玄黄宇宙洪荒", k=5000))
    start = chance.randrange(5000 - length)
    text = "始" + source[start : start + length] + "终"
    found = Copies([source[:1000], source]).copied(text)
    assert found.longest == length
    assert found.share == pytest.approx(length / (length + 2))


def test_nothing_is_copied_from_nothing() -> None:
    assert Copies([]).copied("天地玄黄", 1).longest == 0
    assert Copies(["天地"]).copied("", 1).spans == ()
    assert len(Copies(["天 地", "玄\n"])) == 3


# --- style ----------------------------------------------------------------------------------


def test_fingerprint_counts_what_it_says() -> None:
    text = "他说：“不去。”\n　　山高水长，天下太平！真的？"
    print_ = fingerprint(text)
    letters = len(bare(text))
    assert print_.characters == letters
    assert print_.dialogue == pytest.approx(3 / letters)
    assert print_.idioms == pytest.approx(1000 * count_idioms(bare(text)) / letters)
    assert print_.sentence_mean == pytest.approx((8 + 10 + 3) / 3)
    assert print_.paragraph_mean == pytest.approx((8 + 13) / 2)
    assert print_.sentence_lengths[:3] == (pytest.approx(1 / 3), pytest.approx(2 / 3), 0)
    assert print_.punctuation["，"] == pytest.approx(1 / letters)
    assert print_.function_words["不"] == pytest.approx(1 / letters)


def test_idioms_do_not_overlap() -> None:
    assert count_idioms("一心一意一心一意") == 2
    assert count_idioms("他一心一意地走了") == 1
    assert count_idioms("桌椅板凳山") in (0, 1)
    assert count_idioms("") == 0


@given(PROSE)
def test_shares_add_up(text: str) -> None:
    print_ = fingerprint(text)
    assert 0 <= print_.dialogue <= 1
    for shares in (print_.sentence_lengths, print_.paragraph_lengths):
        assert math.isclose(sum(shares), 1) or not any(shares)
    assert sum(print_.punctuation.values()) <= 1 + 1e-9
    assert sum(print_.function_words.values()) <= 1 + 1e-9


@given(PROSE, PROSE, PROSE)
def test_difference_is_a_distance(one: str, two: str, three: str) -> None:
    a, b, c = map(fingerprint, (one, two, three))
    ab, ba, bc, ac = (difference(*pair).distance for pair in ((a, b), (b, a), (b, c), (a, c)))
    assert difference(a, a).distance == pytest.approx(0, abs=1e-6)
    assert ab == pytest.approx(ba)
    assert 0 <= ab <= 1
    if a.characters and b.characters and c.characters:
        assert ac <= ab + bc + 1e-9


def test_the_author_is_nearer_than_another(shared_data) -> None:
    """Pages of 4,000 characters find their own book among seven, mostly; chance is 1 in 7."""
    books = {
        file.stem: file.read_text(encoding="utf-8")
        for file in sorted((shared_data / "novels").glob("*.txt"))
        if file.stem != "SOURCE"
    }
    whole = {name: fingerprint(text) for name, text in books.items()}
    right = asked = 0
    for name, text in books.items():
        for start in range(10_000, min(len(text) - 4000, 50_000), 4000):
            page = fingerprint(text[start : start + 4000])
            nearest = min(whole, key=lambda other: difference(page, whole[other]).distance)
            right, asked = right + (nearest == name), asked + 1
    assert right / asked > 0.6
