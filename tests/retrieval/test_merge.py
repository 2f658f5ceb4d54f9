from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import merge
from retrieval.types import Found, Passage

TEXT = "".join(chr(0x4E00 + number) for number in range(2000))


def found(chapter: int, start: int, end: int, score: float = 0.5, **ranks: int) -> Found:
    place = Passage(f"c{chapter}", chapter, f"第{chapter}章", start, end, TEXT[start:end])
    return Found(place, score, ranks)


def spans(places: list[Found]) -> list[tuple[int, int, int]]:
    return [(one.passage.chapter, one.passage.start, one.passage.end) for one in places]


def test_passages_that_touch_become_one_with_the_best_of_both() -> None:
    (one,) = merge.neighbours(
        [found(1, 400, 800, 0.9, lexical=1), found(1, 0, 400, 0.4, dense=2, lexical=7)], 5
    )

    assert one == Found(
        Passage("c1", 1, "第1章", 0, 800, TEXT[:800]), 0.9, {"lexical": 1, "dense": 2}
    )


def test_what_overlaps_stands_there_once() -> None:
    (one,) = merge.neighbours([found(0, 0, 300), found(0, 200, 500)], 5)

    assert one.passage.text == TEXT[:500]
    assert spans(merge.neighbours([found(0, 0, 500), found(0, 100, 200)], 5)) == [(0, 0, 500)]


def test_other_chapters_and_gaps_stay_apart() -> None:
    apart = [found(0, 0, 400), found(1, 400, 800), found(0, 401, 700)]

    assert merge.neighbours(apart, 5) == apart


def test_a_passage_between_two_joins_both() -> None:
    places = merge.neighbours([found(0, 800, 1200), found(0, 0, 400), found(0, 400, 800)], 5)

    assert spans(places) == [(0, 0, 1200)]


def test_nothing_grows_beyond_the_limit() -> None:
    places = merge.neighbours(
        [found(0, 0, 400), found(0, 400, 800), found(0, 800, 1200)], 5, longest=800
    )

    assert spans(places) == [(0, 0, 800), (0, 800, 1200)]


def test_neighbours_of_the_first_places_do_not_cost_a_place() -> None:
    best_first = [found(0, 0, 400), found(1, 0, 400), found(0, 400, 800), found(2, 0, 400)]

    assert spans(merge.neighbours(best_first, 2)) == [(0, 0, 800), (1, 0, 400)]
    assert merge.neighbours(best_first, 0) == []


def test_a_chapter_gives_way_after_its_share_and_still_fills_the_list() -> None:
    many = [found(0, 100 * n, 100 * n + 50) for n in range(4)]
    other = found(1, 0, 50)

    assert [*merge.spread([*many, other], 2)] == [many[0], many[1], other, many[2], many[3]]
    assert [*merge.spread(many, 2)] == many


pieces = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 19), st.integers(1, 3)), max_size=12
).map(
    lambda found_at: [
        found(chapter, start * 100, min((start + size) * 100, 2000), 1 - n / 20)
        for n, (chapter, start, size) in enumerate(found_at)
    ]
)


@settings(deadline=None, max_examples=100)
@given(pieces, st.integers(300, 2000))
def test_places_are_the_text_they_span_and_lose_nothing(some: list[Found], longest: int) -> None:
    places = merge.neighbours(some, len(some), longest)

    for place in places:
        where = place.passage
        assert where.text == TEXT[where.start : where.end]
        assert len(where.text) <= longest
    for one in some:
        inside = [
            place
            for place in places
            if place.passage.chapter == one.passage.chapter
            and place.passage.start <= one.passage.start
            and one.passage.end <= place.passage.end
        ]
        assert max(place.score for place in inside) >= one.score
    assert all(a.score >= b.score for a, b in pairwise(places))
