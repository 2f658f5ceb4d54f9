"""The target length is kept at a sentence's end."""

from hypothesis import given
from hypothesis import strategies as st

from server.writing.length import ALMOST, LengthGate, most_chars


def written(target: int, pieces: list[str]) -> tuple[str, bool]:
    gate = LengthGate(target)
    return "".join(gate.take(piece) for piece in pieces), gate.full


def test_ends_at_the_first_sentence_end_after_the_target() -> None:
    text = "一二三四五。六七八九十。甲乙丙丁。"
    assert written(8, [text]) == ("一二三四五。六七八九十。", True)
    assert written(6, [text])[0] == "一二三四五。"


def test_closing_quote_in_the_next_piece_still_belongs() -> None:
    assert written(6, ["他说：“走。", "”她没有动。"]) == ("他说：“走。”", True)


def test_short_text_passes_whole_and_is_not_full() -> None:
    assert written(100, ["短短", "一句。"]) == ("短短一句。", False)


def test_without_any_sentence_end_it_stops_at_the_slack() -> None:
    text, full = written(10, ["字" * 90])
    assert full
    assert len(text) == most_chars(10) == 52


def test_leading_white_space_is_dropped() -> None:
    assert written(100, ["\n\n　", "开头。"])[0] == "开头。"


@given(
    st.lists(st.text(alphabet="字。！？”“，\n 　a", max_size=12), max_size=40),
    st.integers(min_value=1, max_value=120),
)
def test_pieces_do_not_matter_and_the_bound_holds(pieces: list[str], target: int) -> None:
    whole = "".join(pieces)
    text, full = written(target, pieces)
    assert text == written(target, [whole])[0]
    assert whole.lstrip().startswith(text) or text == ""
    count = sum(not c.isspace() for c in text)
    assert count <= most_chars(target)
    if full:
        assert count >= target * ALMOST - 1


def test_a_new_paragraph_after_an_unfinished_line_keeps_its_line_end() -> None:
    assert LengthGate(100, new_line=False).take("\n\n他走了。") == "\n\n他走了。"
    assert LengthGate(100, new_line=True).take("\n\n他走了。") == "他走了。"
