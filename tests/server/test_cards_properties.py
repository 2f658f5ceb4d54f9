"""Cards of any shape: nothing of them is lost, whatever is in them."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import YanchiError
from server.personas.interchange.cards import V3 as WHOLE
from server.personas.interchange.cards import read_card, write_card
from server.personas.interchange.examples import read_examples, write_examples
from server.personas.interchange.files import read_card_file
from server.personas.interchange.png import with_text, without_text
from server.schemas.personas import PersonaNew
from tests.server.cards_made import V1, V2, V3, picture

words = st.text("甲{}<>：:\r\n aé\U0001f600", max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
fields = st.dictionaries(st.sampled_from([*WHOLE, "nickname", "assets", "odd"]), values)


def rows(card: Any) -> dict[str, Any]:
    return {**card.columns, "name": card.columns["name"] or "无名"}


@settings(max_examples=150, deadline=None)
@given(fields, st.sampled_from([V2, V3]))
def test_any_field_survives(changed: dict[str, Any], base: dict[str, Any]) -> None:
    whole: dict[str, Any] = {k: v for k, v in base["data"].items() if k != "character_book"}
    raw = base | {"data": whole | changed}
    card = read_card(raw)
    told = write_card(card.columns, card.kept, None, 3 if base is V3 else 2)
    assert told == raw
    assert PersonaNew(**rows(card)), "what is read fits a persona"


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(list(V1)), values))
def test_an_old_card_survives(changed: dict[str, Any]) -> None:
    card = read_card(V1 | changed)
    assert write_card(card.columns, card.kept, None, 1) == V1 | changed
    newer = read_card(write_card(card.columns, card.kept, None, 2))
    assert newer.columns == card.columns


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("甲乙，。 ", min_size=1).map(str.strip).filter(bool), max_size=5))
def test_lines_become_samples_and_lines_again(lines: list[str]) -> None:
    assert read_examples(write_examples(lines), "老周") == lines


def test_samples_are_the_persons_own_lines() -> None:
    told = "<START>\n老周：不渡。\n{{user}}: 为何？\n怕什么\n<BOT>: 怕水。\n\n下一句\n<start>\n闲话"
    assert read_examples(told, "老周") == ["不渡。", "怕水。", "下一句"]
    assert read_examples("不渡。\n水大。", "老周") == ["不渡。", "水大。"]
    assert read_examples("", "老周") == []


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 400))
def test_any_damage_is_refused_in_a_sentence(noise: bytes, at: int) -> None:
    whole = with_text(picture(), {"chara": json.dumps(V2).encode()})
    broken = whole[:at] + noise + whole[at + len(noise) :]
    told = "。"
    try:
        read_card_file(broken)
    except YanchiError as refused:
        told = refused.message
    assert told.endswith("。")


def test_only_the_text_of_a_picture_is_taken_away() -> None:
    plain = picture()
    assert without_text(with_text(plain, {"chara": b"x"})) == plain
