"""Find and replace: what it does to texts, to places in them, and what it refuses."""

import random
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server import replacing
from server.db import Database
from server.edits import Edit, moved
from server.errors import Invalid
from server.manuscript import add_chapter, chapter_text
from server.models import Scene, Work
from server.replacing import Wanted, replace, replaced
from tests.server.conftest import Client


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('replace') / 'yanchi.db'}")
    database.migrate()
    return database


TEXTS = st.text("山水aA.\n（", min_size=1, max_size=30)
PATTERNS = st.sampled_from([
    "山", "山+", "(山)(水)?", "^", "$", "x*", "(?<=山)水", "[^山\n]+", "山|水", "(?P<n>a)", r"\b", "\n+",
    "(?i:A)", ".", "(a)|(水)",
])  # fmt: skip
PUTS = st.sampled_from(["", "月", "月月", r"[\g<0>]", "a\nb"])


def done(database: Database, text: str, wanted: Wanted) -> tuple[str, int]:
    """The chapter's text after it, and how many were replaced."""
    with database.session() as session:
        work = Work(title="书")
        session.add(work)
        session.flush()
        chapter = add_chapter(session, work, "一", text=text)
        found = replace(session, work.id, wanted, preview=False)
        return chapter_text(session, chapter), sum(one.count for one in found)


@settings(deadline=None, max_examples=150)
@given(TEXTS, PATTERNS, PUTS, st.booleans())
def test_patterns_replace_as_python_s_own_do(
    database: Database, text: str, pattern: str, put: str, case: bool
) -> None:
    flags = re.MULTILINE if case else re.MULTILINE | re.IGNORECASE
    expected = re.subn(pattern, put, text, flags=flags)
    assert done(database, text, Wanted(pattern, put, regex=True, case=case)) == expected


@settings(deadline=None, max_examples=150)
@given(TEXTS, st.text("山水aA.\n（", min_size=1, max_size=3), st.text("月a\\1", max_size=3))
def test_words_are_replaced_as_they_stand(
    database: Database, text: str, find: str, put: str
) -> None:
    expected = text.replace(find, put), text.count(find)
    assert done(database, text, Wanted(find, put)) == expected


def test_large_and_small_letters_are_one_where_the_author_says_so(database: Database) -> None:
    assert done(database, "Lin 和 lin", Wanted("LIN", "林", case=False)) == ("林 和 林", 2)
    assert done(database, "Lin 和 lin", Wanted("lin", "林")) == ("Lin 和 林", 1)


@settings(deadline=None, max_examples=150)
@given(TEXTS, PATTERNS, PUTS)
def test_places_move_with_the_words_around_what_is_replaced(
    text: str, pattern: str, put: str
) -> None:
    hits = [
        replacing.Hit(m.start(), m.end(), m.expand(put))
        for m in re.finditer(pattern, text, re.MULTILINE)
    ]
    new = replaced(text, hits)
    edits = [Edit(h.start, h.end, len(h.put)) for h in hits]
    places = [moved(edits, n, "end") for n in range(len(text) + 1)]
    assert places == sorted(places)
    assert places[-1] <= len(new)
    for n in range(len(text)):
        if not any(h.start <= n <= h.end for h in hits):
            assert new[places[n]] == text[n]


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 12), st.randoms(use_true_random=False))
def test_a_scene_between_two_names_keeps_its_words(
    database: Database, names: int, chance: random.Random
) -> None:
    parts = ["雨" * chance.randint(1, 4) for _ in range(names + 1)]
    text = "阿砚".join(parts)
    starts = [sum(len(p) + 2 for p in parts[:n]) for n in range(names + 1)]
    with database.session() as session:
        work = Work(title="书")
        session.add(work)
        session.flush()
        chapter = add_chapter(session, work, "一", text=text)
        scenes = [
            Scene(work_id=work.id, chapter_id=chapter.id, start=s, end=s + len(p))
            for s, p in zip(starts, parts, strict=True)
        ]
        session.add_all(scenes)
        session.flush()
        replace(session, work.id, Wanted("阿砚", "沈砚先生"), preview=False)
        new = chapter_text(session, chapter)
        assert new == "沈砚先生".join(parts)
        held = [(scene.start, scene.end) for scene in scenes]
    # What is put in right behind a scene belongs to it, what stands before it does not.
    for (start, end), part in zip(held, parts, strict=True):
        assert end is not None
        assert new[start:end].removesuffix("沈砚先生") == part
    assert all(end <= start for (_, end), (start, _) in pairwise(held) if end is not None)


def test_a_preview_shows_the_hits_and_changes_nothing(api: Client) -> None:
    work, ids = api.book({"雨夜": "他说：雨。\n雨停了。", "空砚": "墨干了。", "渡口": "没有雨。"})
    body = {"find": "雨", "replace": "雪", "preview": True}
    found = api.ok("POST", f"/api/works/{work}/replace", json=body)
    assert (found["count"], found["replaced"]) == (3, 0)
    assert [(c["chapter_id"], c["label"], c["name"], c["count"]) for c in found["chapters"]] == [
        (ids[0], "第一章", "雨夜", 2), (ids[2], "第三章", "渡口", 1),
    ]  # fmt: skip
    first, second = found["chapters"][0]["hits"]
    assert first == {
        "start": 3, "end": 4, "before": "他说：", "text": "雨", "after": "。", "put": "雪"
    }  # fmt: skip
    assert (second["before"], second["after"]) == ("", "停了。")
    assert api.ok("GET", f"/api/works/{work}/chapters/{ids[0]}")["revision"] == 1


def test_replacing_adds_revisions_where_something_changed(api: Client) -> None:
    work, ids = api.book({"雨夜": "雨。", "空砚": "墨干了。", "渡口": "雨雨。"})
    root = f"/api/works/{work}/chapters"
    api.ok("PATCH", f"{root}/{ids[2]}", json={"status": "locked"})
    body = {"find": "雨", "replace": "雪", "preview": False}
    done = api.ok("POST", f"/api/works/{work}/replace", json=body)
    assert (done["count"], done["replaced"]) == (3, 1)
    assert [c["locked"] for c in done["chapters"]] == [False, True]
    assert [api.ok("GET", f"{root}/{i}")["text"] for i in ids] == ["雪。", "墨干了。", "雨雨。"]
    (new, _) = api.ok("GET", f"{root}/{ids[0]}/revisions")
    assert (new["origin"], new["added"], new["removed"]) == ("replaced", 1, 1)
    assert len(api.ok("GET", f"{root}/{ids[1]}/revisions")) == 1
    assert api.desk.indexer.fresh(work, 100)
    assert "雪。" in str(api.ok("GET", f"/api/works/{work}/search", params={"q": "雪"}))
    # To itself is no change.
    body = {"find": "雪", "replace": "雪", "preview": False}
    api.ok("POST", f"/api/works/{work}/replace", json=body)
    assert api.ok("GET", f"{root}/{ids[0]}")["revision"] == 2


def test_only_the_chapters_asked_for_are_searched(api: Client) -> None:
    work, ids = api.book({"甲": "雨。", "乙": "雨。"})
    body = {"find": "雨", "replace": "雪", "chapters": [ids[1]], "preview": False}
    assert api.ok("POST", f"/api/works/{work}/replace", json=body)["replaced"] == 1
    assert api.ok("GET", f"/api/works/{work}/chapters/{ids[0]}")["text"] == "雨。"
    missing = body | {"chapters": ["0" * 32]}
    api.refused(404, "chapter_not_found", "POST", f"/api/works/{work}/replace", json=missing)


def test_many_hits_are_counted_and_the_first_are_shown(api: Client) -> None:
    work, _ = api.book({"甲": "雨" * 150, "乙": "雨" * 150})
    body = {"find": "雨", "replace": "雪", "preview": True}
    found = api.ok("POST", f"/api/works/{work}/replace", json=body)
    assert [(c["count"], len(c["hits"])) for c in found["chapters"]] == [(150, 150), (150, 50)]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replacing, "SECONDS", 0.2)
    monkeypatch.setattr(replacing, "MOST_HITS", 1000)


@pytest.mark.usefixtures("short")
def test_what_cannot_be_replaced_is_told_and_changes_nothing(api: Client) -> None:
    work, ids = api.book({"甲": "雨。", "乙": "a" * 60 + "!" + "雨" * 2000})
    path = f"/api/works/{work}/replace"

    def refused(status: int, code: str, find: str, put: str) -> str:
        body = {"find": find, "replace": put, "regex": True, "preview": False}
        return api.refused(status, code, "POST", path, json=body)

    refused(422, "bad_pattern", "(雨", "雪")
    refused(422, "bad_replacement", "(雨)", r"\2")
    refused(422, "bad_replacement", "雨", "\\")
    refused(422, "pattern_too_slow", "(a|aa)+$b|雨", "雪")
    refused(422, "too_many_hits", "雨", "雪")
    refused(422, "invalid_request", "", "雪")
    for id in ids:
        assert api.ok("GET", f"/api/works/{work}/chapters/{id}")["revision"] == 1


def test_a_chapter_may_not_grow_beyond_what_one_may_hold(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacing, "LONGEST_CHAPTER", 10)
    assert done(database, "雨雨", Wanted("雨", "大雪纷飞。")) == ("大雪纷飞。大雪纷飞。", 2)
    with pytest.raises(Exception, match="超过 10 字符"):
        done(database, "雨雨。", Wanted("雨", "大雪纷飞。"))


def test_a_pattern_that_is_too_large_is_refused(database: Database) -> None:
    with pytest.raises(Invalid, match="太大"):
        done(database, "雨", Wanted("(((雨{999}){999}){999}){999}", "雪", regex=True))
