import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from retrieval.part_rows import PartRows

ALL = [True] * 12


@given(
    st.permutations(range(12)),
    st.integers(1, 12),
    st.sets(st.integers(0, 11)),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
@example(list(range(12)), 1, {0}, ALL)  # one row that is gone: no stretch from -1 on
@example([11, *range(11)], 12, {0}, ALL)
def test_a_part_sees_what_the_work_does(
    order: list[int], size: int, gone: set[int], seen: list[bool]
) -> None:
    rows = np.array(order[:size], dtype=np.int32)
    rows[[place for place in gone if place < size]] = -1
    mask = np.array(seen)

    part = PartRows(rows)

    assert part.seen(mask).tolist() == [bool(row >= 0 and mask[row]) for row in rows]
    assert part.worn == (-1 in rows)


@given(st.integers(0, 8), st.integers(0, 8), st.lists(st.booleans(), min_size=16, max_size=16))
def test_a_part_that_is_a_stretch_of_the_work_sees_that_stretch(
    first: int, size: int, seen: list[bool]
) -> None:
    rows = np.arange(first, first + size, dtype=np.int32)

    assert PartRows(rows).seen(np.array(seen)).tolist() == seen[first : first + size]
