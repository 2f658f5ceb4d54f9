"""The shelf: covers, goals, sizes, the bin."""

from server.pigments import PIGMENTS
from tests.server.conftest import CHAPTERS, Client


def test_a_work_is_bound_when_it_is_made_and_anew_when_the_author_likes(api: Client) -> None:
    made = api.ok("POST", "/api/works", json={"title": "一"})
    assert made["cover"] in PIGMENTS
    assert (made["goal"], made["numbering"], made["unit"], made["today"]) == (0, "auto", "章", 0)
    change = {"cover": "rouge", "goal": 2000, "numbering": "own", "unit": "回"}
    assert change.items() <= api.ok("PATCH", f"/api/works/{made['id']}", json=change).items()
    again = api.ok("POST", "/api/works", json={"title": "二", "cover": "ash", "goal": 5})
    assert (again["cover"], again["goal"]) == ("ash", 5)
    for wrong in ({"cover": "plaid"}, {"goal": -1}, {"unit": "幕"}, {"numbering": "none"}):
        path = f"/api/works/{made['id']}"
        api.refused(422, "invalid_request", "PATCH", path, json=wrong)


def test_a_work_tells_its_size_and_when_its_text_changed(api: Client) -> None:
    work, (first, *_) = api.book({"第一章": "雨 Rain 下了 3 天。\n停了。"})
    before = api.ok("GET", f"/api/works/{work}")
    assert (before["chars"], before["han"]) == (13, 6)
    assert api.ok("GET", f"/api/works/{work}/chapters/{first}")["han"] == 6
    renamed = api.ok("PATCH", f"/api/works/{work}", json={"title": "新名"})
    assert renamed["edited_at"] == before["edited_at"]
    api.ok("PUT", f"/api/works/{work}/chapters/{first}", json={"text": "雨停了。"})
    after = api.ok("GET", f"/api/works/{work}")
    assert after["edited_at"] > before["edited_at"]
    assert (after["chars"], after["han"]) == (4, 3)


def test_a_work_comes_back_from_the_bin_and_is_found_again(api: Client) -> None:
    work, _ = api.book()
    api.ok("DELETE", f"/api/works/{work}")
    (gone,) = api.ok("GET", "/api/works?bin=true")
    assert gone["id"] == work
    assert gone["deleted_at"] is not None
    back = api.ok("POST", f"/api/works/{work}/restore")
    assert (back["deleted_at"], back["chapters"]) == (None, len(CHAPTERS))
    assert api.ok("GET", "/api/works?bin=true") == []
    assert api.desk.indexer.fresh(work, 100)
    found = api.ok("GET", f"/api/works/{work}/search", params={"q": "渡口的船"})
    assert "渡口" in str(found)
    api.refused(404, "work_not_found", "POST", f"/api/works/{work}/restore")


def test_only_what_lies_in_the_bin_is_deleted_for_ever(api: Client) -> None:
    work, _ = api.book()
    path = f"/api/works/{work}"
    api.refused(404, "work_not_found", "DELETE", f"{path}?forever=true")
    assert api.ok("GET", path)["id"] == work
    api.ok("DELETE", path)
    api.ok("DELETE", f"{path}?forever=true")
    assert api.ok("GET", "/api/works?bin=true") == []
    api.refused(404, "work_not_found", "POST", f"{path}/restore")


def test_chapters_in_the_bin_are_listed_with_their_names(api: Client) -> None:
    work, ids = api.book()
    root = f"/api/works/{work}/chapters"
    api.ok("DELETE", f"{root}/{ids[0]}")
    api.ok("DELETE", f"{root}/{ids[1]}")
    gone = api.ok("GET", f"{root}?bin=true")
    assert [(c["id"], c["label"], c["name"]) for c in gone] == [
        (ids[1], "", "空砚"), (ids[0], "", "雨夜"),
    ]  # fmt: skip
    assert all(c["deleted_at"] for c in gone)
    assert [c["label"] for c in api.ok("GET", root)] == ["第一章"]


def test_what_a_chapter_s_prompts_take_and_leave_is_remembered_and_used(api: Client) -> None:
    work, ids = api.book()
    path = f"/api/works/{work}/chapters/{ids[2]}"
    root = f"/api/works/{work}/characters"
    one, other = (
        "character:" + api.ok("POST", root, json={"name": n, "sheet": {"性格": "寡言。"}})["id"]
        for n in ("沈砚", "陆眠")
    )
    assert api.ok("GET", path)["context"] == {"pinned": [], "excluded": []}
    choice = {"pinned": [one], "excluded": [other]}
    assert api.ok("PATCH", path, json={"context": choice})["context"] == choice
    assert api.ok("PATCH", path, json={"notes": "留着"})["context"] == choice

    def kept(**request: list[str]) -> dict[str, str]:
        prompt = api.ok("POST", f"{path}/context", json={"beat": "沈砚和陆眠过河", **request})
        return {item["id"]: item["reason"] for item in prompt["kept"]}

    assert one in kept()
    assert other not in kept()
    # What one request says counts before what is said for the whole chapter.
    assert other in kept(pinned=[other])
    assert one not in kept(excluded=[one])


def test_how_many_chapters_are_done(api: Client) -> None:
    work = api.ok("POST", "/api/works", json={"title": "书"})["id"]
    for status in ("outline", "draft", "done", "locked"):
        chapter = api.ok("POST", f"/api/works/{work}/chapters", json={})["id"]
        api.ok("PATCH", f"/api/works/{work}/chapters/{chapter}", json={"status": status})
    assert [api.ok("GET", f"/api/works/{work}")[name] for name in ("chapters", "done")] == [4, 2]
    api.ok("DELETE", f"/api/works/{work}/chapters/{chapter}")
    assert api.ok("GET", f"/api/works/{work}")["done"] == 1
