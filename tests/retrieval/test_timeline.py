"""What a place of writing may see: against a reference that looks at single characters."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import timeline
from retrieval.timeline import GONE, NOT_YET, OVER, UNKNOWN, View, visible_rows
from retrieval.types import Passage, Scene, StoryPosition, Validity


def passage(chapter: int, start: int, end: int) -> Passage:
    return Passage(f"c{chapter}", chapter, "", start, end, "字" * (end - start))


@st.composite
def stories(draw: st.DrawFn, chapters: int = 12, longest: int = 40) -> list[Passage]:
    """Passages of chapters in story order; chapters may be missing, passages overlap."""
    numbers = draw(st.lists(st.integers(0, chapters), unique=True, max_size=6))
    told = []
    for chapter in sorted(numbers):
        start = end = 0
        for step, overlap in draw(
            st.lists(st.tuples(st.integers(1, longest), st.integers(0, 10)), max_size=8)
        ):
            start = max(0, end - overlap)
            end = end + step
            told.append(passage(chapter, start, end))
    return told


positions = st.builds(StoryPosition, st.integers(0, 13), st.integers(0, 200))


@settings(deadline=None, max_examples=200)
@given(stories(), positions)
def test_what_ends_by_the_position_is_visible_and_nothing_else(
    told: list[Passage], before: StoryPosition
) -> None:
    number = timeline.cut(told, before)

    for row, found in enumerate(told):
        ended = found.chapter < before.chapter or (
            found.chapter == before.chapter and found.end <= before.offset
        )
        assert timeline.visible(found, before) is ended
        assert (row < number) is ended


@settings(deadline=None, max_examples=50)
@given(stories())
def test_without_a_position_everything_is_visible(told: list[Passage]) -> None:
    assert timeline.cut(told, None) == len(told)
    assert all(timeline.visible(found, None) for found in told)


@settings(deadline=None, max_examples=100)
@given(stories(), positions, positions)
def test_later_positions_never_see_less(
    told: list[Passage], one: StoryPosition, other: StoryPosition
) -> None:
    earlier, later = sorted([one, other])
    assert timeline.cut(told, earlier) <= timeline.cut(told, later)


def test_a_passage_that_the_position_cuts_in_two_is_the_future() -> None:
    told = [passage(0, 0, 10), passage(0, 10, 20), passage(1, 0, 10)]

    assert timeline.cut(told, StoryPosition(0, 15)) == 1
    assert timeline.cut(told, StoryPosition(0, 20)) == 2
    assert timeline.cut(told, StoryPosition(1, 0)) == 2
    assert timeline.cut(told, StoryPosition(0, 0)) == 0


# Scenes with their own time

# A small world, so that borders, places and times meet.
whens = st.one_of(st.none(), st.integers(-2, 12).map(lambda half: half / 2))
small_stories = stories(chapters=4, longest=8)
small_places = st.builds(StoryPosition, st.integers(0, 5), st.integers(0, 24))


@st.composite
def a_scene(draw: st.DrawFn) -> Scene:
    start = draw(st.integers(0, 12))
    end = draw(st.one_of(st.none(), st.integers(start, start + 12)))
    rank = draw(st.sampled_from([0.0, 1.0]))
    return Scene(draw(st.integers(0, 4)), start, end, draw(whens), rank, draw(st.booleans()))


sceneries = st.lists(a_scene(), max_size=6)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Passage], list[Scene], StoryPosition]:
    """A book, its scenes and a place of writing, often on a scene's border."""
    scenes = draw(st.lists(a_scene(), min_size=1, max_size=6))
    borders = [StoryPosition(s.chapter, n) for s in scenes for n in (s.start, s.end) if n]
    here = st.sampled_from(borders) | small_places if borders else small_places
    return draw(small_stories), scenes, draw(here)


Told = Scene | int
"""A scene, or the number of the chapter whose plain text it is."""


def told_at(scenes: Sequence[Scene], chapter: int, character: int) -> set[Told]:
    """What the character at this offset belongs to."""
    found: set[Told] = {
        s for s in scenes
        if s.chapter == chapter and s.start <= character and (s.end is None or character < s.end)
    }  # fmt: skip
    return found or {chapter}


def sides(scenes: Sequence[Scene], place: StoryPosition) -> set[Told]:
    left = told_at(scenes, place.chapter, place.offset - 1) if place.offset else set()
    return left | told_at(scenes, place.chapter, place.offset)


def no_later(one: Told, other: Told) -> bool:
    if one == other:
        return True
    if isinstance(one, int) and isinstance(other, int):
        return one < other
    if isinstance(one, int):
        assert isinstance(other, Scene)
        return other.when is not None and one + 1 <= other.when
    if one.when is None:
        return False
    if isinstance(other, int):
        return one.when <= other
    return other.when is not None and (one.when, one.rank) <= (other.when, other.rank)


def may_see(
    scenes: Sequence[Scene], here: StoryPosition, chapter: int, start: int, end: int
) -> bool:
    """The rule, a character at a time."""
    for character in range(start, end):
        told = told_at(scenes, chapter, character)
        before = StoryPosition(chapter, end) <= here
        memory = chapter > here.chapter and all(isinstance(t, Scene) and t.backstory for t in told)
        if not (before or memory):
            return False
        if not all(no_later(t, now) for t in told for now in sides(scenes, here)):
            return False
    return True


@settings(deadline=None, max_examples=300)
@given(worlds())
def test_scenes_never_show_more_or_less_than_the_rule(
    world: tuple[list[Passage], list[Scene], StoryPosition],
) -> None:
    told, scenes, here = world
    view = View(here, scenes=scenes)

    rows = visible_rows(told, view)

    expected = [may_see(scenes, here, p.chapter, p.start, p.end) for p in told]
    assert rows.mask(len(told)).tolist() == expected
    assert len(rows) == sum(expected)
    assert all(row < rows.limit for row in rows.hidden)
    assert all(rows.limit <= row < len(told) for row in rows.extra)
    assert [view.sees(p.ends, p.begins) for p in told] == expected


@settings(deadline=None, max_examples=150)
@given(sceneries, small_places, small_places, small_places)
def test_a_text_over_several_chapters_is_seen_only_where_all_of_it_is(
    scenes: list[Scene], here: StoryPosition, one: StoryPosition, other: StoryPosition
) -> None:
    begins, ends = sorted([one, other])
    if View(here, scenes=scenes).sees(ends, begins):
        for chapter in range(begins.chapter, ends.chapter + 1):
            start = begins.offset if chapter == begins.chapter else 0
            end = ends.offset if chapter == ends.chapter else 50
            assert may_see(scenes, here, chapter, start, end)


@settings(deadline=None, max_examples=150)
@given(
    sceneries,
    small_places,
    st.lists(small_places, min_size=3, max_size=3),
    st.booleans(),
)
def test_what_begins_or_is_learned_in_the_unseen_is_never_shown(
    scenes: list[Scene], here: StoryPosition, places: list[StoryPosition], known: bool
) -> None:
    since, until, learned = places
    view = View(here, "甲", scenes)
    reason = view.refuses(Validity(since, until, {"甲": learned} if known else {}))

    def reached(place: StoryPosition) -> bool:
        told = place <= here
        around = sides(scenes, place)
        memory = place.chapter > here.chapter and all(
            isinstance(t, Scene) and t.backstory for t in around
        )
        return (told or memory) and all(
            no_later(t, now) for t in around for now in sides(scenes, here)
        )

    if not reached(since):
        assert reason == NOT_YET
    elif reached(until):
        assert reason == OVER
    elif not (known and reached(learned)):
        assert reason == UNKNOWN
    else:
        assert reason is None


@settings(deadline=None, max_examples=100)
@given(stories(), positions)
def test_without_scenes_it_is_one_comparison(told: list[Passage], here: StoryPosition) -> None:
    rows = visible_rows(told, View(here))
    assert rows.plain
    assert rows.limit == timeline.cut(told, here)
    assert visible_rows(told, View()).limit == len(told)


BOOK = [passage(n, start, start + 10) for n in range(6) for start in (0, 10)]


def seen_from(here: StoryPosition, *scenes: Scene) -> set[tuple[int, int]]:
    mask = visible_rows(BOOK, View(here, scenes=scenes)).mask(len(BOOK))
    return {(p.chapter, p.start) for p, seen in zip(BOOK, mask, strict=True) if seen}


def test_a_prologue_that_shows_the_ending_is_hidden_from_what_follows() -> None:
    prologue = Scene(0, 0, None, when=6)
    assert seen_from(StoryPosition(2, 0), prologue) == {(1, 0), (1, 10)}
    # The end of the book, told after everything, may know it.
    ending = Scene(5, 10, None, when=7)
    assert (0, 0) in seen_from(StoryPosition(5, 15), prologue, ending)


def test_a_flashback_does_not_know_what_came_after_it() -> None:
    memory = Scene(4, 10, None, when=-1)
    assert seen_from(StoryPosition(4, 20), memory) == {(4, 10)}
    assert (4, 10) in seen_from(StoryPosition(5, 0), memory)
    assert (4, 10) not in seen_from(StoryPosition(2, 0), memory)


def test_backstory_is_known_before_it_is_told_but_not_in_its_own_chapter() -> None:
    memory = Scene(4, 10, None, when=1, backstory=True)
    assert (4, 10) in seen_from(StoryPosition(2, 0), memory)
    assert (4, 10) not in seen_from(StoryPosition(0, 10), memory)
    assert (4, 10) not in seen_from(StoryPosition(4, 10), memory)
    assert (4, 0) not in seen_from(StoryPosition(2, 0), memory)


def test_a_passage_on_a_scene_s_border_takes_the_more_careful_answer() -> None:
    prologue = Scene(0, 0, 5, when=6)
    assert seen_from(StoryPosition(1, 0), prologue) == {(0, 10)}


def test_a_scene_of_unknown_time_sees_itself_alone() -> None:
    lost = Scene(2, 0, 20, when=None)
    assert seen_from(StoryPosition(2, 15), lost) == {(2, 0)}
    assert not {(2, 0), (2, 10)} & seen_from(StoryPosition(5, 0), lost)


def test_in_a_flashback_the_older_state_holds_and_the_later_one_does_not() -> None:
    view = View(StoryPosition(4, 15), scenes=[Scene(4, 10, None, when=2)])
    wounded = StoryPosition(3, 5)
    assert view.refuses(Validity(until=wounded)) is None
    assert view.refuses(Validity(since=wounded)) == NOT_YET
    assert view.refuses(Validity(since=StoryPosition(1, 5))) is None


@pytest.mark.parametrize(
    ("validity", "reason"),
    [
        (Validity(), None),
        (Validity(placed=False), GONE),
        (Validity(known_by={}), UNKNOWN),
        (Validity(known_by={"甲": None}), None),
        (Validity(known_by={"甲": StoryPosition(9)}), None),
        (Validity(known_by={"乙": None}), UNKNOWN),
        (Validity(since=StoryPosition(9), until=StoryPosition(10)), None),
    ],
)
def test_without_a_position_only_the_knower_counts(validity: Validity, reason: str | None) -> None:
    assert View(knower="甲").refuses(validity) == reason


def test_scenes_of_one_time_see_each_other_in_the_order_of_their_rank() -> None:
    first, second = Scene(1, 0, None, when=0, rank=1), Scene(2, 0, None, when=0, rank=1)
    assert (1, 10) in seen_from(StoryPosition(2, 10), first, second)
    later = Scene(1, 0, None, when=0, rank=2)
    assert (1, 10) not in seen_from(StoryPosition(2, 10), later, second)
