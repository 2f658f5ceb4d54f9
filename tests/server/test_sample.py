"""The sample novel: there on the first start, whole, and linked to its outline."""

import json
from pathlib import Path

from starlette.testclient import TestClient

from server.app import create_app
from server.settings import SAMPLE
from tests.server.conftest import Client, make_desk


def test_the_desk_never_opens_empty(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.settings.sample = True
    with TestClient(create_app(desk)) as http:
        api = Client(http, desk)
        (work,) = api.ok("GET", "/api/works")
        assert work["chapters"] >= 8
        assert work["chars"] >= 16_000
        root = f"/api/works/{work['id']}"
        characters = api.ok("GET", f"{root}/characters")
        assert len(characters) >= 6
        assert any(c["aliases"] for c in characters)
        outline = api.ok("GET", f"{root}/outline")
        linked = {n["chapter_id"] for n in outline if n["chapter_id"]}
        assert linked == {c["id"] for c in api.ok("GET", f"{root}/chapters")}
        api.ok("DELETE", root)


def test_an_author_brings_it_back_beside_their_own(api: Client) -> None:
    own = api.ok("POST", "/api/works", json={"title": "自己的"})
    sample = api.ok("POST", "/api/works/sample")
    assert sample["chapters"] >= 8
    assert len(api.ok("GET", f"/api/works/{sample['id']}/characters")) >= 6
    assert {w["id"] for w in api.ok("GET", "/api/works")} == {own["id"], sample["id"]}
    assert api.desk.indexer.fresh(sample["id"], 60)


def test_it_is_loaded_once_and_a_deleted_one_stays_deleted(tmp_path: Path) -> None:
    for _ in range(2):
        desk = make_desk(tmp_path)
        desk.settings.sample = True
        with TestClient(create_app(desk)) as http:
            api = Client(http, desk)
            works = api.ok("GET", "/api/works")
            for work in works:
                api.ok("DELETE", f"/api/works/{work['id']}")
    assert works == []


def test_the_bible_quotes_the_novel() -> None:
    """Every piece of evidence stands in its chapter, word for word."""
    chapters = (SAMPLE / "novel.md").read_text(encoding="utf-8").split("\n### ")[1:]
    bible = json.loads((SAMPLE / "bible.json").read_text(encoding="utf-8"))
    quotes = [(f["chapter"], f["evidence"]) for f in bible["facts"]]
    quotes += [(h["chapter"], h["evidence"]) for o in bible["objects"] for h in o["history"]]
    for thread in bible["threads"]:
        events = [thread["planted"], *thread["advanced"], thread["resolved"]]
        quotes += [(e["chapter"], e["evidence"]) for e in events if e]
    assert len(quotes) > 100
    assert [q for n, q in quotes if q not in chapters[n - 1]] == []


def test_its_relations_and_threads_are_those_of_the_place(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.settings.sample = True
    with TestClient(create_app(desk)) as http:
        api = Client(http, desk)
        root = f"/api/works/{api.ok('GET', '/api/works')[0]['id']}"
        people = {c["name"]: c for c in api.ok("GET", f"{root}/characters")}
        assert all(c["voice"] and c["summary"] for c in people.values())
        chapters = [c["id"] for c in api.ok("GET", f"{root}/chapters")]

        def bonds(name: str, chapter: int, viewpoint: str | None = None) -> set[tuple[str, str]]:
            query = {"chapter_id": chapters[chapter - 1], "offset": 0}
            query |= {"viewpoint": people[viewpoint]["id"]} if viewpoint else {}
            path = f"{root}/characters/{people[name]['id']}/standing"
            told = api.ok("GET", path, params=query)["relations"]
            return {(b["name"], b["label"][:2]) for b in told}

        assert ("夏桂英", "妻子") not in bonds("罗长庚", 7)
        assert ("夏桂英", "妻子") in bonds("罗长庚", 8)
        assert ("夏桂英", "妻子") not in bonds("罗长庚", 8, "罗小满")
        assert ("邹莲", "念信") in bonds("计素", 6)
        assert ("邹莲", "同伴") in bonds("计素", 8)
        threads = {t["title"]: t for t in api.ok("GET", f"{root}/threads")}
        assert {t["state"] for t in threads.values()} == {"planted", "advanced", "resolved"}
        assert not any(e["quote_changed"] for t in threads.values() for e in t["events"])
        assert len(api.ok("GET", f"{root}/timeline")) > 150
