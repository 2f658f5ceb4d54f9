"""What holds for every lorebook, however it is made."""

from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.lore import Logic, Lorebook, LoreEntry, activate, depth_offset, items, prepare
from retrieval.lore.keys import Key, KeyFinder, Search, fold
from retrieval.timeline import View
from retrieval.types import Group, StoryPosition, Validity
from tests.retrieval.lore_telling import Characters

WORDS = ("砚台", "义渡", "豆腐坊", "罗嫂", "平安", "码头", "KTV", "安", "/小[满先]/")
some_words = st.lists(st.sampled_from(WORDS), max_size=3).map(tuple)
places = st.none() | st.builds(StoryPosition, st.integers(0, 4), st.integers(0, 3))
few = st.integers(0, 3)


def texts(size: int = 6) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from([*WORDS, "，", "小满", "晓得"]), max_size=size).map("".join)


entries = st.builds(
    LoreEntry,
    id=st.uuids().map(str),
    content=texts(),
    constant=st.booleans(),
    keys=some_words,
    secondary_keys=some_words,
    logic=st.sampled_from(Logic),
    scan_depth=st.none() | few,
    priority=few,
    probability=st.sampled_from([0, 50, 100, 100]),
    exclude_recursion=st.booleans(),
    prevent_recursion=st.booleans(),
    delay_until_recursion=st.sampled_from([0, 0, 1, 2, 7]),
    group=st.sampled_from(["", "", "天气", "时辰", "天气,时辰"]),
    group_override=st.booleans(),
    group_weight=few,
    sticky=few,
    cooldown=few,
    delay=few,
    validity=st.builds(
        Validity,
        since=places,
        until=places,
        known_by=st.none() | st.just({}) | st.just({"计素": None}),
        placed=st.sampled_from([True, True, True, False]),
    ),
)
books = st.lists(
    st.builds(
        Lorebook,
        id=st.uuids().map(str),
        entries=st.lists(entries, max_size=8).map(tuple),
        scan_depth=few,
        token_budget=st.none() | st.integers(0, 30),
        recursive=st.booleans(),
        max_recursion=st.integers(0, 1000),
    ),
    max_size=3,
)
turns = st.lists(texts(), max_size=8)
views = st.builds(View, places, st.sampled_from([None, "计素", "邹莲"]))
usual = settings(max_examples=60, deadline=None)


@usual
@given(books, turns, views, st.integers(0, 60))
def test_budgets_hold_and_nothing_hidden_shows(
    some: list[Lorebook], told: list[str], view: View, budget: int
) -> None:
    result = activate(some, told, view, seed="章", count=Characters(), budget=budget)
    sizes = {h.entry.id: len(h.entry.content) for h in result.hits}
    assert sum(sizes.values()) <= budget
    for book in some:
        if book.token_budget is not None:
            assert sum(sizes.get(e.id, 0) for e in book.entries) <= book.token_budget
    assert all(view.refuses(h.entry.validity) is None for h in result.hits)
    assert len(sizes) == len(result.hits), "nothing stands twice"
    assert sizes.keys().isdisjoint(e.id for e, _ in result.skipped)
    assert all(reason for _, reason in result.skipped)


@usual
@given(books, turns, views)
def test_the_same_place_gives_the_same_answer(
    some: list[Lorebook], told: list[str], view: View
) -> None:
    first = activate(some, told, view, seed="章")
    assert activate(prepare(some), told, view, seed="章") == first


@usual
@given(books, turns, views)
def test_what_is_hidden_changes_nothing(some: list[Lorebook], told: list[str], view: View) -> None:
    """Neither by bringing in others, nor by its group, nor by a time it once started."""
    bare = [
        Lorebook(
            b.id, b.name, [e for e in b.entries if view.refuses(e.validity) is None], b.enabled,
            b.scan_depth, b.token_budget, b.recursive, b.max_recursion,
        )
        for b in some
    ]  # fmt: skip
    seen = {h.entry.id: h.cause.kind for h in activate(some, told, view, seed="章").hits}
    assert seen == {h.entry.id: h.cause.kind for h in activate(bare, told, view, seed="章").hits}


@usual
@given(books, turns)
def test_no_group_has_two(some: list[Lorebook], told: list[str]) -> None:
    groups = [
        g.strip()
        for h in activate(some, told, View(), seed="章").hits
        for g in h.entry.group.split(",")
        if g.strip()
    ]
    assert len(groups) == len(set(groups))


@usual
@given(books, turns)
def test_items_are_lore_and_stand_in_the_order_of_the_hits(
    some: list[Lorebook], told: list[str]
) -> None:
    result = activate(some, told, View(), seed="章")
    made = items(result)
    assert {i.group for i in made} <= {Group.LORE}
    assert [f"lore:{h.entry.id}" for h in result.hits if h.entry.content.strip()] == [
        i.id for i in sorted(made, key=lambda i: (i.order, i.id))
    ]
    best = sorted(made, key=lambda i: -i.priority)
    ranks = {f"lore:{h.entry.id}": h.entry.priority for h in result.hits}
    assert [ranks[i.id] for i in best] == sorted((ranks[i.id] for i in best), reverse=True)


@usual
@given(st.text(max_size=60), st.lists(st.text(min_size=2, max_size=4), min_size=1, max_size=6))
def test_words_are_found_as_a_plain_search_finds_them(text: str, words: list[str]) -> None:
    text = text + words[0] + text
    keys = [Key(w, case) for w in words for case in (True, False) if not w.startswith("/")]
    found = KeyFinder(keys).find(text, Search())
    for number, key in enumerate(keys):
        plain = key.text in text if key.case_sensitive else fold(key.text) in fold(text)
        assert (number in found) == plain


@usual
@given(st.text("甲乙\n　 ", max_size=40), st.integers(0, 9))
def test_a_depth_counts_paragraphs_from_the_end(text: str, depth: int) -> None:
    place = depth_offset(text, depth)
    after = [line for line in text[place:].splitlines() if line.strip()]
    total = sum(1 for line in text.splitlines() if line.strip())
    assert len(after) == min(depth, total)
    assert place == 0 or text[place - 1] == "\n" or place == len(text)


def test_two_thousand_entries_over_three_thousand_characters() -> None:
    """bench: about a millisecond once prepared; here only that it finds what it should."""
    many = [LoreEntry(str(n), keys=(f"地名{n}号", f"人名{n}号"), content="无") for n in range(2000)]
    text = ["".join(f"到了地名{n}号，" for n in range(0, 2000, 97)), "走。" * 1400]
    hits = activate(prepare([Lorebook("书", entries=many)]), text, View(), seed="").hits
    assert {int(h.entry.id) for h in hits} == set(range(0, 2000, 97))
