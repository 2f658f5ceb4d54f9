import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieval.part_rows import PartRows


@given(st.permutations(range(12)), st.integers(1, 12), st.sets(st.integers(0, 11)), st.data())
def test_a_part_sees_what_the_work_does(
    order: list[int], size: int, gone: set[int], data: st.DataObject
) -> None:
    rows = np.array(order[:size], dtype=np.int32)
    rows[[place for place in gone if place < size]] = -1
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=12, max_size=12)))

    part = PartRows(rows)

    assert part.seen(mask).tolist() == [bool(row >= 0 and mask[row]) for row in rows]
    assert part.worn == (-1 in rows)


@given(st.integers(0, 8), st.integers(0, 8), st.lists(st.booleans(), min_size=16, max_size=16))
def test_a_part_that_is_a_stretch_of_the_work_sees_that_stretch(
    first: int, size: int, seen: list[bool]
) -> None:
    rows = np.arange(first, first + size, dtype=np.int32)

    assert PartRows(rows).seen(np.array(seen)).tolist() == seen[first : first + size]
