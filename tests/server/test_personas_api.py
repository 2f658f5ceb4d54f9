"""Personas' cards over HTTP, their pictures, and those that come along."""

import io
from pathlib import Path

from PIL import Image
from starlette.testclient import TestClient

from server.app import create_app
from server.personas.macros import fill
from server.personas.reply import Reply
from server.settings import PERSONAS
from tests.server.conftest import Client, make_desk
from tests.server.talking import Talk, sent

ROOT = "/api/personas"


def test_a_card_is_made_changed_and_found(api: Client) -> None:
    made = api.ok("POST", ROOT, json={"name": "Old Zhou", "tags": ["渡口"]})
    assert made["slug"] == "old-zhou"
    again = api.ok("POST", ROOT, json={"name": "Old Zhou"})
    assert again["slug"].startswith("old-zhou-")
    path = f"{ROOT}/{made['id']}"
    changed = api.ok("PATCH", path, json={"summary": "撑船的", "alternates": ["喂。"]})
    assert (changed["summary"], changed["tags"]) == ("撑船的", ["渡口"])
    api.refused(409, "slug_taken", "PATCH", path, json={"slug": again["slug"]})
    assert [p["id"] for p in api.ok("GET", ROOT)] == [made["id"], again["id"]]
    api.refused(404, "persona_not_found", "GET", f"{ROOT}/{'0' * 32}")


def test_a_place_must_be_of_the_work(api: Client) -> None:
    work, chapters = api.book()
    other, elsewhere = api.book()
    api.refused(422, "persona_without_work", "POST", ROOT,
                json={"name": "甲", "chapter_id": chapters[0]})  # fmt: skip
    made = api.ok("POST", ROOT, json={"name": "甲", "work_id": work, "chapter_id": chapters[1]})
    assert (made["work"], made["place"]) == ("试书", "第二章　空砚")
    path = f"{ROOT}/{made['id']}"
    api.refused(404, "chapter_not_found", "PATCH", path, json={"chapter_id": elsewhere[0]})
    moved = api.ok("PATCH", path, json={"work_id": other})
    assert (moved["work_id"], moved["chapter_id"], moved["place"]) == (other, None, "")


def test_a_picture_is_drawn_anew(api: Client) -> None:
    made = api.ok("POST", ROOT, json={"name": "甲"})
    path = f"{ROOT}/{made['id']}/avatar"
    api.refused(404, "portrait_not_found", "GET", path)
    drawn = io.BytesIO()
    Image.new("RGB", (900, 600), "red").save(drawn, "PNG")
    assert api.ok("PUT", path, files={"file": ("a.png", drawn.getvalue())})["avatar"]
    answer = api.http.get(path)
    assert answer.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(answer.content)).size == (512, 341)
    headers = {"if-none-match": answer.headers["etag"]}
    assert api.http.get(path, headers=headers).status_code == 304
    api.refused(422, "not_a_picture", "PUT", path, files={"file": ("a.png", b"no picture")})
    api.ok("DELETE", path)
    assert not api.ok("GET", f"{ROOT}/{made['id']}")["avatar"]


def test_macros_are_put_in_once_and_nothing_else_is(api: Client) -> None:
    told = fill("{{char}}对{{ USER }}和<user>说：{{original}}{% x %}", "{{user}}", "甲")
    assert told == "{{user}}对甲和甲说：{{original}}{% x %}"
    talk = Talk(api, description="{{ 7 * 7 }}{% for x in y %}，{{char}}")
    assert "{{ 7 * 7 }}{% for x in y %}，阿檀" in sent(talk.say("喂"))


def test_a_label_is_held_back_only_while_it_may_be_one() -> None:
    pieces = ["\n阿", "檀", "：", "来", "了"]
    reply = Reply("阿檀", 100)
    assert [reply.take(p) for p in pieces] == ["", "", "", "来", "了"]
    assert reply.text == "来了"
    plain = Reply("阿檀", 100)
    assert plain.take("阿") == ""
    assert plain.take("姐来了") == "阿姐来了"
    short = Reply("阿檀", 100)
    short.take("阿")
    assert (short.rest(), short.text) == ("阿", "阿")


def test_the_author_may_change_the_template(api: Client) -> None:
    talk = Talk(api)
    parts = api.ok("GET", "/api/templates/persona")
    mine = {k: parts[k] for k in ("system", "user", "assistant")} | {"system": "{{ char }}在此。"}
    api.ok("PUT", "/api/templates/persona", json=mine)
    assert sent(talk.say("喂")).startswith("阿檀在此。")
    api.refused(422, "broken_template", "PUT", "/api/templates/persona",
                json=mine | {"user": "不说"})  # fmt: skip


def test_shipped_personas_come_once_and_stand_where_they_stand(tmp_path: Path) -> None:
    desk = make_desk(tmp_path / "desk")
    desk.settings.sample = True
    with TestClient(create_app(desk)) as http:
        api = Client(http, desk)
        cards = {p["slug"]: p for p in api.ok("GET", ROOT)}
        assert len(cards) == len(list(PERSONAS.glob("*.json"))) >= 4
        huanhuan, postmaster = cards["huanhuan"], cards["tang-boheng"]
        assert len(api.ok("GET", f"{ROOT}/{huanhuan['id']}/lore")) >= 5
        assert postmaster["work"] == "平安不收钱"
        assert postmaster["place"].startswith("第三章")
        desk.load_sample()
        assert len(api.ok("GET", ROOT)) == len(cards)
        known = api.ok("GET", f"{ROOT}/{postmaster['id']}/knowledge")
        assert not [k for k in known["known"] if "已死" in k["text"]]
        assert any("已死" in k["text"] for k in known["unknown"])
        begun = api.ok("POST", "/api/conversations", json={"persona_id": postmaster["id"]})
        path = f"/api/conversations/{begun['id']}/messages"
        answer = http.post(
            path, json={"text": "汤老板，你后来怎样了？", "parent_id": begun["leaf_id"]}
        )
        assert "砚池里" not in answer.text.partition("event: delta")[0].partition('"dropped"')[0]
