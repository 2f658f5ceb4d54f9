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
    quotes += [(t["planted"]["chapter"], t["planted"]["evidence"]) for t in bible["threads"]]
    assert len(quotes) > 100
    assert [q for n, q in quotes if q not in chapters[n - 1]] == []
