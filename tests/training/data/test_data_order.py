"""Duplicates, splits, mixes and the audit of leaks: exact, deterministic, nothing untold."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.audit import audit
from training.data.duplicates import find_duplicates
from training.data.mixing import Part, mix
from training.data.shingles import jaccard, shingle_set, shingles, squeezed
from training.data.splits import split
from training.errors import BadInput
from training.types import Chat, Item, Origin, Text, Turn

CHARACTERS = (
    "的一是了不在有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家她么"
    "起后然而里开头手看天心面向声走问见前"
)


def silent(done: int, total: int, note: str = "") -> None:
    assert done <= (total or done), note


def prose(seed: object, length: int) -> str:
    return "".join(random.Random(repr(seed)).choices(CHARACTERS, k=length))


def chat(question: str, answer: str, **fields: Any) -> Chat:
    return Chat((Turn("user", question), Turn("assistant", answer)), **fields)


@settings(deadline=None, max_examples=100)
@given(st.text("甲乙 \n丙", max_size=30), st.integers(1, 8))
def test_shingles_are_equal_where_characters_are(text: str, size: int) -> None:
    numbers = shingles(text, size)
    runs = [text[i : i + size] for i in range(len(text) - size + 1)]
    assert len(numbers) == len(runs)
    assert len(set(numbers.tolist())) == len(set(runs))
    assert len(shingle_set(text, size)) == len(set(runs)) or len(text) < size


@settings(deadline=None, max_examples=60)
@given(st.text("甲乙丙丁", min_size=5, max_size=30), st.text("甲乙丙丁", min_size=5, max_size=30))
def test_jaccard_is_the_sets_own(one: str, other: str) -> None:
    sets = [{text[i : i + 5] for i in range(len(text) - 4)} for text in (one, other)]
    expected = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
    assert jaccard(shingle_set(one, 5), shingle_set(other, 5)) == pytest.approx(expected)


def changed(text: str, places: int, seed: object) -> str:
    """The text with some characters put in its middle, each costing five shingles."""
    chance, signs = random.Random(repr(seed)), list(text)
    for _ in range(places):
        signs.insert(chance.randrange(len(signs)), "〇")
    return "".join(signs)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0, 1, 3, 40])), max_size=12))
def test_duplicates_are_what_their_shingles_say(plan: list[tuple[int, int]]) -> None:
    """Against comparing everything with everything that was kept."""
    items = [Text(changed(prose(which, 300), places, n)) for n, (which, places) in enumerate(plan)]
    found = find_duplicates(items, silent)
    kept: list[int] = []
    for number, item in enumerate(items):
        own = shingle_set(item.text, 5)
        like = max((jaccard(own, shingle_set(items[k].text, 5)) for k in kept), default=0.0)
        if like < 0.8:
            kept.append(number)
    assert found.kept == kept
    assert {c.dropped for c in (*found.exact, *found.near)} == set(range(len(items))) - set(kept)
    assert all(c.kept in kept and c.kept < c.dropped for c in (*found.exact, *found.near))


def test_copies_in_other_lines_are_copies() -> None:
    items = [
        chat("问", "甲乙\n丙"),
        chat("问", "甲 乙丙"),
        chat("问甲", "乙丙"),
        chat("问", "甲乙丙"),
    ]
    found = find_duplicates(items, silent)
    assert [(c.dropped, c.kept) for c in found.exact] == [(1, 0), (3, 0)]
    assert found.kept == [0, 2]
    assert find_duplicates(items, silent, near=False).kept == [0, 2]


def test_an_instruction_that_all_share_makes_no_duplicates() -> None:
    told = "你是一位说书人，请照下面的梗概写一段话，不要写别的，只写正文，写得有声有色一些才好："
    items: list[Item] = [chat(told + prose(n, 12), prose(-n, 30)) for n in range(60)]
    assert find_duplicates(items, silent).kept == list(range(60))
    copies = [chat(told + "别的梗概", prose(-n, 400)) for n in range(30)]
    near = [chat(told + "又一个", changed(prose(-n, 400), 2, n)) for n in range(30)]
    assert find_duplicates([*copies, *near], silent).kept == list(range(30))


def test_the_same_short_answer_to_other_questions_is_no_duplicate() -> None:
    items: list[Item] = [chat(prose(n, 30), "好的。") for n in range(50)]
    assert find_duplicates(items, silent).kept == list(range(50))


def written(*works: str) -> list[Item]:
    return [Text(f"文{n}", Origin(work=work)) for n, work in enumerate(works)]


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.sampled_from(["", "甲", "乙", "丙", "丁"]), min_size=2, max_size=30),
    st.floats(0.05, 0.6),
    st.integers(0, 3),
)
def test_a_book_is_on_one_side(works: list[str], fraction: float, seed: int) -> None:
    items = written(*works)
    if len({work or str(n) for n, work in enumerate(works)}) < 2:
        with pytest.raises(BadInput, match="只有一组"):
            split(items, fraction=fraction, seed=seed)
        return
    made = split(items, fraction=fraction, seed=seed)
    assert made == split(items, fraction=fraction, seed=seed)
    assert sorted(made.train + made.held_out) == list(range(len(items)))
    assert made.train
    assert made.held_out
    sides = [{works[n] for n in side} - {""} for side in (made.train, made.held_out)]
    assert not sides[0] & sides[1]
    assert set(made.works) == sides[1]


def test_shares_are_kept_and_names_are_obeyed() -> None:
    items = written(*[""] * 200)
    assert len(split(items, fraction=0.1).held_out) == 20
    assert split(items, fraction=0.1, seed=1) != split(items, fraction=0.1, seed=2)
    books = written(*"甲甲乙乙乙丙")
    assert split(books, works=["丙", "甲"]) == split(books, works=["甲", "丙"])
    assert split(books, works=["丙", "甲"]).held_out == [0, 1, 5]
    assert split(books, fraction=0.01).held_out == [5]
    assert len(split(written(*"甲" * 10), fraction=0.2, by="item").held_out) == 2
    with pytest.raises(BadInput, match="没有《丁》，有 甲、乙、丙"):
        split(books, works=["丁"])
    with pytest.raises(BadInput, match="没有可训练"):
        split(books, works=["甲", "乙", "丙"])
    with pytest.raises(BadInput, match="--by item"):
        split(written(*"甲甲"), fraction=0.5)
    with pytest.raises(BadInput, match="比例"):
        split(books, fraction=1.5)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 20), st.floats(0.1, 3)), min_size=1, max_size=4),
       st.sampled_from(["times", "share"]), st.integers(0, 2))  # fmt: skip
def test_a_mix_tells_what_it_did(plan: list[tuple[int, float]], by: Any, seed: int) -> None:
    parts = [
        Part(f"集{n}", [Text(f"{n}/{row}") for row in range(size)], weight)
        for n, (size, weight) in enumerate(plan)
    ]
    made = mix(parts, by=by, seed=seed)
    mixed = list(made.items)
    assert mixed == list(mix(parts, by=by, seed=seed).items) == made.items[:]
    for part, told in zip(parts, made.told, strict=True):
        rows = [item for item in mixed if item in part.items]
        counts = [rows.count(item) for item in part.items]
        assert max(counts) - min(counts) <= 1
        assert (told.rows, told.taken) == (len(part.items), len(rows))
        assert told.left_out == counts.count(0)
        assert told.repeated == sum(count - 1 for count in counts if count)
    if by == "times":
        assert [t.taken for t in made.told] == [max(1, round(s * w)) for s, w in plan]
    else:
        assert made.told[0].taken == plan[0][0]
    assert len(mixed) == sum(told.taken for told in made.told)


def test_shares_of_a_mix() -> None:
    parts = [Part("人物", written(*"甲" * 70), 7), Part("通用", written(*"乙" * 1000), 3)]
    assert [t.taken for t in mix(parts, by="share").told] == [70, 30]
    assert [t.taken for t in mix(parts, by="share", rows=200).told] == [140, 60]
    assert list(mix(parts, by="share").items) != list(mix(parts, by="share", seed=1).items)
    for wrong in (
        lambda: mix([Part("空", [])]),
        lambda: mix([Part("甲", written("甲"), 0)]),
        lambda: mix(parts, rows=3),
    ):
        with pytest.raises(BadInput):
            wrong()


def runs(items: list[Item], size: int) -> set[str]:
    said = [squeezed(item.text) for item in items if isinstance(item, Text)]
    return {text[i : i + size] for text in said for i in range(len(text) - size + 1)}


@settings(deadline=None, max_examples=80)
@given(st.lists(st.text("甲乙\n ", max_size=40), min_size=1, max_size=4),
       st.lists(st.text("甲乙\n ", max_size=40), min_size=1, max_size=4))  # fmt: skip
def test_the_audit_finds_what_comparing_everything_finds(one: list[str], other: list[str]) -> None:
    train: list[Item] = [Text(text + "尾") for text in one]
    held: list[Item] = [Text(text + "终") for text in other]
    report = audit(train, held, silent, size=8)
    common = runs(train, 8) & runs(held, 8)
    assert bool(report["shared"]["count"]) == bool(common)
    for leak in report["shared"]["worst"]:
        said = [squeezed(side[leak[row] - 1].text) for side, row in (  # type: ignore[union-attr]
            (train, "train_row"), (held, "held_out_row"))]  # fmt: skip
        assert leak["length"] >= 8
        assert leak["text"] in said[0]
        assert leak["text"][:8] in said[1]
    every = [squeezed(item.text) for item in held if isinstance(item, Text)]
    total = sum(max(0, len(text) - 7) for text in every)
    covered = sum(text[i : i + 8] in common for text in every for i in range(len(text) - 7))
    assert report["shared"]["covered"] == pytest.approx(covered / max(1, total), abs=1e-6)


def test_a_leak_says_where_it_is() -> None:
    passage = prose("甲", 100)
    train: list[Item] = [Text(prose(n, 200)) for n in range(5)]
    train.append(chat("续写", prose(7, 50) + passage[20:80], origin=Origin("集.json", "第 6 条")))
    held: list[Item] = [Text(prose(9, 300)), Text(passage, Origin("书.txt", "第三回", work="书"))]
    report = audit(train, held, silent)
    assert (report["clean"], report["train_rows"], report["held_out_rows"]) == (False, [6], [2])
    (leak,) = report["shared"]["worst"]
    assert (leak["length"], leak["text"]) == (60, passage[20:80])
    assert leak["train_place"] == "集.json 第 6 条"
    assert leak["held_out_place"] == "《书》 书.txt 第三回"
    assert report["shared"]["covered"] == pytest.approx(29 / (269 + 69), abs=1e-6)
    broken = "\n".join(passage[i : i + 10] for i in range(0, 100, 10))
    assert audit([Text(broken)], held, silent)["exact"]["count"] == 1
    assert audit([Text(passage[:31])], held, silent)["clean"]
    assert not audit([Text(passage[:32])], held, silent)["clean"]


def test_near_copies_are_leaks_too() -> None:
    passage = prose("甲", 300)
    choppy = changed(passage, 12, 1)
    report = audit([chat("问", choppy)], [chat("问", passage), chat("问", prose(3, 99))], silent)
    assert report["near"]["count"] == 1
    assert report["near"]["worst"][0]["held_out_row"] == 1
    assert 0.6 <= report["near"]["worst"][0]["similarity"] < 1


def test_a_task_s_wording_is_no_leak() -> None:
    told = prose("指令", 60)
    train: list[Item] = [chat(told + prose(n, 40), prose(-n, 60)) for n in range(1, 41)]
    held: list[Item] = [chat(told + prose(n, 40), prose(-n, 60)) for n in range(90, 95)]
    report = audit(train, held, silent)
    assert report["clean"]
    assert [(t["text"], t["train_rows"]) for t in report["templates"]] == [(told, 40)]
    assert not audit(train[:5], held, silent)["clean"]


def test_nothing_held_out_is_clean() -> None:
    report = audit([Text("文")], [], silent)
    assert (report["clean"], report["shared"]["covered"]) == (True, 0)
