"""A replay that goes on from the last one comes to what a whole one comes to."""

from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.lore import Lorebook, LoreEntry, activate, activation, patterns, prepare
from retrieval.timeline import View
from retrieval.types import StoryPosition, Validity
from tests.retrieval.lore_telling import ANYWHERE, entry
from tests.retrieval.test_lore_properties import books, texts, usual, views

grown = st.lists(texts(), min_size=1, max_size=4)
requests = st.lists(
    st.tuples(st.sampled_from(["grow", "grow", "cut", "edit"]), grown, views, st.integers(0, 1)),
    min_size=2,
    max_size=8,
)


@usual
@given(books, requests)
def test_growing_cutting_and_editing_a_text(
    some: list[Lorebook], asked: list[tuple[str, list[str], View, int]]
) -> None:
    ready = prepare(some)
    told: list[str] = []
    for how, paragraphs, view, seed in asked:
        if how == "cut":
            told = told[: len(told) // 2]
        elif how == "edit" and told:
            told[len(told) // 2] = paragraphs[0]
        else:
            told = told + paragraphs
        turns, name = [*told, ""], f"第{seed}章"
        assert activate(ready, turns, view, seed=name) == activate(some, turns, view, seed=name)


FOG = entry("雾", "大雾", sticky=3, cooldown=2)
BELL = entry("钟", "钟声", sticky=1, validity=Validity(since=StoryPosition(2)))


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The turns that are played, as they are."""
    turns: list[int] = []
    fire = activation.fire

    def counted(lore, moment, gate, told):  # type: ignore[no-untyped-def]
        turns.append(moment.turn)
        return fire(lore, moment, gate, told)

    monkeypatch.setattr(activation, "fire", counted)
    return turns


def ids(entries: list[LoreEntry], ready: object, *turns: str, view: View = ANYWHERE) -> list[str]:
    found = activate(ready, turns, view, seed="章")  # type: ignore[arg-type]
    assert found == activate(
        [Lorebook("书", entries=entries, scan_depth=0)], turns, view, seed="章"
    )
    return [h.entry.id for h in found.hits]


def test_only_what_is_new_is_played(played: list[int]) -> None:
    ready = prepare([Lorebook("书", entries=[FOG], scan_depth=0)])
    text = ["大雾", *["无"] * 40]
    activate(ready, [*text, "写"], ANYWHERE, seed="章")
    assert played == list(range(42))
    played.clear()
    activate(ready, [*text, "无", "写"], ANYWHERE, seed="章")
    assert played == [40, 41, 42]
    played.clear()
    activate(ready, [*text, "无", "另一句"], ANYWHERE, seed="章")
    assert played == [41, 42]
    played.clear()
    activate(ready, [*text, "无", "写"], ANYWHERE, seed="另一章")
    assert played == list(range(43)), "another text"


def test_the_paragraph_that_is_being_written_plays_alone(played: list[int]) -> None:
    ready = prepare([Lorebook("书", entries=[FOG], scan_depth=0)])
    text = ["大雾", *["无"] * 40]
    for unfinished in ("她", "她说", "她说起大雾"):
        played.clear()
        found = ids([FOG], ready, *text, unfinished, "写")
        assert found == (["雾"] if "大雾" in unfinished else [])
        assert played[:2] == [41, 42] or unfinished == "她"


def test_what_the_view_shows_now_counts_for_the_past_too() -> None:
    entries = [FOG, BELL]
    ready = prepare([Lorebook("书", entries=entries, scan_depth=0)])
    early, late = View(StoryPosition(1)), View(StoryPosition(3))
    assert ids(entries, ready, "无", "钟声", "无", view=early) == []
    assert ids(entries, ready, "无", "钟声", "无", view=late) == ["钟"]
    assert ids(entries, ready, "无", "钟声", "无", view=early) == []


def test_a_paragraph_changed_in_the_middle_is_felt() -> None:
    ready = prepare([Lorebook("书", entries=[FOG], scan_depth=0)])
    assert ids([FOG], ready, "大雾", "无", "无", "写") == ["雾"]
    assert ids([FOG], ready, "晴", "无", "无", "写") == []
    assert ids([FOG], ready, "大雾", "无", "写") == ["雾"]


def test_a_pattern_given_up_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = entry("慢", "/雾+/", sticky=9)
    ready = prepare([Lorebook("书", entries=[slow], scan_depth=0)])
    too_slow = Mock(side_effect=patterns.BrokenPattern("太慢"))
    with monkeypatch.context() as patched:
        patched.setattr(patterns.Stopwatch, "search", too_slow)
        assert not activate(ready, ["雾", "无", "写"], ANYWHERE, seed="章").hits
    assert ids([slow], ready, "雾", "无", "写") == ["慢"]
