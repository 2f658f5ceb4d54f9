"""Lorebooks over HTTP: kept, ordered, checked, and tried on a text."""

import json
from typing import Any

from sqlmodel import select

from retrieval.timeline import View
from retrieval.types import StoryPosition
from server.lore_plain import load_lore, spot_in_chapter
from server.models import LoreEntry
from tests.server.conftest import CHAPTERS, Client

NOBODY = "0" * 32


def written(api: Client) -> tuple[str, list[str]]:
    """A work with chapters and their ids; lore does not wait for an index."""
    work = api.ok("POST", "/api/works", json={"title": "试书"})["id"]
    path = f"/api/works/{work}/chapters"
    chapters = ({"title": title, "text": text} for title, text in CHAPTERS.items())
    return work, [api.ok("POST", path, json=c)["id"] for c in chapters]


def lorebook(
    api: Client, work: str, *entries: dict[str, Any], **fields: Any
) -> tuple[str, list[str]]:
    """The path of a new book, and the ids of its entries."""
    book = api.ok("POST", f"/api/works/{work}/lorebooks", json={"name": "设定", **fields})["id"]
    path = f"/api/works/{work}/lorebooks/{book}"
    return path, [api.ok("POST", f"{path}/entries", json=e)["id"] for e in entries]


def tried(api: Client, work: str, **where: Any) -> dict[str, Any]:
    answer: dict[str, Any] = api.ok("POST", f"/api/works/{work}/lore/test", json=where)
    return answer


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


def test_a_book_and_its_entries_live(api: Client) -> None:
    work, _ = written(api)
    path, (first, second) = lorebook(
        api, work, {"name": "渡口", "keys": [" 渡口 "], "content": "水大不渡"}, {"name": "砚"}
    )
    assert api.ok("GET", f"{path}/entries/{first}")["keys"] == ["渡口"]
    changed = api.ok("PATCH", f"{path}/entries/{first}", json={"sticky": 3, "logic": "not_any"})
    assert (changed["sticky"], changed["logic"], changed["content"]) == (3, "not_any", "水大不渡")
    api.ok("PATCH", path, json={"scan_depth": 2, "token_budget": 100})
    assert api.ok("PATCH", path, json={"token_budget": None})["token_budget"] is None
    assert api.ok("GET", path)["scan_depth"] == 2
    api.ok("DELETE", f"{path}/entries/{second}")
    assert names(api.ok("GET", f"{path}/entries")) == ["渡口"]
    api.ok("DELETE", path)
    assert api.ok("GET", f"/api/works/{work}/lorebooks") == []
    with api.desk.database.reading() as session:
        assert session.exec(select(LoreEntry)).all() == []


def test_an_entrys_scan_depth_goes_back_to_the_books(api: Client) -> None:
    work, _ = written(api)
    path, (entry,) = lorebook(api, work, {"scan_depth": 0})
    assert api.ok("GET", f"{path}/entries/{entry}")["scan_depth"] == 0
    assert (
        api.ok("PATCH", f"{path}/entries/{entry}", json={"scan_depth": None})["scan_depth"] is None
    )
    assert api.ok("PATCH", f"{path}/entries/{entry}", json={"sticky": None})["sticky"] == 0


def test_books_and_entries_are_ordered(api: Client) -> None:
    work, _ = written(api)
    path, ids = lorebook(api, work, {"name": "甲"}, {"name": "乙"}, {"name": "丙"})
    wanted = [ids[2], ids[0], ids[1]]
    assert names(api.ok("PUT", f"{path}/entries/order", json={"ids": wanted})) == ["丙", "甲", "乙"]
    assert names(api.ok("GET", f"{path}/entries")) == ["丙", "甲", "乙"]
    for wrong in (ids[:2], [*ids, ids[0]], [ids[0], ids[0], ids[1]], [*ids[:2], NOBODY]):
        api.refused(422, "incomplete_order", "PUT", f"{path}/entries/order", json={"ids": wrong})
    lorebook(api, work, name="第二本")
    books = f"/api/works/{work}/lorebooks"
    reverse = [b["id"] for b in api.ok("GET", books)][::-1]
    assert names(api.ok("PUT", f"{books}/order", json={"ids": reverse})) == ["第二本", "设定"]
    assert names(api.ok("GET", books)) == ["第二本", "设定"]


def test_an_entry_moves_to_another_book(api: Client) -> None:
    work, _ = written(api)
    path, (entry,) = lorebook(api, work, {"name": "甲"})
    other, _ = lorebook(api, work, {"name": "乙"})
    target = other.rsplit("/", 1)[1]
    api.ok("PATCH", f"{path}/entries/{entry}", json={"lorebook_id": target})
    assert names(api.ok("GET", f"{other}/entries")) == ["乙", "甲"]
    stranger, _ = written(api)
    foreign, _ = lorebook(api, stranger)
    gone = {"lorebook_id": foreign.rsplit("/", 1)[1]}
    api.refused(404, "lorebook_not_found", "PATCH", f"{other}/entries/{entry}", json=gone)


def test_another_works_book_is_as_absent_as_none(api: Client) -> None:
    work, _ = written(api)
    stranger, _ = written(api)
    path, (entry,) = lorebook(api, work, {})
    foreign = path.replace(work, stranger)
    api.refused(404, "lorebook_not_found", "GET", foreign)
    api.refused(404, "lorebook_not_found", "GET", f"{foreign}/entries")
    api.refused(404, "lorebook_not_found", "DELETE", f"{foreign}/entries/{entry}")
    api.refused(404, "lore_entry_not_found", "GET", f"{path}/entries/{NOBODY}")
    api.refused(404, "work_not_found", "GET", f"/api/works/{NOBODY}/lorebooks")


def test_values_outside_their_range_are_refused(api: Client) -> None:
    work, _ = written(api)
    path, _ = lorebook(api, work)
    for field in (
        {"probability": 101}, {"depth": -1}, {"logic": "xor"}, {"placement": "top"},
        {"keys": [""]}, {"keys": ["甲" * 2001]}, {"role": "robot"}, {"unknown": 1},
    ):  # fmt: skip
        api.refused(422, "invalid_request", "POST", f"{path}/entries", json=field)


def test_a_broken_pattern_is_kept_and_told(api: Client) -> None:
    work, _ = written(api)
    path, (entry, _) = lorebook(
        api, work, {"name": "坏", "keys": ["/(/", "渡船"]}, {"name": "好", "keys": ["渡船"]}
    )
    assert "写错了" in api.ok("GET", f"{path}/entries/{entry}")["faults"][0]
    answer = tried(api, work, text="一条渡船。")
    assert names(answer["hits"]) == ["坏", "好"]
    assert names(answer["faults"]) == ["坏"]


def test_places_are_of_the_work(api: Client) -> None:
    work, (first, *_) = written(api)
    stranger, (foreign, *_) = written(api)
    path, (entry,) = lorebook(api, work, {})
    new = f"{path}/entries"
    api.refused(404, "chapter_not_found", "POST", new, json={"since_chapter_id": foreign})
    late = {"since_chapter_id": first, "since_offset": 9999}
    api.refused(422, "offset_out_of_range", "POST", new, json=late)
    api.refused(
        404, "character_not_found", "POST", new, json={"known_by": [{"character_id": NOBODY}]}
    )
    api.ok("PATCH", f"{new}/{entry}", json={"until_chapter_id": first})
    api.refused(422, "offset_out_of_range", "PATCH", f"{new}/{entry}", json={"until_offset": 9999})
    assert stranger != work


def test_a_text_is_tried(api: Client) -> None:
    work, _ = written(api)
    path, _ = lorebook(
        api, work,
        {"name": "渡口", "keys": ["渡口"], "content": "撑船的是老周头"},
        {"name": "老周头", "keys": ["老周头"], "content": "怕水"},
        {"name": "空砚", "keys": ["空砚"], "secondary_keys": ["裂"]},
        {"name": "总则", "constant": True, "content": "一"},
        {"name": "静", "keys": ["山路"]},
        {"name": "单", "keys": ["渡"]},
        {"name": "哑"},
        {"name": "关", "keys": ["渡口"], "enabled": False},
    )  # fmt: skip
    answer = tried(api, work, text="到了渡口。\n空砚还在。", beat="写雨")
    hits = {h["name"]: h for h in answer["hits"]}
    assert hits.keys() == {"渡口", "老周头", "总则"}
    assert hits["渡口"]["reason"] == "“渡口”出现在往前第 2 段里"
    assert hits["老周头"]["kind"] == "recursion"
    assert hits["老周头"]["by"] == hits["渡口"]["id"]
    assert all(h["tokens"] > 0 for h in answer["hits"])
    assert answer["turns"] == 3
    assert names(answer["skipped"]) == ["空砚"]
    silent = {s["name"]: s["reason"] for s in answer["silent"]}
    assert "请写成 /渡/" in silent.pop("单")
    assert silent == {
        "静": "附近没有出现它的关键词", "哑": "既没有关键词，也不是常驻", "关": "没有启用"
    }  # fmt: skip
    api.ok("PATCH", path, json={"enabled": False})
    answer = tried(api, work, text="到了渡口。")
    assert answer["hits"] == []
    assert {s["reason"] for s in answer["silent"]} == {"所在的设定集没有启用"}


def test_a_budget_is_tried(api: Client) -> None:
    work, _ = written(api)
    path, _ = lorebook(
        api, work,
        {"name": "长", "constant": True, "content": "一" * 500},
        {"name": "短", "constant": True, "content": "一"},
    )  # fmt: skip
    answer = tried(api, work, text="", budget=50)
    assert (names(answer["hits"]), names(answer["skipped"])) == (["短"], ["长"])
    api.ok("PATCH", path, json={"token_budget": 0})
    assert tried(api, work, text="")["hits"] == []


def test_a_place_in_a_chapter_decides_what_is_known(api: Client) -> None:
    work, (first, second, third) = written(api)
    character = api.ok("POST", f"/api/works/{work}/characters", json={"name": "陆眠"})["id"]
    lorebook(
        api, work,
        {"name": "后来", "keys": ["渡口"], "since_chapter_id": third, "since_offset": 5},
        {"name": "从前", "keys": ["渡口"], "until_chapter_id": second},
        {"name": "秘密", "keys": ["渡口"],
         "known_by": [{"character_id": character, "chapter_id": second, "offset": 3}]},
    )  # fmt: skip

    def seen(chapter: str, offset: int, **who: Any) -> list[str]:
        here = {"chapter_id": chapter, "offset": offset, "beat": "去渡口", **who}
        return sorted(names(tried(api, work, **here)["hits"]))

    assert seen(first, 0) == ["从前", "秘密"]
    assert seen(second, 0) == ["秘密"]
    assert seen(third, 5) == ["后来", "秘密"]
    assert seen(second, 2, knower=character) == []
    assert seen(second, 3, knower=character) == ["秘密"]
    api.refused(
        404, "character_not_found", "POST", f"/api/works/{work}/lore/test", json={"knower": NOBODY}
    )
    api.refused(
        422, "offset_out_of_range", "POST", f"/api/works/{work}/lore/test",
        json={"chapter_id": first, "offset": 9999},
    )  # fmt: skip


def test_what_began_in_a_chapter_that_is_gone_holds_nowhere(api: Client) -> None:
    work, (first, second, _) = written(api)
    path, (entry,) = lorebook(
        api, work, {"name": "甲", "constant": True, "content": "一", "since_chapter_id": first}
    )
    assert names(tried(api, work, chapter_id=second)["hits"]) == ["甲"]
    api.ok("DELETE", f"/api/works/{work}/chapters/{first}")
    answer = tried(api, work, chapter_id=second)
    assert answer["hits"] == []
    assert "已不在" in answer["skipped"][0]["reason"]
    api.ok("PATCH", f"{path}/entries/{entry}", json={"since_chapter_id": None})
    assert names(tried(api, work, chapter_id=second)["hits"]) == ["甲"]


def test_paragraphs_of_the_chapter_are_its_turns(api: Client) -> None:
    work, _ = written(api)
    text = "大雾。\n\n无风。\n\n无雨。\n\n天晴。"
    chapter = api.ok("POST", f"/api/works/{work}/chapters", json={"title": "雾", "text": text})[
        "id"
    ]
    lorebook(api, work, {"name": "雾", "keys": ["大雾"], "sticky": 2}, scan_depth=0)

    def kinds(offset: int) -> list[str]:
        answer = tried(api, work, chapter_id=chapter, offset=offset)
        return [h["kind"] for h in answer["hits"]]

    # One turn after the other, and the empty beat is one more.
    assert [kinds(text.index(mark) + 3) for mark in ("大", "无风", "无雨")] == [
        ["sticky"], ["sticky"], []
    ]  # fmt: skip


def test_the_same_place_throws_the_same_dice(api: Client) -> None:
    work, (first, second, _) = written(api)
    lorebook(
        api, work,
        *({"name": f"{n}", "constant": True, "content": "一", "probability": 50}
          for n in range(20)),
    )  # fmt: skip
    once = names(tried(api, work, chapter_id=first)["hits"])
    assert once == names(tried(api, work, chapter_id=first)["hits"])
    assert once != names(tried(api, work, chapter_id=second)["hits"])


def test_rows_become_plain_data(api: Client) -> None:
    work, (first, second, _) = written(api)
    lorebook(api, work, {"name": "甲", "keys": ["砚"], "since_chapter_id": second})
    lorebook(api, work, {"name": "乙"}, name="关着的", enabled=False)
    with api.desk.database.reading() as session:
        (book,) = load_lore(session, work)
        spot = spot_in_chapter(session, work, first, None, "写")
    (entry,) = book.entries
    assert entry.validity.since == StoryPosition(1, 0)
    assert View(spot.position).refuses(entry.validity) == "此时还没有发生"
    assert spot.turns[-1] == "写"
    assert spot.seed == first


def sent(api: Client, work: str, data: bytes, name: str = "书.json") -> Any:
    return api.http.post(f"/api/works/{work}/lorebooks/import", files={"file": (name, data)})


def test_a_world_info_file_comes_in_works_and_goes_out_unchanged(api: Client) -> None:
    work, _ = written(api)
    told = {
        "entries": {
            "0": {"uid": 0, "key": ["渡口"], "keysecondary": [], "comment": "渡", "content": "水大",
                  "order": 7, "caseSensitive": None, "position": 0, "automationId": "x"},
            "1": {"uid": 1, "key": ["/(/"], "comment": "坏", "content": "一", "sticky": None},
        },
        "别的": [1, None],
    }  # fmt: skip
    answer = sent(api, work, json.dumps(told).encode(), "江湖.json")
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == "江湖"
    path = f"/api/works/{work}/lorebooks/{answer.json()['id']}"
    assert names(api.ok("GET", f"{path}/entries")) == ["渡", "坏"]
    tryout = tried(api, work, text="到了渡口。")
    assert (names(tryout["hits"]), names(tryout["faults"])) == (["渡"], ["坏"])
    out = api.http.get(f"{path}/export")
    assert out.json()["entries"] == {
        k: v | {"displayIndex": n} for n, (k, v) in enumerate(told["entries"].items())
    }
    assert out.json()["别的"] == [1, None]
    assert "attachment" in out.headers["content-disposition"]


def test_a_book_goes_out_as_a_character_book_and_comes_back(api: Client) -> None:
    work, _ = written(api)
    path, _ = lorebook(
        api, work,
        {"name": "甲", "keys": ["/渡+/i"], "content": "一", "priority": 9, "placement": "lore"},
        {"name": "乙", "constant": True, "content": "二", "scan_depth": 3, "logic": "not_all"},
        token_budget=77, recursive=False, scan_depth=0,
    )  # fmt: skip
    for form in ("character_book", "world_info"):
        data = api.http.get(f"{path}/export", params={"format": form}).content
        back = sent(api, work, data).json()
        assert (back["token_budget"], back["recursive"], back["scan_depth"]) == (77, False, 0)
        again = api.ok("GET", f"/api/works/{work}/lorebooks/{back['id']}/entries")
        own = {"id", "lorebook_id", "extra", "created_at", "updated_at"}
        assert [{k: v for k, v in e.items() if k not in own} for e in again] == [
            {k: v for k, v in e.items() if k not in own} for e in api.ok("GET", f"{path}/entries")
        ]


def test_a_file_that_is_no_lorebook_is_refused(api: Client) -> None:
    work, _ = written(api)
    for data in (b"", b"{}", b"[]"):
        answer = sent(api, work, data)
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "unknown_lorebook"
    assert api.ok("GET", f"/api/works/{work}/lorebooks") == []
