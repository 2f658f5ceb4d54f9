"""Which examples share a row: best-fit decreasing, so that little of a row is padding."""

from bisect import bisect_left, insort
from collections.abc import Sequence


def pack(sizes: Sequence[int], room: int) -> list[list[int]]:
    """Indices into `sizes`, a list for each row of at most `room`; every index once.

    Best-fit decreasing (D. S. Johnson, "Near-optimal bin packing algorithms", 1973): the
    largest first, each into the fullest row that still takes it. Same input, same rows.
    """
    rows: list[list[int]] = []
    left: list[tuple[int, int]] = []
    for index in sorted(range(len(sizes)), key=lambda at: (-sizes[at], at)):
        size = sizes[index]
        if size > room:
            raise ValueError(f"an example of {size} tokens does not fit into rows of {room}")
        at = bisect_left(left, (size, -1))
        if at == len(left):
            rows.append([index])
            insort(left, (room - size, len(rows) - 1))
        else:
            free, row = left.pop(at)
            rows[row].append(index)
            insort(left, (free - size, row))
    return rows
