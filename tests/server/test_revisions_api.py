"""A chapter's history: what each save changed, sittings, snapshots, what was accepted."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.edits import edits_between
from server.models import ChapterRevision, Generation, now
from server.sizes import changed_chars, chars_of
from tests.server.conftest import Client

TEXTS = st.text(alphabet="山水人。 　\n", max_size=60)


@given(TEXTS, TEXTS)
def test_what_was_added_less_what_was_removed_is_what_it_grew_by(old: str, new: str) -> None:
    added, removed = changed_chars(old, new, edits_between(old, new))
    assert added - removed == chars_of(new) - chars_of(old)
    assert 0 <= added <= chars_of(new)
    assert 0 <= removed <= chars_of(old)


@given(st.text("山水", min_size=1), st.text("人月", min_size=1), st.text("山水", min_size=1))
def test_what_is_put_in_between_is_added_and_nothing_is_removed(
    before: str, put: str, behind: str
) -> None:
    old, new = before + behind, before + put + behind
    assert changed_chars(old, new, edits_between(old, new)) == (len(put), 0)


def chapter(api: Client, *texts: str) -> tuple[str, str, str]:
    """(work, chapter, path) of a chapter saved with these texts one after the other."""
    work, (first,) = api.book({"雨夜": texts[0]})
    path = f"/api/works/{work}/chapters/{first}"
    for text in texts[1:]:
        api.ok("PUT", path, json={"text": text})
    return work, first, path


def test_a_revision_says_what_it_changed(api: Client) -> None:
    *_, path = chapter(api, "雨下了一夜。", "雨下了三天三夜，没有停。", "雨停了。")
    lines = api.ok("GET", f"{path}/revisions")
    assert [(r["number"], r["chars"], r["added"], r["removed"]) for r in lines] == [
        (3, 4, 1, 9), (2, 12, 7, 1), (1, 6, 6, 0),
    ]  # fmt: skip
    assert lines[0]["length"] == 4
    full = api.ok("GET", f"{path}/revisions/2")
    assert (full["text"], full["added"], full["kept"]) == ("雨下了三天三夜，没有停。", 7, False)


def test_the_history_is_leafed_through(api: Client) -> None:
    *_, path = chapter(api, *(f"第{n}稿。" for n in range(7)))

    def page(query: str) -> list[int]:
        return [r["number"] for r in api.ok("GET", f"{path}/revisions?{query}")]

    assert page("limit=3") == [7, 6, 5]
    assert page("limit=3&before=5") == [4, 3, 2]
    assert page("limit=3&before=2") == [1]
    api.refused(422, "invalid_request", "GET", f"{path}/revisions?limit=0")


def test_what_is_kept_is_found_again_until_it_is_let_go(api: Client) -> None:
    *_, path = chapter(api, "一稿。", "二稿。")
    kept = api.ok("POST", f"{path}/snapshots", json={"label": " 交稿 "})
    assert (kept["number"], kept["label"], kept["kept"]) == (2, "交稿", True)
    # What the program keeps before a change never takes the author's name away.
    before = {"label": "重写之前", "kind": "before"}
    assert api.ok("POST", f"{path}/snapshots", json=before)["label"] == "交稿"
    assert api.ok("POST", f"{path}/snapshots", json=before | {"number": 1})["snapshot"] == "before"
    api.ok("POST", f"{path}/snapshots", json={"label": "定稿", "number": 2})
    api.ok("PUT", path, json={"text": "三稿。"})
    found = api.ok("GET", f"{path}/revisions?kept=true")
    assert [(r["number"], r["label"]) for r in found] == [(2, "定稿"), (1, "重写之前")]
    api.ok("DELETE", f"{path}/snapshots/2")
    assert [r["number"] for r in api.ok("GET", f"{path}/revisions?kept=true")] == [1]
    api.refused(404, "snapshot_not_found", "DELETE", f"{path}/snapshots/2")
    api.refused(404, "revision_not_found", "DELETE", f"{path}/snapshots/9")
    assert len(api.ok("GET", f"{path}/revisions")) == 3


def test_an_empty_chapter_has_nothing_to_keep(api: Client) -> None:
    work, _ = api.book({})
    new = api.ok("POST", f"/api/works/{work}/chapters", json={"title": "空"})["id"]
    path = f"/api/works/{work}/chapters/{new}/snapshots"
    api.refused(422, "nothing_to_keep", "POST", path, json={})


def history(api: Client, path: str, **query: Any) -> list[tuple[int, int, int]]:
    """(number, revisions in it, added) of each sitting."""
    found = api.ok("GET", f"{path}/revisions", params={"view": "sittings", **query})
    return [(r["number"], r["count"], r["added"]) for r in found]


def test_saves_of_one_sitting_stand_together(api: Client) -> None:
    _, first, path = chapter(api, *("雨" * n for n in range(1, 10)))
    minutes = {1: 0, 2: 1, 3: 4, 4: 30, 5: 34, 6: 38, 7: 39, 8: 40, 9: 60}
    began = now() - timedelta(hours=3)
    with api.desk.database.session() as session:
        for number, minute in minutes.items():
            (row,) = session.query(ChapterRevision).filter_by(chapter_id=first, number=number)
            row.created_at = began + timedelta(minutes=minute)
            row.origin = "restored" if number == 7 else "typed"
    assert history(api, path) == [(9, 1, 1), (8, 1, 1), (7, 1, 1), (6, 3, 3), (3, 3, 3)]
    # A page ends with a whole sitting, and the next one begins behind it.
    assert history(api, path, limit=4)[-1] == (6, 3, 3)
    assert history(api, path, before=4, limit=4) == [(3, 3, 3)]
    # What is kept stays visible.
    api.ok("POST", f"{path}/snapshots", json={"label": "留", "number": 5})
    assert history(api, path)[3:] == [(6, 1, 1), (5, 2, 2), (3, 3, 3)]


def generation(api: Client, work: str, chapter_id: str | None, state: str = "done") -> str:
    outputs = [] if state == "running" else [{"text": "他推开门。", "finish_reason": "stop"}]
    row = Generation(
        work_id=work, chapter_id=chapter_id, revision=1, offset=6, state=state, outputs=outputs
    )
    with api.desk.database.session() as session:
        session.add(row)
    return row.id


def verdict(api: Client, work: str, id: str) -> str:
    told: str = api.ok("GET", f"/api/works/{work}/generations/{id}")["verdict"]
    return told


def test_a_save_that_holds_a_generation_accepts_it_clause_by_clause(api: Client) -> None:
    work, first, path = chapter(api, "雨下了一夜。")
    told = generation(api, work, first)
    for text in ("雨下了一夜。他推开", "雨下了一夜。他推开门。"):
        api.ok("PUT", path, json={"text": text, "generation": told, "candidate": 0})
        assert verdict(api, work, told) == "accepted"
    api.ok("PUT", path, json={"text": "雨下了一夜。他推开门。", "generation": told})
    found = api.ok("GET", f"{path}/revisions")
    assert [(r["origin"], r["generation_id"]) for r in found] == [
        ("accepted", told), ("accepted", told), ("typed", None),
    ]  # fmt: skip


def test_a_generation_may_be_taken_from_while_it_is_written(api: Client) -> None:
    work, first, path = chapter(api, "雨下了一夜。")
    told = generation(api, work, first, "running")
    api.ok("PUT", path, json={"text": "雨下了一夜。他", "generation": told, "candidate": 1})
    assert verdict(api, work, told) == "accepted"


def test_what_was_not_generated_here_cannot_be_accepted_here(api: Client) -> None:
    work, first, path = chapter(api, "雨下了一夜。")
    new = api.ok("POST", f"/api/works/{work}/chapters", json={"title": "另一章"})["id"]
    body = {"text": "雨停了。"}
    other, mine = generation(api, work, new), generation(api, work, first)
    api.refused(422, "other_chapter", "PUT", path, json=body | {"generation": other})
    wrong = body | {"generation": mine, "candidate": 1}
    api.refused(422, "no_such_candidate", "PUT", path, json=wrong)
    strange = body | {"generation": "0" * 32}
    api.refused(404, "generation_not_found", "PUT", path, json=strange)
    stale = body | {"generation": mine, "base_revision": 7}
    api.refused(409, "stale_revision", "PUT", path, json=stale)
    assert verdict(api, work, mine) == ""
    assert api.ok("GET", path)["text"] == "雨下了一夜。"


def test_a_save_says_whose_hand_it_was(api: Client) -> None:
    *_, path = chapter(api, "雨下了一夜。")
    api.ok("PUT", path, json={"text": "雨下了一夜。贴来的。", "origin": "pasted"})
    assert api.ok("GET", f"{path}/revisions")[0]["origin"] == "pasted"
    for wrong in ("accepted", "import"):
        api.refused(422, "invalid_request", "PUT", path, json={"text": "", "origin": wrong})
