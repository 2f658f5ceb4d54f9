"""Lorebooks of other tools into works and personas, and out again."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.cards_made import BOOK, V2, as_json, png
from tests.server.conftest import Client

NOVELAI: dict[str, Any] = {
    "lorebookVersion": 5,
    "entries": [
        {
            "text": "缺了一角。", "displayName": "缺角砚台", "keys": ["砚台", "/墨+/i"],
            "contextConfig": {"prefix": "", "suffix": "\n", "tokenBudget": 1, "budgetPriority": 40,
                              "insertionPosition": -4},
            "lastUpdatedAt": 1_600_000_000_000, "id": "bd90161f-4ff6-44a0-8522-0f25ad26aae3",
            "searchRange": 2000, "enabled": False, "forceActivation": True, "keyRelative": True,
            "category": "c", "loreBiasGroups": [{"phrases": [], "bias": 0.5}],
        }
    ],
    "settings": {"orderByKeyLocations": True},
    "categories": [{"id": "c", "name": "物件"}],
}  # fmt: skip
TAVERN: dict[str, Any] = {
    "entries": {"3": {"uid": 3, "key": ["渡口"], "content": "水大不渡。", "displayIndex": 0,
                      "automationId": "auto", "order": 7}},
    "originalData": {"x": 1},
}  # fmt: skip
STANDALONE = {"spec": "lorebook_v3", "data": BOOK}


def into_work(api: Client, data: bytes, name: str = "书.json") -> tuple[str, list[Any]]:
    """(the book's path, its entries)"""
    work, _ = api.book({"一": "雨。"})
    root = f"/api/works/{work}/lorebooks"
    book = api.ok("POST", f"{root}/import", files={"file": (name, data)})
    return f"{root}/{book['id']}", api.ok("GET", f"{root}/{book['id']}/entries")


def out(api: Client, path: str, form: str) -> Any:
    answer = api.http.get(f"{path}/export?format={form}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_novelai_lorebook_is_read(api: Client) -> None:
    path, (entry,) = into_work(api, as_json(NOVELAI), "旧物.lorebook")
    assert api.ok("GET", path)["name"] == "旧物"
    assert (entry["name"], entry["content"]) == ("缺角砚台", "缺了一角。")
    assert entry["keys"] == ["砚台", "/墨+/i"]
    assert (entry["enabled"], entry["constant"], entry["priority"]) == (False, True, 40)


@pytest.mark.parametrize(
    ("form", "told"),
    [("novelai", NOVELAI), ("world_info", TAVERN), ("character_book", STANDALONE)],
)
def test_what_came_goes_out_whole(api: Client, form: str, told: Any) -> None:
    path, _ = into_work(api, as_json(told))
    made = out(api, path, form)
    book = made["data"] if form == "character_book" else made
    # A book that has no name is called as its file.
    wanted = told["data"] if form == "character_book" else told
    named = {} if "name" in wanted else {"name", "extensions"}
    assert {k: v for k, v in book.items() if k not in named} == wanted


def test_a_changed_entry_changes_only_that(api: Client) -> None:
    path, (entry,) = into_work(api, as_json(NOVELAI))
    api.ok("PATCH", f"{path}/entries/{entry['id']}", json={"content": "补上了。", "sticky": 2})
    (told,) = out(api, path, "novelai")["entries"]
    assert told == NOVELAI["entries"][0] | {
        "text": "补上了。", "extensions": {"yanchi": {"sticky": 2}}
    }  # fmt: skip


def test_from_one_tool_to_another(api: Client) -> None:
    path, _ = into_work(api, as_json(NOVELAI))
    other, (entry,) = into_work(api, json.dumps(out(api, path, "world_info")).encode())
    assert (entry["keys"], entry["priority"]) == (["砚台", "/墨+/i"], 40)
    last, (entry,) = into_work(api, json.dumps(out(api, other, "novelai")).encode())
    assert (entry["name"], entry["enabled"], entry["constant"]) == ("缺角砚台", False, True)
    (told,) = out(api, last, "novelai")["entries"]
    assert told["contextConfig"]["insertionPosition"] == -1, "a whole entry, as NovelAI makes them"


def test_a_picture_may_hold_a_novelai_lorebook(api: Client) -> None:
    _, (entry,) = into_work(api, png({"naidata": as_json(NOVELAI), "chara": as_json(V2)}))
    assert entry["content"] == "缺了一角。"


def test_a_persona_takes_lore_and_gives_it(api: Client) -> None:
    made = api.ok("POST", "/api/personas", json={"name": "阿檀"})["id"]
    root = f"/api/personas/{made}/lore"
    api.refused(404, "lorebook_not_found", "GET", f"{root}/export")
    files = [NOVELAI, TAVERN, STANDALONE]
    for count, told in enumerate(files, 1):
        rows = api.ok("POST", f"{root}/import", files={"file": ("a", as_json(told))})
        assert len(rows) == count
    assert [row["content"] for row in rows] == ["缺了一角。", "水大不渡。", "左腿短一截。"]
    told = out(api, root, "character_book")
    assert [e["content"] for e in told["data"]["entries"]] == [row["content"] for row in rows]
    assert told["data"]["entries"][2]["extensions"]["automation_id"] == "x"
    api.refused(422, "unknown_lorebook", "POST", f"{root}/import", files={"file": ("a", b"{}")})


def test_an_entry_that_cannot_be_shown_is_refused(api: Client) -> None:
    work, _ = api.book({"一": "雨。"})
    path = f"/api/works/{work}/lorebooks"
    for entry in ({"text": "长" * 100_001}, {"keys": ["甲" * 2001]}, {"keys": list("甲") * 201}):
        told = {"lorebookVersion": 5, "entries": [{"text": "", "keys": []} | entry]}
        sentence = api.refused(422, "invalid_request", "POST", f"{path}/import",
                               files={"file": ("a", as_json(told))})  # fmt: skip
        assert "第 1 条" in sentence
    api.refused(422, "damaged_file", "POST", f"{path}/import",
                files={"file": ("a.charx", b"PK\x03\x04")})  # fmt: skip
    assert api.ok("GET", path) == []


REAL = ("starter.lorebook", "lorebook_generated.lorebook", "data_template.json",
        "New Story (Wed Oct 26 2022).lorebook", "A hiss of smoke (Mon Oct 24 2022).lorebook")  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_novelai_files_come_in_and_go_out_whole(
    api: Client, shared_data: Path, name: str
) -> None:
    data = (shared_data / "interchange" / "novelai" / name).read_bytes()
    raw = json.loads(data)
    path, entries = into_work(api, data, name)
    assert [e["content"] for e in entries] == [e["text"] for e in raw["entries"]]
    told = out(api, path, "novelai")
    assert {k: v for k, v in told.items() if k != "extensions"} == raw
