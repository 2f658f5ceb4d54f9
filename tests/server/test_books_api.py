"""Works, chapters, revisions, characters and outline over HTTP."""

from tests.server.conftest import CHAPTERS, Client


def test_a_work_lives_and_is_binned(api: Client) -> None:
    work = api.ok("POST", "/api/works", json={"title": " 砚池 ", "author": "某人"})
    assert work["title"] == "砚池"
    api.ok("PATCH", f"/api/works/{work['id']}", json={"synopsis": "一方砚。"})
    assert api.ok("GET", f"/api/works/{work['id']}")["synopsis"] == "一方砚。"
    api.ok("DELETE", f"/api/works/{work['id']}")
    api.refused(404, "work_not_found", "GET", f"/api/works/{work['id']}")
    assert api.ok("GET", "/api/works") == []


def test_saving_adds_revisions_and_overwrites_nothing(api: Client) -> None:
    work, (first, *_) = api.book()
    path = f"/api/works/{work}/chapters/{first}"
    saved = api.ok("PUT", path, json={"text": "重写了。", "base_revision": 1})
    assert saved == {"revision": 2, "chars": 4, "changed": True}
    assert api.ok("GET", path)["text"] == "重写了。"
    assert api.ok("GET", f"{path}/revisions/1")["text"] == CHAPTERS["第一章　雨夜"]
    assert [r["number"] for r in api.ok("GET", f"{path}/revisions")] == [2, 1]


def test_saving_the_same_text_adds_nothing(api: Client) -> None:
    work, (first, *_) = api.book()
    saved = api.ok(
        "PUT", f"/api/works/{work}/chapters/{first}", json={"text": CHAPTERS["第一章　雨夜"]}
    )
    assert saved["changed"] is False
    assert saved["revision"] == 1


def test_a_conflict_is_told_and_loses_nothing(api: Client) -> None:
    work, (first, *_) = api.book()
    path = f"/api/works/{work}/chapters/{first}"
    api.ok("PUT", path, json={"text": "甲的改动。", "base_revision": 1})
    api.refused(409, "stale_revision", "PUT", path, json={"text": "乙的改动。", "base_revision": 1})
    assert api.ok("GET", path)["text"] == "甲的改动。"


def test_an_old_revision_comes_back_as_a_new_one(api: Client) -> None:
    work, (first, *_) = api.book()
    path = f"/api/works/{work}/chapters/{first}"
    api.ok("PUT", path, json={"text": "坏主意。"})
    assert api.ok("POST", f"{path}/revisions/1/restore")["revision"] == 3
    assert api.ok("GET", path)["text"] == CHAPTERS["第一章　雨夜"]
    assert api.ok("GET", f"{path}/revisions/2")["text"] == "坏主意。"


def test_a_locked_chapter_is_not_touched(api: Client) -> None:
    work, (first, *_) = api.book()
    path = f"/api/works/{work}/chapters/{first}"
    api.ok("PATCH", path, json={"status": "locked"})
    api.refused(409, "chapter_locked", "PUT", path, json={"text": "不行。"})
    api.ok("PATCH", path, json={"status": "draft"})
    api.ok("PUT", path, json={"text": "行。"})


def test_chapters_are_inserted_moved_binned_and_restored(api: Client) -> None:
    work, ids = api.book()
    root = f"/api/works/{work}/chapters"

    def order() -> list[str]:
        chapters = api.ok("GET", root)
        assert [c["position"] for c in chapters] == list(range(len(chapters)))
        return [c["id"] for c in chapters]

    new = api.ok("POST", root, json={"title": "楔子", "kind": "preface", "position": 0})["id"]
    assert order() == [new, *ids]
    api.ok("PATCH", f"{root}/{new}", json={"position": 2})
    assert order() == [ids[0], ids[1], new, ids[2]]
    api.ok("DELETE", f"{root}/{ids[1]}")
    assert order() == [ids[0], new, ids[2]]
    api.refused(404, "chapter_not_found", "GET", f"{root}/{ids[1]}")
    api.ok("POST", f"{root}/{ids[1]}/restore")
    assert order() == [ids[0], ids[1], new, ids[2]]


def test_volumes_hold_chapters_and_leave_them_when_they_go(api: Client) -> None:
    work, (first, *_) = api.book()
    volume = api.ok("POST", f"/api/works/{work}/volumes", json={"title": "第一卷"})["id"]
    path = f"/api/works/{work}/chapters/{first}"
    assert api.ok("PATCH", path, json={"volume_id": volume})["volume_id"] == volume
    assert api.ok("PATCH", path, json={"title": "改名"})["volume_id"] == volume
    api.ok("DELETE", f"/api/works/{work}/volumes/{volume}")
    assert api.ok("GET", path)["volume_id"] is None


def test_characters_with_aliases_and_sheets(api: Client) -> None:
    work, _ = api.book()
    root = f"/api/works/{work}/characters"
    sheet = {"外貌": "左手缺一指。", "秘密": "他认得那封信。"}
    made = api.ok("POST", root, json={"name": "沈砚", "aliases": ["阿砚"], "sheet": sheet})
    assert api.ok("GET", root) == [made]
    changed = api.ok("PATCH", f"{root}/{made['id']}", json={"role": "主角"})
    assert (changed["role"], changed["sheet"]) == ("主角", sheet)
    api.ok("DELETE", f"{root}/{made['id']}")
    api.refused(404, "character_not_found", "GET", f"{root}/{made['id']}")


def test_the_outline_is_a_tree_without_circles(api: Client) -> None:
    work, (first, *_) = api.book()
    root = f"/api/works/{work}/outline"
    volume = api.ok("POST", root, json={"kind": "volume", "title": "上"})["id"]
    node = api.ok("POST", root, json={"kind": "chapter", "parent_id": volume, "chapter_id": first})[
        "id"
    ]
    api.refused(422, "outline_cycle", "PATCH", f"{root}/{volume}", json={"parent_id": node})
    api.ok("DELETE", f"{root}/{volume}")
    assert api.ok("GET", root) == []


def test_another_work_s_rows_are_not_found(api: Client) -> None:
    work, ids = api.book()
    other, _ = api.book()
    api.refused(404, "chapter_not_found", "GET", f"/api/works/{other}/chapters/{ids[0]}")
    api.refused(
        404, "volume_not_found", "PATCH", f"/api/works/{work}/chapters/{ids[0]}",
        json={"volume_id": "0" * 32},
    )  # fmt: skip


def test_malformed_requests_are_told_in_a_sentence(api: Client) -> None:
    said = api.refused(422, "invalid_request", "POST", "/api/works", json={"name": "x"})
    assert "title 不能缺" in said
    api.refused(422, "invalid_request", "GET", "/api/works/not-an-id")
    api.refused(404, "not_found", "GET", "/api/nothing")


def test_a_foreign_host_name_is_refused(api: Client) -> None:
    assert api.http.get("/api/works", headers={"host": "evil.example"}).status_code == 400
