"""Character cards of other tools over HTTP: in, as they were said, and out again."""

import io
import json
import zipfile
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from server.personas.interchange import png as png_file
from tests.server.cards_made import BOOK, V1, V2, V3, as_json, charx, picture, png
from tests.server.conftest import Client
from tests.server.talking import Talk, sent

ROOT = "/api/personas"


def brought(api: Client, data: bytes, name: str = "卡.json") -> dict[str, Any]:
    told: dict[str, Any] = api.ok("POST", f"{ROOT}/import", files={"file": (name, data)})
    return told


def taken(api: Client, persona: str, form: str) -> bytes:
    answer = api.http.get(f"{ROOT}/{persona}/export?format={form}")
    assert answer.status_code == 200, answer.text
    return answer.content


def out(api: Client, persona: str, form: str) -> Any:
    return json.loads(taken(api, persona, form))


FILES = {
    "v1": as_json(V1),
    "v2": as_json(V2),
    "v3": as_json(V3),
    "png v2": png({"chara": as_json(V2)}),
    "png both": png({"chara": as_json(V1), "ccv3": as_json(V3)}),
    "charx": charx({"card.json": as_json(V3)}),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_card_of_each_kind_becomes_a_persona(api: Client, kind: str) -> None:
    told = brought(api, FILES[kind])
    made = told["persona"]
    assert told["left"] == []
    assert (made["name"], made["first_message"]) == ("老周", "水大，不渡。")
    assert made["examples"] == ["平安不收钱。", "给酒就行。", "上船。"]
    assert made["avatar"] == kind.startswith("png")
    lore = api.ok("GET", f"{ROOT}/{made['id']}/lore")
    if kind == "v1":
        assert lore == []
    else:
        assert made["alternates"] == ["又来了？", "今日不渡。"]
        assert (made["tags"], made["creator"], made["notes"]) == (["渡口", "老人"], "某人", "旧卡")
        assert [(e["keys"], e["content"]) for e in lore] == [(["罗嫂"], "左腿短一截。")]


def test_a_round_trip_loses_nothing(api: Client) -> None:
    first = brought(api, as_json(V2))["persona"]["id"]
    assert out(api, first, "v2") == V2
    third = brought(api, as_json(V3))["persona"]["id"]
    assert out(api, third, "v3") == V3
    old = brought(api, as_json(V1))["persona"]["id"]
    assert out(api, old, "v1") == V1
    assert out(api, old, "v2")["odd"] == V1["odd"]


@pytest.mark.parametrize("form", ["v2", "v3", "png", "charx"])
def test_what_goes_out_comes_in_again_as_it_was(api: Client, form: str) -> None:
    made = brought(api, png({"ccv3": as_json(V3)}))["persona"]
    again = brought(api, taken(api, made["id"], form))["persona"]
    own = {"id", "slug", "position", "color", "created_at", "updated_at", "avatar"}
    assert {k: v for k, v in again.items() if k not in own} == {
        k: v for k, v in made.items() if k not in own
    }
    assert again["avatar"] == (form in ("png", "charx"))
    assert out(api, again["id"], "v3")["data"]["nickname"] == "周伯"


def test_what_the_author_changed_is_written_and_the_rest_is_left(api: Client) -> None:
    doubled = V2 | {"name": "老周", "first_mes": "水大，不渡。", "description": "另一份"}
    made = brought(api, as_json(doubled))["persona"]["id"]
    change = {"first_message": "渡。", "examples": ["走吧。"], "summary": "撑船的"}
    api.ok("PATCH", f"{ROOT}/{made}", json=change)
    lore = api.ok("GET", f"{ROOT}/{made}/lore")
    lore[0]["content"] = "右腿短一截。"
    api.ok("PUT", f"{ROOT}/{made}/lore", json={"entries": lore})
    told = out(api, made, "v2")
    data = told["data"]
    assert (data["first_mes"], told["first_mes"], told["description"]) == ("渡。", "渡。", "另一份")
    assert data["mes_example"] == "<START>\n{{char}}: 走吧。"
    assert data["extensions"]["yanchi"] == {"summary": "撑船的"}
    assert data["extensions"]["talkativeness"] == "0.5"
    entry = data["character_book"]["entries"][0]
    assert entry == BOOK["entries"][0] | {"content": "右腿短一截。"}
    assert brought(api, as_json(told))["persona"]["summary"] == "撑船的"


def test_a_persona_of_ours_goes_out_as_a_whole_card(api: Client) -> None:
    made = api.ok("POST", ROOT, json={"name": "阿檀", "examples": ["门是门。"]})["id"]
    data = out(api, made, "v2")["data"]
    assert {"creator_notes", "system_prompt", "character_version", "extensions"} <= data.keys()
    assert "character_book" not in data
    assert out(api, made, "v3")["data"]["group_only_greetings"] == []
    card = taken(api, made, "png")
    with Image.open(io.BytesIO(card)) as drawn:
        drawn.load()
        assert json.loads(b64decode(drawn.info["chara"]))["spec"] == "chara_card_v2"
        assert json.loads(b64decode(drawn.info["ccv3"]))["spec"] == "chara_card_v3"


def test_a_charx_has_its_picture_and_says_what_was_left(api: Client) -> None:
    assets = [
        {"type": "emotion", "uri": "embeded://assets/sad.png", "name": "sad", "ext": "png"},
        {"type": "icon", "uri": "embeded://assets/face.png", "name": "main", "ext": "png"},
        {"type": "icon", "uri": "https://example.invalid/b.png", "name": "b", "ext": "png"},
    ]
    card = V3 | {"data": V3["data"] | {"assets": assets}}
    files = {"card.json": as_json(card), "assets/face.png": picture(), "assets/sad.png": b"x"}
    told = brought(api, charx(files), "卡.charx")
    made = told["persona"]
    assert told["left"] == ["assets/sad.png"]
    assert made["avatar"] is True
    assert out(api, made["id"], "v3")["data"]["assets"] == [assets[2]]
    with zipfile.ZipFile(io.BytesIO(taken(api, made["id"], "charx"))) as archive:
        icon, other = json.loads(archive.read("card.json"))["data"]["assets"]
        assert other == assets[2]
        kept = archive.read(icon["uri"].removeprefix("embeded://"))
    with Image.open(io.BytesIO(kept)) as drawn:
        assert drawn.size == (60, 90)


def test_a_broken_picture_does_not_cost_the_card(api: Client) -> None:
    card = V3 | {"data": V3["data"] | {"assets": [
        {"type": "icon", "uri": "embeded://a.png", "name": "main", "ext": "png"}]}}  # fmt: skip
    told = brought(api, charx({"card.json": as_json(card), "a.png": b"no picture"}))
    assert told["persona"]["avatar"] is False
    (sentence,) = told["left"]
    assert sentence.endswith("。")


def test_a_cards_template_code_is_text(api: Client) -> None:
    evil = "{{char}}{{ 7 * 7 }}{% include '/etc/passwd' %}{{cycler.__init__}}{{#if}}"
    card = {"name": "甲", "description": evil, "first_mes": evil}
    made = brought(api, as_json(card))["persona"]
    talk = Talk(api)
    talk.root = f"/api/conversations/{talk.begin(persona_id=made['id'])}"
    expected = evil.replace("{{char}}", "甲")
    assert talk.path()[0]["text"] == expected
    assert expected in sent(talk.say("喂"))


def test_a_lorebook_in_a_card_comes_into_a_work(api: Client) -> None:
    work, _ = api.book()
    for data in (FILES["png both"], FILES["charx"], FILES["v2"]):
        path = f"/api/works/{work}/lorebooks"
        book = api.ok("POST", f"{path}/import", files={"file": ("a", data)})
        (entry,) = api.ok("GET", f"{path}/{book['id']}/entries")
        assert (book["name"], entry["content"]) == ("渡口旧事", "左腿短一截。")


REAL = ("default_CodingSensei.png", "default_FluxTheCat.png")


@pytest.mark.parametrize("name", REAL)
def test_real_cards_come_in_and_go_out_whole(api: Client, shared_data: Path, name: str) -> None:
    data = (shared_data / "interchange" / name).read_bytes()
    raw = json.loads(png_file.read_text(data, ["chara"]) or b"")
    made = brought(api, data, name)["persona"]
    assert made["name"] == raw["data"]["name"]
    assert made["first_message"] == raw["data"]["first_mes"].replace("\r\n", "\n")
    assert made["avatar"] is True
    assert out(api, made["id"], "v2") == raw
    again = taken(api, made["id"], "png")
    assert json.loads(png_file.read_text(again, ["chara"]) or b"") == raw
    assert brought(api, again)["persona"]["description"] == made["description"]
