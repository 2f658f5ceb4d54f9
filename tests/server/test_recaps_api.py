"""Recaps over HTTP: made after a save, by hand, by the model when asked, and shown with who."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from retrieval.timeline import View
from retrieval.types import StoryPosition
from server.app import create_app
from server.engines.scripted import Delay, Fail, ScriptedEngine, Step, Text
from server.errors import EngineLost
from server.recaps.notes import recap_notes
from tests.server.conftest import Client, make_desk

STORY = "沈砚在渡口等船。老周头说水大，不渡。陆眠把砚台放在船头，说那就走旱路。"


def chapter_text(n: int) -> str:
    """A chapter with a word that stands nowhere else, long enough for a model to tell."""
    return "\n".join(f"{STORY}第{n}天的记号是印{n:03}号。" for _ in range(14))


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def api(tmp_path: Path, engine: ScriptedEngine) -> Iterator[Client]:
    desk = make_desk(tmp_path / "desk", engine)
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        yield Client(http, desk)


def wait_for(true: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def book(api: Client, chapters: int = 12) -> tuple[str, list[str]]:
    return made(api, {f"第{n}章": chapter_text(n) for n in range(1, chapters + 1)})


def made(api: Client, chapters: dict[str, str]) -> tuple[str, list[str]]:
    """A work whose recaps are made; its index may not be yet."""
    work = api.ok("POST", "/api/works", json={"title": "试书"})["id"]
    root = f"/api/works/{work}/chapters"
    ids = [
        api.ok("POST", root, json={"title": title, "text": text})["id"]
        for title, text in chapters.items()
    ]
    assert api.desk.recaps.fresh(work, 60)
    return work, ids


def tree(api: Client, work: str) -> dict[tuple[str, str], dict[str, Any]]:
    told = api.ok("GET", f"/api/works/{work}/recaps")
    return {(r["level"], r["target_id"]): r for r in told["recaps"]}


def test_every_chapter_has_a_recap_after_it_was_saved(api: Client) -> None:
    work, ids = book(api, 3)
    told = api.ok("GET", f"/api/works/{work}/recaps")
    assert told["mode"] == "auto"
    assert told["progress"] == {
        "total": 4, "fresh": 4, "by_model": 0, "by_author": 0, "waiting_for_model": 0,
    }  # fmt: skip
    recap = tree(api, work)["chapter", ids[1]]
    assert recap["maker"] == "extractive"
    assert "印002号" in recap["text"]
    assert not recap["stale"]
    assert recap["part_id"] == ids[0]


def test_an_edit_remakes_what_read_it_and_nothing_else(api: Client) -> None:
    work, ids = book(api, 30)
    before = tree(api, work)
    path = f"/api/works/{work}/chapters/{ids[4]}"
    revision = api.ok("GET", path)["revision"]
    text = chapter_text(77)
    api.ok("PUT", path, json={"text": text, "base_revision": revision})
    assert api.desk.recaps.fresh(work, 60)
    after = tree(api, work)
    assert set(after) == set(before)
    touched = {key for key in after if after[key]["updated_at"] != before[key]["updated_at"]}
    part = before["chapter", ids[4]]["part_id"]
    allowed = {("chapter", ids[4]), ("volume", part)} | {k for k in after if k[0] == "book"}
    assert ("chapter", ids[4]) in touched <= allowed
    assert "印077号" in after["chapter", ids[4]]["text"]
    assert not any(r["stale"] for r in after.values())


def test_the_prompt_s_items_hold_nothing_of_the_chapter_or_after_it(api: Client) -> None:
    work, _ = book(api, 30)
    with api.desk.database.reading() as session:
        for place in (0, 1, 8, 14, 29, 30):
            items = recap_notes(session, work, View(StoryPosition(place, 5)))
            said = "".join(i.text for i in items)
            assert all(f"印{n:03}号" not in said for n in range(place + 1, 31))
            assert (f"印{place:03}号" in said) == (place > 0)
        assert recap_notes(session, work, View(StoryPosition(9, 0)), automatic=False) == []


def test_what_the_author_writes_stays_and_is_marked_when_the_text_changes(api: Client) -> None:
    work, ids = book(api, 3)
    root = f"/api/works/{work}/recaps/chapter/{ids[0]}"
    api.ok("PUT", root, json={"text": " 沈砚等船，没有等到。 "})
    assert api.desk.recaps.fresh(work, 60)
    recap = tree(api, work)["chapter", ids[0]]
    assert (recap["maker"], recap["text"]) == ("author", "沈砚等船，没有等到。")
    path = f"/api/works/{work}/chapters/{ids[0]}"
    api.ok("PUT", path, json={"text": chapter_text(99), "base_revision": 1})
    assert api.desk.recaps.fresh(work, 60)
    recap = tree(api, work)["chapter", ids[0]]
    assert (recap["text"], recap["stale"]) == ("沈砚等船，没有等到。", True)
    assert recap["changed_chapters"] == [ids[0]]
    with api.desk.database.reading() as session:
        (item,) = recap_notes(session, work, View(StoryPosition(1, 0)))
    assert item.source == "前情·第一章（手写，读过的正文改过了）"
    api.refused(
        409, "recap_by_author", "POST", f"/api/works/{work}/recaps/refresh",
        json={"level": "chapter", "target_id": ids[0]},
    )  # fmt: skip
    api.ok("DELETE", root)
    assert api.desk.recaps.fresh(work, 60)
    assert "印099号" in tree(api, work)["chapter", ids[0]]["text"]
    api.refused(404, "recap_not_found", "DELETE", root)


def test_the_author_s_recap_of_a_deleted_chapter_is_kept_but_never_shown(api: Client) -> None:
    work, ids = book(api, 3)
    api.ok(
        "PUT", f"/api/works/{work}/recaps/chapter/{ids[0]}", json={"text": "沈砚等船，没有等到。"}
    )
    api.ok("DELETE", f"/api/works/{work}/chapters/{ids[0]}")
    assert api.desk.recaps.fresh(work, 60)
    told = api.ok("GET", f"/api/works/{work}/recaps")
    assert [u["text"] for u in told["unplaced"]] == ["沈砚等船，没有等到。"]
    with api.desk.database.reading() as session:
        items = recap_notes(session, work, View(StoryPosition(2, 0)))
    assert items
    assert all("没有等到" not in i.text for i in items)
    api.ok("POST", f"/api/works/{work}/chapters/{ids[0]}/restore")
    assert api.desk.recaps.fresh(work, 60)
    assert tree(api, work)["chapter", ids[0]]["text"] == "沈砚等船，没有等到。"


GOOD = "沈砚在渡口等船，老周头说水大，不渡，陆眠说那就走旱路。"


def scripted(
    tmp_path: Path, *script: Step | tuple[Step, ...], **settings: Any
) -> tuple[Any, ScriptedEngine]:
    engine = ScriptedEngine(script=script, window=4096)
    return make_desk(tmp_path / "desk", engine, **settings), engine


def ask(api: Client, work: str, chapter: str) -> None:
    api.ok(
        "POST", f"/api/works/{work}/recaps/refresh",
        json={"model": True, "level": "chapter", "target_id": chapter},
    )  # fmt: skip


def test_the_model_tells_a_recap_when_it_is_asked(tmp_path: Path) -> None:
    desk, engine = scripted(tmp_path, Text(GOOD))
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        api = Client(http, desk)
        work, ids = book(api, 3)
        assert engine.requests == []
        ask(api, work, ids[1])
        told = wait_for(lambda: (r := tree(api, work)["chapter", ids[1]])["maker"] == "model" and r)
        assert (told["text"], told["model"]) == (GOOD, "scripted")
        assert "印002号" in engine.requests[0].messages[1].content
        with desk.database.reading() as session:
            (item,) = [
                i for i in recap_notes(session, work, View(StoryPosition(2, 0))) if GOOD in i.text
            ]
        assert item.source == "前情·第二章（模型）"


def test_the_author_s_own_template_asks_for_it_and_another_asks_anew(tmp_path: Path) -> None:
    again = GOOD.replace("旱路", "小路")
    desk, engine = scripted(tmp_path, Text(GOOD), Text(again))
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        api = Client(http, desk)
        work, ids = book(api, 3)
        where: dict[str, Any] = {"params": {"work_id": work}}
        parts = {"system": "只记人名。", "user": "{{ text }}，{{ length }}字以内", "assistant": ""}
        saved = api.ok("PUT", "/api/templates/recap", json=parts, **where)
        assert saved["origin"] == "work"
        ask(api, work, ids[1])
        wait_for(lambda: tree(api, work)["chapter", ids[1]]["maker"] == "model")
        system, user = engine.requests[0].messages
        assert system.content == "只记人名。"
        assert "印002号" in user.content
        with desk.database.reading() as session:
            by = desk.recaps.by(session, work)
            assert by is None or by.version == saved["version"]
        api.ok("DELETE", "/api/templates/recap", **where)
        ask(api, work, ids[1])
        wait_for(lambda: tree(api, work)["chapter", ids[1]]["text"] == again)
        assert engine.requests[1].messages[0].content != "只记人名。"
        parts["user"] = "{{ length }}字以内"
        told = api.refused(422, "broken_template", "PUT", "/api/templates/recap", json=parts)
        assert "原文" in told


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "模型没有写出内容"),
        ("沈砚在渡口等船。" * 30, "模型来回重复"),
        ("只记原文写明的事：谁做了什么，为什么，结果怎样，全都要写。", "模型照抄了要求"),
        (STORY + "第1天的记号是印001号。", "模型只是照抄了一段原文"),
        ("王强说老周头在渡口等船，水大，陆眠把砚台放在船头。", "模型写了原文里没有的“王强”"),
        ("月光照耀着遥远的星系，飞船缓缓驶向未知的边境要塞。", "模型写的和原文对不上"),
    ],
)
def test_what_is_no_recap_is_refused_with_the_reason(tmp_path: Path, said: str, why: str) -> None:
    desk, engine = scripted(tmp_path, Text(said), Text(said))
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        api = Client(http, desk)
        work, ids = book(api, 2)
        ask(api, work, ids[0])
        recap = wait_for(lambda: (r := tree(api, work)["chapter", ids[0]])["refused"] and r)
        assert (recap["maker"], recap["refused"]) == ("extractive", why)
        assert "印001号" in recap["text"]
        assert len(engine.requests) == 2


def test_a_long_chapter_is_told_in_pieces(tmp_path: Path) -> None:
    desk, engine = scripted(tmp_path, *[Text(GOOD)] * 20)
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        api = Client(http, desk)
        long = "\n".join(f"{STORY}第{n}天的记号是印{n:03}号。" for n in range(150))
        work, ids = made(api, {"第1章": long, "第2章": STORY})
        ask(api, work, ids[0])
        wait_for(lambda: tree(api, work)["chapter", ids[0]]["maker"] == "model")
        asked = [r.messages[1].content for r in engine.requests]
        assert len(asked) >= 3
        assert all(any(f"印{n:03}号" in a for a in asked) for n in range(150))
        assert GOOD in asked[-1]


def test_a_person_s_request_goes_first_and_the_recap_is_told_after_it(tmp_path: Path) -> None:
    desk, engine = scripted(tmp_path, Delay(60), (Delay(0.3), Text("雨停了。" * 30)), Text(GOOD))
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        api = Client(http, desk)
        work, ids = book(api, 3)
        ask(api, work, ids[0])
        wait_for(lambda: engine.running == 1)
        assert tree(api, work)["chapter", ids[0]]["telling"]
        written = api.ok(
            "POST", f"/api/works/{work}/chapters/{ids[2]}/continue",
            json={"length": 50, "stream": False},
        )  # fmt: skip
        assert written["text"].startswith("雨停了。")
        wait_for(lambda: tree(api, work)["chapter", ids[0]]["maker"] == "model")
        assert len(engine.requests) == 3
        assert engine.running == 0


def test_an_engine_that_breaks_off_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.recaps.worker.AGAIN", 0.05)
    desk, _ = scripted(tmp_path, Fail(EngineLost("断了。"), after=1), Text(GOOD))
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        api = Client(http, desk)
        work, ids = book(api, 2)
        ask(api, work, ids[0])
        wait_for(lambda: tree(api, work)["chapter", ids[0]]["maker"] == "model")
        assert tree(api, work)["chapter", ids[0]]["refused"] == ""


def test_closing_the_desk_drops_what_the_model_is_doing(tmp_path: Path) -> None:
    desk, engine = scripted(tmp_path, Delay(60))
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        api = Client(http, desk)
        work, ids = book(api, 2)
        ask(api, work, ids[0])
        wait_for(lambda: engine.running == 1)
        begun = time.monotonic()
    assert time.monotonic() - begun < 10
    assert engine.running == 0


def test_without_a_model_or_without_recaps(tmp_path: Path) -> None:
    for mode, code in (("extractive", "recaps_without_model"), ("off", "recaps_off")):
        desk, _ = scripted(tmp_path / mode, recaps=mode)
        with TestClient(create_app(desk), raise_server_exceptions=False) as http:
            api = Client(http, desk)
            work, ids = book(api, 2)
            recap = tree(api, work)["chapter", ids[0]]
            assert recap["maker"] == ("extractive" if mode == "extractive" else "none")
            said = api.refused(
                409, code, "POST", f"/api/works/{work}/recaps/refresh",
                json={"model": True},
            )  # fmt: skip
            assert mode in said


def test_refusals(api: Client) -> None:
    work, ids = book(api, 2)
    root = f"/api/works/{work}/recaps"
    api.refused(404, "work_not_found", "GET", f"/api/works/{'0' * 32}/recaps")
    api.refused(404, "recap_not_found", "PUT", f"{root}/chapter/{'0' * 32}", json={"text": "没有"})
    api.refused(404, "recap_not_found", "PUT", f"{root}/book/{ids[0]}", json={"text": "没有"})
    api.refused(422, "invalid_request", "PUT", f"{root}/chapter/{ids[0]}", json={"text": "  "})
    api.refused(422, "invalid_request", "PUT", f"{root}/scene/{ids[0]}", json={"text": "没有"})
    api.refused(422, "invalid_request", "POST", f"{root}/refresh", json={"level": "chapter"})
    api.desk.engine.state = "starting"  # type: ignore[attr-defined]
    api.refused(503, "engine_starting", "POST", f"{root}/refresh", json={"model": True})
