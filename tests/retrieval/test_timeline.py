from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import timeline
from retrieval.types import Passage, StoryPosition


def passage(chapter: int, start: int, end: int) -> Passage:
    return Passage(f"c{chapter}", chapter, "", start, end, "字" * (end - start))


@st.composite
def stories(draw: st.DrawFn) -> list[Passage]:
    """Passages of chapters in story order; chapters may be missing, passages overlap."""
    numbers = draw(st.lists(st.integers(0, 12), unique=True, max_size=6))
    told = []
    for chapter in sorted(numbers):
        start = end = 0
        for step, overlap in draw(
            st.lists(st.tuples(st.integers(1, 40), st.integers(0, 10)), max_size=8)
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
