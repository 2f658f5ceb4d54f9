"""Neighbouring passages to one that reads on, and found passages spread over a book.

A passage ends with a sentence wherever its text has one to end with (`chunk`), so whole
passages joined are whole sentences. Both parts were visible to the writer, and nothing is
added to them, so what they make is. Knows nothing of what scores mean.
"""

from collections.abc import Iterable, Iterator, Mapping

from retrieval.types import Found, Passage

LONGEST = 1200
"""Characters of a joined passage: two or three passages, a page of a printed book."""
A_CHAPTER = 4
"""Passages of one chapter before other chapters have their turn."""


def spread(found: Iterable[Found], limit: int = A_CHAPTER) -> Iterator[Found]:
    """Best first, at most `limit` of each chapter; what that holds back comes after the rest,
    so that one chapter still fills a list where nothing else was found."""
    taken: dict[str, int] = {}
    held: list[Found] = []
    for one in found:
        chapter = one.passage.chapter_id
        taken[chapter] = taken.get(chapter, 0) + 1
        if taken[chapter] > limit:
            held.append(one)
        else:
            yield one
    yield from held


def neighbours(found: Iterable[Found], k: int, longest: int = LONGEST) -> list[Found]:
    """The k best places, `found` being best first: a passage that touches or overlaps a better
    one of its chapter is joined to it, up to `longest` characters together.

    What grows keeps its place, the best score of its parts and every method's best rank. Reads
    no further than the first passage that finds no place.
    """
    places: list[Found] = []
    for one in found:
        if _join(places, one, longest):
            continue
        if len(places) >= k:
            break
        places.append(one)
    return places


def _join(places: list[Found], one: Found, longest: int) -> bool:
    """Join the passage to a place that it touches, and that to whatever it touches then."""
    best = len(places)
    grown = one
    while (at := _touched(places, grown, longest)) is not None:
        best = min(best, at)
        grown = joined(places.pop(at), grown)
    if grown is one:
        return False
    places.insert(best, grown)
    return True


def _touched(places: list[Found], one: Found, longest: int) -> int | None:
    return next((at for at, place in enumerate(places) if _fits(place, one, longest)), None)


def _fits(place: Found, other: Found, longest: int) -> bool:
    left, right = place.passage, other.passage
    return (
        left.chapter_id == right.chapter_id
        and max(left.start, right.start) <= min(left.end, right.end)
        and max(left.end, right.end) - min(left.start, right.start) <= longest
    )


def joined(one: Found, other: Found) -> Found:
    """Two found passages of a chapter that touch or overlap, as one."""
    first, second = sorted((one.passage, other.passage), key=lambda p: (p.start, p.end))
    text = first.text + second.text[max(first.end - second.start, 0) :]
    end = max(first.end, second.end)
    passage = Passage(first.chapter_id, first.chapter, first.title, first.start, end, text)
    return Found(passage, max(one.score, other.score), _best_ranks(one.ranks, other.ranks))


def _best_ranks(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {
        name: min(ranks[name] for ranks in (one, other) if name in ranks)
        for name in {**one, **other}
    }
