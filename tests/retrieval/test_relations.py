"""Relations as lines of a sheet, at one place and for one pair of eyes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.relations import Relation, standing_relations, with_relations
from retrieval.states import Standing
from retrieval.timeline import NOT_YET, OVER, UNKNOWN, View
from retrieval.types import Scene, StoryPosition, Validity

NAMES = {"罗": "罗长庚", "夏": "夏桂英", "计": "计素"}
SEVENTH = StoryPosition(6, 100)
ALWAYS = Validity()


def relation(
    a: str, b: str, label: str, validity: Validity = ALWAYS, mutual: bool = True
) -> Relation:
    return Relation(f"{a}{b}{label}", a, b, label, mutual, validity)


def sheet(who: str, *relations: Relation, view: View | None = None) -> Standing:
    return with_relations(Standing((), ()), who, relations, NAMES, view or View(SEVENTH))


def test_each_side_of_a_mutual_relation_has_its_line() -> None:
    wife = relation("罗", "夏", "妻子", mutual=False)
    friends = relation("夏", "计", "故人")
    assert sheet("罗", wife, friends).text == "与夏桂英：妻子"
    assert sheet("夏", wife, friends).text == "与计素：故人"
    assert sheet("计", wife, friends).text == "与夏桂英：故人"


def test_several_stand_side_by_side_in_their_order() -> None:
    both = [relation("计", "夏", "主顾"), relation("夏", "计", "邻居")]
    assert sheet("计", *both).text == "与夏桂英：主顾；与夏桂英：邻居"


def test_somebody_who_is_gone_is_not_named() -> None:
    assert sheet("计", relation("计", "无", "故人")).paragraphs == ()


def test_what_may_not_stand_is_told_to_the_author_with_its_reason() -> None:
    ahead = relation("计", "罗", "同谋", Validity(since=StoryPosition(6, 101)))
    over = relation("计", "罗", "路人", Validity(until=SEVENTH))
    secret = relation("计", "罗", "旧识", Validity(known_by={"罗": None}))
    told = sheet("计", ahead, over, secret, view=View(SEVENTH, "计"))
    assert told.paragraphs == ()
    assert [h.reason for h in told.hidden] == [NOT_YET, OVER, UNKNOWN]
    assert {h.character_id for h in told.hidden} == {"计"}


places = st.builds(StoryPosition, st.integers(0, 6), st.integers(0, 20))
people = st.sampled_from(sorted(NAMES))
known = st.none() | st.dictionaries(people, st.none() | places, max_size=3)
validities = st.builds(Validity, st.none() | places, st.none() | places, known, st.booleans())
drawn = st.lists(st.tuples(people, people, validities, st.booleans()), max_size=6)
scenes = st.builds(
    Scene, st.integers(0, 6), st.integers(0, 10), st.integers(11, 20) | st.none(),
    st.none() | st.floats(-1, 8), st.just(0.0), st.booleans(),
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(drawn, st.lists(scenes, max_size=3), places, st.none() | people)
def test_a_sheet_tells_just_what_holds_and_may_be_seen(
    drawn: list[tuple[str, str, Validity, bool]],
    times: list[Scene],
    here: StoryPosition,
    knower: str | None,
) -> None:
    view = View(here, knower, times)
    relations = [
        Relation(str(n), a, b, f"〔{n}〕", mutual, validity)
        for n, (a, b, validity, mutual) in enumerate(drawn)
        if a != b
    ]
    for who in NAMES:
        told = with_relations(Standing((), ()), who, relations, NAMES, view)
        mine = [r for r in relations if r.other(who) is not None]
        allowed = [r.id for r in mine if view.refuses(r.validity) is None]
        assert [p.id for p in told.paragraphs] == allowed
        assert len(told.paragraphs) + len(told.hidden) == len(mine)
        for one in mine:
            since = one.validity.since
            assert one.id not in allowed or since is None or view.passed(since)
    standing = {r.id for r in standing_relations(relations, view)}
    assert standing == {r.id for r in relations if view.refuses(r.validity) is None}
