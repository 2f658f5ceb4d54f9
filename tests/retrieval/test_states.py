"""A sheet as it stands at one place, for one pair of eyes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.states import Hidden, Paragraph, Standing, standing
from retrieval.timeline import NOT_YET, OVER, UNKNOWN, View
from retrieval.types import Scene, SheetState, StoryPosition, Validity

SHEET = {"身份": "艄公", "秘密": "他收过银洋", "空": " "}
SEVENTH, EIGHTH = StoryPosition(6, 100), StoryPosition(7, 0)


def state(name: str, label: str, text: str, validity: Validity, who: str = "罗") -> SheetState:
    return SheetState(name, who, label, text, validity)


def told(result: Standing) -> dict[str, str]:
    return {p.label: p.text for p in result.paragraphs}


def at(place: StoryPosition | None, *states: SheetState, knower: str | None = None) -> Standing:
    return standing("罗", SHEET, states, View(place, knower))


def test_a_state_takes_the_place_of_its_label_while_it_holds() -> None:
    captive = state("1", "身份", "矿上的艄公", Validity(SEVENTH, EIGHTH))
    assert told(at(StoryPosition(6, 99), captive))["身份"] == "艄公"
    assert told(at(SEVENTH, captive))["身份"] == "矿上的艄公"
    assert told(at(EIGHTH, captive))["身份"] == "艄公"
    assert [h.reason for h in at(EIGHTH, captive).hidden] == [OVER]
    assert [h.reason for h in at(StoryPosition(0), captive).hidden] == [NOT_YET]


def test_of_two_that_hold_the_one_that_began_later_counts() -> None:
    later = state("2", "身份", "逃回来的人", Validity(EIGHTH))
    earlier = state("1", "身份", "矿上的艄公", Validity(SEVENTH))
    for states in ([earlier, later], [later, earlier]):
        assert told(at(StoryPosition(9), *states))["身份"] == "逃回来的人"


def test_a_new_label_stands_behind_the_sheet_s_own() -> None:
    result = at(EIGHTH, state("1", "此刻", "守船", Validity(SEVENTH)))
    assert [p.label for p in result.paragraphs] == ["身份", "秘密", "此刻"]
    assert result.text == "身份：艄公；秘密：他收过银洋；此刻：守船"


def test_a_secret_is_its_character_s_alone_unless_it_says_who_knows() -> None:
    assert "秘密" in told(at(EIGHTH))
    assert "秘密" in told(at(EIGHTH, knower="罗"))
    hidden = Hidden("罗", Paragraph("", "秘密", "他收过银洋"), UNKNOWN)
    assert at(EIGHTH, knower="计").hidden == (hidden,)
    shared = state("1", "秘密", "银洋是莫管事给的", Validity(known_by={"计": SEVENTH}))
    assert told(at(EIGHTH, shared, knower="计"))["秘密"] == "银洋是莫管事给的"
    assert "秘密" not in told(at(StoryPosition(3), shared, knower="计"))
    # The owner's own version stays for the owner, who is not among those it was told to.
    assert told(at(EIGHTH, shared, knower="罗"))["秘密"] == "他收过银洋"
    private = state("2", "秘密", "他要上岸", Validity(SEVENTH))
    assert told(at(EIGHTH, private, knower="罗"))["秘密"] == "他要上岸"
    assert "秘密" not in told(at(EIGHTH, private, knower="计"))


def test_who_has_not_heard_of_a_change_sees_what_was_before_it() -> None:
    truth = state("1", "身份", "就是罗长庚", Validity(SEVENTH, known_by={"计": SEVENTH}))
    assert told(at(EIGHTH, truth, knower="计"))["身份"] == "就是罗长庚"
    assert told(at(EIGHTH, truth, knower="小满"))["身份"] == "艄公"


def test_in_a_flashback_the_sheet_is_that_of_its_time() -> None:
    healed = state("1", "身份", "伤好了", Validity(StoryPosition(5)))
    hurt = state("2", "身份", "受了伤", Validity(StoryPosition(2)))
    view = View(StoryPosition(7, 20), scenes=[Scene(7, 10, None, when=4)])
    assert told(standing("罗", SHEET, [healed, hurt], view))["身份"] == "受了伤"


def test_another_character_s_states_do_not_count() -> None:
    assert told(at(EIGHTH, state("1", "身份", "代书", Validity(), who="计")))["身份"] == "艄公"


places = st.builds(StoryPosition, st.integers(0, 6), st.integers(0, 20))
validities = st.builds(
    Validity,
    st.none() | places,
    st.none() | places,
    st.none() | st.dictionaries(st.sampled_from(["罗", "计"]), st.none() | places, max_size=2),
)
whens = st.none() | st.integers(-2, 16).map(lambda half: half / 2)
scenes = st.lists(
    st.builds(Scene, st.integers(0, 6), st.integers(0, 8), st.just(12), whens), max_size=3
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from(["身份", "秘密", "此刻"]), validities), max_size=5),
    places,
    st.none() | st.sampled_from(["罗", "计", "莲"]),
    scenes,
)
def test_only_what_the_view_allows_stands_and_all_else_has_a_reason(
    drawn: list[tuple[str, Validity]],
    here: StoryPosition,
    knower: str | None,
    told_apart: list[Scene],
) -> None:
    states = [state(str(n + 1), label, f"文{n}", v) for n, (label, v) in enumerate(drawn)]
    view = View(here, knower, told_apart)
    result = standing("罗", SHEET, states, view)
    by_id = {s.id: s for s in states}
    for paragraph in result.paragraphs:
        if paragraph.id:
            assert view.refuses(by_id[paragraph.id].validity) is None
        if paragraph.label == "秘密" and knower not in (None, "罗"):
            assert (by_id[paragraph.id].validity.known_by or {}).keys() >= {knower}
    labels = [p.label for p in result.paragraphs]
    assert len(labels) == len(set(labels))
    refused = {s.id for s in states if view.refuses(s.validity) is not None}
    assert refused <= {h.paragraph.id for h in result.hidden}
    assert all(h.reason for h in result.hidden)
