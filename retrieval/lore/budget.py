"""Which of the entries that fired stand: the best first, each book and the whole within bounds."""

from collections.abc import Mapping, Sequence

from retrieval.lore.types import LoreHit

_STRENGTH = {"constant": 0, "key": 1, "sticky": 1, "recursion": 2}


def rank(hit: LoreHit) -> tuple[float, ...]:
    """Sorts the best first: priority, then what made it fire, the nearest key, order."""
    cause = hit.cause
    return (-hit.entry.priority, _STRENGTH[cause.kind], cause.turn, hit.entry.order)


def too_many(
    hits: Sequence[LoreHit], books: Mapping[str, int], limit: int | None
) -> dict[int, str]:
    """Which of the hits, by their place, do not stand, and why.

    `books` has the books' own limits by id. An entry that does not fit is passed over, and a
    smaller one after it may still stand.
    """
    left_out: dict[int, str] = {}
    spent: dict[str, int] = {}
    total = 0
    for place in sorted(range(len(hits)), key=lambda n: rank(hits[n])):
        hit = hits[place]
        size, used = hit.tokens or 0, spent.get(hit.book_id, 0)
        own = books.get(hit.book_id)
        if own is not None and used + size > own:
            left_out[place] = _over(f"设定集“{hit.book_name}”", own, size, used)
        elif limit is not None and total + size > limit:
            left_out[place] = _over("全部设定", limit, size, total)
        else:
            spent[hit.book_id] = used + size
            total += size
    return left_out


def _over(whose: str, limit: int, size: int, used: int) -> str:
    return f"{whose}的预算是 {limit} 词元，已用 {used}，放不下这一条的 {size}"
