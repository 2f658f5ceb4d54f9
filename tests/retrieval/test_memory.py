"""The tree of recaps: what reads what, what an edit makes stale, what a place may see.

The random books edit, insert, delete, move and rearrange; what each recap says is made of
markers, one for each chapter and version, so that every leak can be read off.
"""

import re
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.memory.fresh import (
    AUTHOR,
    EXTRACTIVE,
    Recap,
    Status,
    changed,
    digest,
    settled,
    source_hash,
    sources_of,
    status,
    statuses,
)
from retrieval.memory.items import NEAR, recap_items
from retrieval.memory.plan import (
    LONGEST_ARC,
    LONGEST_PART,
    SHORTEST_ARC,
    Chapter,
    Key,
    Level,
    Plan,
    plan_recaps,
)
from retrieval.timeline import View
from retrieval.types import Group, Scene, StoryPosition


@dataclass
class Book:
    """A book being written, with its recaps: the simplest keeper there could be."""

    chapters: list[tuple[str, int, str | None]] = field(default_factory=list)
    """(id, version of the text, volume), in order."""
    recaps: dict[Key, Recap] = field(default_factory=dict)
    read: dict[Key, tuple[str, ...]] = field(default_factory=dict)
    """What each made recap read when it was made."""
    born: int = 0
    same_words: frozenset[str] = frozenset()
    """Chapters whose recap says the same whatever their text."""

    def text(self, place: int) -> str:
        chapter, version, _ = self.chapters[place]
        return f"<{chapter}.{version}>"

    def plan(self) -> Plan:
        return plan_recaps(
            [
                Chapter(c, n, f"章{c}", digest(self.text(n)), volume)
                for n, (c, _, volume) in enumerate(self.chapters)
            ]
        )

    def say(self, plan: Plan, key: Key) -> tuple[str, tuple[str, ...]]:
        """(what a recap would say, what it would read)."""
        node = plan.nodes[key]
        if key.level is Level.CHAPTER:
            read: tuple[str, ...] = (self.text(node.first),)
            told = f"<{key.target}.0>" if key.target in self.same_words else read[0]
            return told, read
        read = tuple(self.recaps[k].text for k in node.reads)
        return "".join(dict.fromkeys("".join(read).replace("><", "> <").split())), read

    def refresh(self) -> set[Key]:
        """Make what is missing or stale; which those were."""
        plan = self.plan()
        self.recaps = {k: r for k, r in self.recaps.items() if k in plan.nodes or r.maker == AUTHOR}
        found: dict[Key, Status] = {}
        made = set()
        for key, node in plan.nodes.items():
            found[key] = status(plan, node, self.recaps, found)
            recap = self.recaps.get(key)
            if (recap and recap.maker == AUTHOR) or found[key] is Status.FRESH:
                continue
            assert all(settled(k, self.recaps, found) for k in node.reads)
            told, self.read[key] = self.say(plan, key)
            self.recaps[key] = self.recap(plan, key, told, EXTRACTIVE)
            found[key] = Status.FRESH
            made.add(key)
        return made

    def recap(self, plan: Plan, key: Key, told: str, maker: str) -> Recap:
        sources = sources_of(plan, plan.nodes[key], self.recaps, maker)
        return Recap(key, told, maker, "1", source_hash(key.level, "1", sources), sources)

    def write_by_hand(self, key: Key) -> None:
        plan = self.plan()
        told = "手写" + "".join(self.text(c.order) for c in plan.covered(plan.nodes[key]))
        self.recaps[key] = self.recap(plan, key, told, AUTHOR)


WHEN = st.sampled_from([None, -1.0, 3.5, 99.0])


@st.composite
def edits(draw: st.DrawFn, book: Book, by_hand: bool) -> None:
    """Change the book once, at random."""
    kinds = ["edit", "insert", "delete", "move", "volume"]
    kind = draw(st.sampled_from([*kinds, "hand", "hand", "move", "hand"] if by_hand else kinds))
    places = st.integers(0, max(0, len(book.chapters) - 1))
    if kind == "insert" or not book.chapters:
        volume = draw(st.sampled_from([None, "v1", "v2", "v3"]))
        book.chapters.insert(draw(places), (f"c{book.born}", 1, volume))
        book.born += 1
        return
    place = draw(places)
    chapter, version, volume = book.chapters[place]
    if kind == "edit":
        book.chapters[place] = (chapter, version + 1, volume)
    elif kind == "delete":
        del book.chapters[place]
    elif kind == "move":
        book.chapters.insert(draw(places), book.chapters.pop(place))
    elif kind == "volume":
        book.chapters[place] = (chapter, version, draw(st.sampled_from([None, "v1", "v2"])))
    else:
        book.write_by_hand(draw(st.sampled_from(list(book.plan().nodes))))


@st.composite
def books(draw: st.DrawFn) -> Book:
    size = draw(st.integers(1, 45))
    starts = sorted(draw(st.lists(st.integers(0, size), max_size=3)))
    volumes = [None if draw(st.booleans()) else f"v{n}" for n in range(len(starts) + 1)]
    chapters = [(f"c{n}", 1, volumes[sum(s <= n for s in starts)]) for n in range(size)]
    same = draw(st.frozensets(st.sampled_from([c for c, _, _ in chapters]), max_size=10))
    book = Book(chapters, born=size, same_words=same)
    book.refresh()
    return book


def markers(text: str) -> set[str]:
    """Ids of the chapters that a text tells of."""
    return set(re.findall(r"<(c\d+)\.", text))


@settings(max_examples=60, deadline=None)
@given(books())
def test_the_tree_covers_every_chapter_once_and_every_skeleton_what_came_before(
    book: Book,
) -> None:
    plan = book.plan()
    assert [c for part in plan.parts for c in plan.covered(part)] == list(plan.chapters)
    assert all(len(plan.covered(part)) <= LONGEST_PART for part in plan.parts)
    seen: set[Key] = set()
    for key, node in plan.nodes.items():
        assert set(node.reads) <= seen
        seen.add(key)
        assert node.closed == (node.stop < len(plan.chapters)) or key.level is Level.CHAPTER
    for n in range(1, len(plan.parts)):
        skeleton = plan.skeleton(n)
        assert (skeleton.first, skeleton.stop) == (0, plan.parts[n].stop)
        assert plan.parts_in(skeleton) == n + 1
    assert len(plan.nodes) == len(plan.chapters) + len(plan.parts) + max(0, len(plan.parts) - 1)


@settings(max_examples=60, deadline=None)
@given(books(), st.data())
def test_an_edited_chapter_makes_exactly_its_dependants_stale(
    book: Book, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(book.chapters) - 1))
    chapter, version, volume = book.chapters[place]
    book.chapters[place] = (chapter, version + 1, volume)
    plan = book.plan()
    dependants = {key for key, node in plan.nodes.items() if node.first <= place < node.stop}
    found = statuses(plan, book.recaps)
    assert {key for key, now in found.items() if now is not Status.FRESH} == dependants
    own = Key(Level.CHAPTER, chapter)
    assert book.refresh() == ({own} if chapter in book.same_words else dependants)


@settings(max_examples=80, deadline=None)
@given(books(), st.data())
def test_after_any_edits_only_what_read_something_else_is_made_anew(
    book: Book, data: st.DataObject
) -> None:
    for _ in range(data.draw(st.integers(1, 6))):
        data.draw(edits(book, by_hand=False))
        before = {key: (r.text, book.read[key]) for key, r in book.recaps.items()}
        made = book.refresh()
        plan = book.plan()
        assert set(book.recaps) == set(plan.nodes)
        assert all(now is Status.FRESH for now in statuses(plan, book.recaps).values())
        for key in plan.nodes:
            told, read = book.say(plan, key)
            assert book.recaps[key].text == told
            assert (key in made) == (key not in before or before[key][1] != read)


@settings(max_examples=100, deadline=None)
@given(books(), st.data())
def test_no_place_sees_anything_of_its_chapter_or_of_what_is_after_it(
    book: Book, data: st.DataObject
) -> None:
    for _ in range(data.draw(st.integers(0, 6))):
        data.draw(edits(book, by_hand=True))
        if data.draw(st.booleans()):
            book.refresh()
    scenes = [
        Scene(place, 0, data.draw(st.sampled_from([None, 4])), data.draw(WHEN))
        for place in data.draw(st.lists(st.integers(0, 20), max_size=2, unique=True))
    ]
    for place in data.draw(st.sets(st.integers(0, len(book.chapters)), min_size=1, max_size=6)):
        view = View(StoryPosition(place, 7), scenes=scenes)
        past = {
            chapter for n, (chapter, _, _) in enumerate(book.chapters)
            if n < place and view.sees(StoryPosition(n + 1, 0), StoryPosition(n, 0))
        }  # fmt: skip
        items = recap_items(book.plan(), book.recaps, view)
        assert markers("".join(i.text for i in items)) <= past
        assert all(i.group is Group.RECAP for i in items)
        assert [i.order for i in items] == sorted(i.order for i in items)
        assert len({i.id for i in items}) == len(items)


@settings(max_examples=60, deadline=None)
@given(books(), st.integers(0, 50))
def test_a_fresh_memory_tells_of_every_chapter_before(book: Book, place: int) -> None:
    view = View(StoryPosition(place, 0))
    told = markers("".join(i.text for i in recap_items(book.plan(), book.recaps, view)))
    assert told == {chapter for chapter, _, _ in book.chapters[:place]}


def _arcs(chapters: list[tuple[str, int, str | None]]) -> set[tuple[str, ...]]:
    plan = Book(chapters).plan()
    return {tuple(c.id for c in plan.covered(part)) for part in plan.parts}


def test_a_book_without_volumes_has_arcs_and_an_inserted_chapter_moves_few_borders() -> None:
    chapters: list[tuple[str, int, str | None]] = [(f"c{n}", 1, None) for n in range(200)]
    arcs = _arcs(chapters)
    lengths = sorted(map(len, arcs))
    assert lengths[1] >= SHORTEST_ARC
    assert lengths[-1] <= LONGEST_ARC
    moved = _arcs([*chapters[:50], ("new", 1, None), *chapters[50:]])
    assert len(moved - arcs) <= 8 < len(moved & arcs)


def items_at(book: Book, place: int) -> list[tuple[str, float]]:
    found = recap_items(book.plan(), book.recaps, View(StoryPosition(place, 0)))
    return [(i.source, i.priority) for i in found]


def long_book() -> Book:
    volumes = ["v1"] * 10 + ["v2"] * 10 + ["v3"] * 12
    book = Book([(f"c{n}", 1, volume) for n, volume in enumerate(volumes)])
    book.refresh()
    return book


def test_from_far_to_near_and_the_nearest_chapter_weighs_most() -> None:
    told = items_at(long_book(), 28)
    assert [source for source, _ in told] == [
        "前情·全书至第11–20章（摘录）",
        "前情·第11–20章（摘录）",
        *(f"前情·章c{n}（摘录）" for n in range(20, 28)),
    ]
    weights = sorted(told, key=lambda t: -t[1])
    assert [source for source, _ in weights[:3]] == [
        "前情·章c27（摘录）", "前情·全书至第11–20章（摘录）", "前情·章c26（摘录）",
    ]  # fmt: skip
    assert weights[-1][0] == "前情·章c20（摘录）"


def test_at_a_volume_s_first_chapter_the_last_ones_before_it_are_told() -> None:
    told = [source for source, _ in items_at(long_book(), 20)]
    assert told[-NEAR:] == [f"前情·章c{n}（摘录）" for n in range(15, 20)]
    assert told[0] == "前情·全书至第11–20章（摘录）"


def test_a_stale_recap_is_not_told_but_what_is_true_below_it_is() -> None:
    book = long_book()
    book.chapters[3] = ("c3", 2, "v1")
    told = [source for source, _ in items_at(book, 28)]
    assert "前情·全书至第11–20章（摘录）" not in told
    assert "前情·第1–10章（摘录）" not in told
    assert "前情·章c3（摘录）" not in told
    assert {"前情·章c2（摘录）", "前情·第11–20章（摘录）", "前情·章c27（摘录）"} <= set(told)


def test_the_author_s_own_is_told_marked_and_only_where_it_read_the_past() -> None:
    book = long_book()
    key = Key(Level.CHAPTER, "c5")
    book.write_by_hand(key)
    assert "前情·章c5（手写）" in [s for s, _ in items_at(book, 6)]
    book.chapters[5] = ("c5", 2, "v1")
    plan = book.plan()
    assert changed(plan, plan.nodes[key], book.recaps[key]) == ["c5"]
    assert "前情·章c5（手写，读过的正文改过了）" in [s for s, _ in items_at(book, 6)]
    assert key not in book.refresh()
    part = Key(Level.VOLUME, "v1")
    book.write_by_hand(part)
    book.chapters.append((*book.chapters.pop(4)[:2], "v3"))
    book.refresh()
    found = recap_items(book.plan(), book.recaps, View(StoryPosition(20, 0)))
    assert all("<c4." not in i.text for i in found)
    assert book.recaps[part].maker == AUTHOR


def test_switched_off_only_the_author_s_own_is_told() -> None:
    book = long_book()
    book.write_by_hand(Key(Level.CHAPTER, "c5"))
    view = View(StoryPosition(6, 0))
    assert [i.source for i in recap_items(book.plan(), book.recaps, view, automatic=False)] == [
        "前情·章c5（手写）"
    ]


def test_another_version_of_the_maker_is_another_hash() -> None:
    book = long_book()
    key, recap = next(iter(book.recaps.items()))
    again = source_hash(key.level, "2", recap.sources)
    assert again != recap.source_hash
    book.recaps[key] = replace(recap, version="2")
    assert statuses(book.plan(), book.recaps)[key] is Status.STALE


def test_an_empty_book_wants_nothing() -> None:
    plan = plan_recaps([])
    assert plan.nodes == {}
    assert recap_items(plan, {}, View()) == []
    with pytest.raises(StopIteration):
        plan.part_of(0)
