"""Several personas in one conversation: whose turn it is, what each of them reads, what goes out."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.engines.scripted import ScriptedEngine, Text
from server.personas.turns import Seat, Words, next_speaker
from tests.server.conftest import Client, make_desk
from tests.server.talking import Talk, events, sent

LIAN: dict[str, Any] = {
    "name": "周莲生",
    "nickname": "阿莲",
    "description": "{{char}}在灯市卖莲子。她怕火。",
    "first_message": "",
}
SHUI: dict[str, Any] = {"name": "老水", "description": "撑船的。", "first_message": ""}
A, B, C = (letter * 32 for letter in "abc")
SEATS = [Seat(A, ("阿檀",), True), Seat(B, ("周莲生", "阿莲"), True), Seat(C, ("老水",), True)]


@pytest.mark.parametrize(
    ("said", "next_one"),
    [
        ([], A),
        ([(A, "来了。"), (None, "阿莲，你说，别问老水。")], B),
        ([(B, "来了。"), (None, "周莲生呢？")], B),
        ([(B, "问阿檀，还是问老水？"), (None, "随便。")], C),
        ([(A, "老水在哪？")], C),
        ([(A, "来了。"), (None, "嗯。")], B),
        ([(A, "来了。"), (B, "阿莲来了。")], C),
        ([(C, "开船。")], A),
    ],
)
def test_whose_turn_it_is(said: list[tuple[str | None, str]], next_one: str) -> None:
    assert next_speaker(SEATS, [Words(*one) for one in said]) == next_one


def test_who_is_not_free_is_passed_over() -> None:
    seats = [SEATS[0], Seat(B, SEATS[1].names, False), SEATS[2]]
    assert next_speaker(seats, [Words(A, "阿莲？"), Words(None, "阿莲？")]) == C
    twins = [Seat(A, ("阿檀", "老爷"), True), Seat(C, ("老水", "老爷"), True)]
    assert next_speaker(twins, [Words(C, "嗯。"), Words(None, "老爷？")]) == A
    assert next_speaker([Seat(B, ("阿莲",), False)], []) is None


class Group(Talk):
    """阿檀, 阿莲 and 老水, who have just met."""

    def __init__(self, api: Client, **lian: Any) -> None:
        super().__init__(api)
        self.lian = api.ok("POST", "/api/personas", json=LIAN | lian)["id"]
        self.shui = api.ok("POST", "/api/personas", json=SHUI)["id"]
        self.tan = self.persona["id"]
        self.id = self.begin(others=[self.lian, self.shui])
        self.root = f"/api/conversations/{self.id}"

    def speak(self, **how: Any) -> list[tuple[str, Any]]:
        return self.post("speak", {"parent_id": self.leaf(), **how})

    def seated(self, *wanted: str, muted: str = "") -> dict[str, Any]:
        told = [{"persona_id": id, "muted": id == muted} for id in wanted]
        body = {"members": told}
        found: dict[str, Any] = self.api.ok("PUT", f"{self.root}/members", json=body)
        return found

    def turn(self) -> str | None:
        found: str | None = self.api.ok("GET", f"{self.root}/turn")["persona_id"]
        return found


@pytest.fixture
def group(api: Client) -> Group:
    return Group(api)


def scripted(tmp_path: Path, *script: Any, **pace: Any) -> tuple[TestClient, Client]:
    desk = make_desk(tmp_path / "other", ScriptedEngine(script=script, **pace))
    http = TestClient(create_app(desk), raise_server_exceptions=False)
    return http, Client(http, desk)


def test_each_reads_the_others_by_name(group: Group) -> None:
    first = group.say("阿莲，吃了吗？")
    assert first[-1][1]["message"]["persona_id"] == group.lian
    assert first[1][1]["persona_id"] == group.lian
    prompt = sent(first)
    assert "你就是阿莲" in prompt
    assert "阿檀：（阿檀抬头。）小顾来了。" in prompt
    assert "小顾：阿莲，吃了吗？" in prompt
    assert "- 阿檀：阿檀是看门的老人，认得小顾。\n- 老水：撑船的。" in prompt
    second = group.speak()
    assert second[0][1]["persona_id"] == group.shui, "in turn"
    assert "- 阿莲：阿莲在灯市卖莲子。\n每句话" in sent(second), "the first sentence of the card"
    assert f"阿莲：{first[-1][1]['message']['text']}" in sent(second)
    third = group.speak(persona_id=group.shui)
    messages = next(data for name, data in third if name == "prompt")["messages"]
    assert messages[-2]["role"] == "assistant", "their own words are their own"
    assert messages[-1]["content"].strip() == "（轮到老水说。）"
    said = third[-1][1]["message"]
    again = group.post(f"messages/{said['id']}/again")
    assert again[-1][1]["message"]["persona_id"] == group.shui
    longer = group.post(f"messages/{first[-1][1]['message']['id']}/continue")
    assert longer[-1][1]["message"]["persona_id"] == group.lian


def test_an_answer_speaks_for_nobody_else(tmp_path: Path) -> None:
    script = [
        Text("阿莲：吃了。\n老水：我没吃。"),
        Text("阿檀：谁？"),
        Text("撑船去。\n\n小顾：好。"),
    ]
    http, api = scripted(tmp_path, *script)
    with http:
        group = Group(api)
        assert group.say("阿莲，吃了吗？")[-1][1]["message"]["text"] == "吃了。"
        assert group.speak()[-1] == ("done", {"message": None}), "nothing of their own"
        told = group.speak()[-1][1]["message"]
        assert (told["text"], told["finish_reason"]) == ("撑船去。", "stop")


def test_they_talk_among_themselves(tmp_path: Path) -> None:
    http, api = scripted(tmp_path, Text("灯灭了。"), Text("阿檀，你看。"), Text("门没关。"))
    with http:
        group = Group(api)
        told = group.speak(turns=3)
        done = [data["message"] for name, data in told if name == "done"]
        assert [m["persona_id"] for m in done] == [group.lian, group.shui, group.tan]
        assert [m["parent_id"] for m in done[1:]] == [m["id"] for m in done[:-1]]
        assert [m["text"] for m in group.path()[1:]] == ["灯灭了。", "阿檀，你看。", "门没关。"]
        too_many = {"turns": 21}
        api.refused(422, "invalid_request", "POST", f"{group.root}/speak", json=too_many)


def test_whoever_stops_one_stops_them_all(tmp_path: Path) -> None:
    http, api = scripted(tmp_path, Text("灯灭了。" * 200), tokens_per_second=50)
    with http:
        group = Group(api)
        path = f"{group.root}/speak"
        text = ""
        with http.stream("POST", path, json={"parent_id": group.leaf(), "turns": 5}) as answer:
            for line in answer.iter_lines():
                text += line + "\n"
                if line == "event: prompt":
                    assert api.ok("POST", f"{group.root}/stop")["stopped"] > 0
        names = [name for name, _ in events(text)]
        assert names.count("prompt") == names.count("done") == 1


def test_members_come_and_go(group: Group) -> None:
    assert group.turn() == group.lian
    group.seated(group.tan, group.shui, group.lian, muted=group.shui)
    assert group.turn() == group.lian, "the muted are passed over"
    assert group.speak(persona_id=group.shui)[-1][0] == "done", "and speak where they are chosen"
    told = group.seated(group.tan, group.lian)
    assert [(m["name"], m["present"]) for m in told["members"]] == [
        ("阿檀", True), ("周莲生", True), ("老水", False),
    ]  # fmt: skip
    assert group.turn() == group.tan
    api, speak = group.api, f"{group.root}/speak"
    api.refused(422, "not_a_member", "POST", speak, json={"persona_id": group.shui})
    api.ok("DELETE", f"/api/personas/{group.tan}")
    (listed,) = (t for t in api.ok("GET", "/api/conversations") if t["id"] == group.id)
    assert [m["gone"] for m in listed["members"]] == [True, False, False]
    assert group.turn() == group.lian, "who is in the bin is never the next"
    assert group.say("阿檀？")[-1][1]["message"]["persona_id"] == group.lian
    api.refused(404, "persona_not_found", "POST", speak, json={"persona_id": group.tan})
    group.seated(group.tan, group.lian, muted=group.lian)
    api.refused(422, "nobody_to_speak", "POST", speak, json={})
    for code, wanted in (
        ("first_member_stays", [group.lian]),
        ("bad_members", [group.tan, group.lian, group.lian]),
    ):
        body = {"members": [{"persona_id": id} for id in wanted]}
        api.refused(422, code, "PUT", f"{group.root}/members", json=body)
    count = {p["id"]: p["conversations"] for p in api.ok("GET", "/api/personas")}
    assert (count[group.lian], count[group.shui]) == (1, 0)


def test_each_knows_what_they_know_where_they_stand(api: Client) -> None:
    work, chapters = api.book()
    root = f"/api/works/{work}"
    fact = {"entity": "沈砚", "attribute": "伤", "value": "断了一指",
            "since_chapter_id": chapters[2], "since_offset": 0}  # fmt: skip
    who = api.ok("POST", f"{root}/characters", json={"name": "沈砚", "aliases": ["砚哥"]})["id"]
    api.ok("POST", f"{root}/facts", json=fact)
    group = Group(api, work_id=work, chapter_id=chapters[0])
    api.ok("PATCH", f"/api/personas/{group.shui}", json={"work_id": work, "character_id": who})
    assert "断了一指" not in sent(group.say("阿莲，沈砚的手怎么了？"))
    told = group.say("砚哥，手怎么了？")
    assert told[-1][1]["message"]["persona_id"] == group.shui, "by a name of the character's"
    assert "断了一指" in sent(told)
    api.ok("PATCH", f"/api/personas/{group.lian}", json={"adapter": "nobody"})
    refused = {"persona_id": group.lian}
    assert "周莲生" in api.refused(
        404, "unknown_adapter", "POST", f"{group.root}/speak", json=refused
    )


def test_a_group_goes_out_and_comes_back(group: Group) -> None:
    lian = group.say("阿莲，吃了吗？")[-1][1]["message"]["text"]
    shui = group.speak()[-1][1]["message"]["text"]
    http, path = group.api.http, f"{group.root}/export"
    text = http.get(path).text
    assert text == (
        f"阿檀：（阿檀抬头。）小顾来了。\n\n小顾：阿莲，吃了吗？\n\n周莲生：{lian}\n\n老水：{shui}\n"
    )
    learned = http.get(path, params={"format": "jsonl", "persona_id": group.lian}).json()
    opening, question = "阿檀：（阿檀抬头。）小顾来了。", "小顾：阿莲，吃了吗？"
    assert learned["conversations"] == [
        {"from": "human", "value": f"{opening}\n\n{question}"},
        {"from": "gpt", "value": lian},
    ]
    assert learned["system"].startswith("阿莲在灯市卖莲子。她怕火。\n在场的还有：\n- 阿檀：")
    nobody = {"format": "jsonl", "persona_id": "0" * 32}
    group.api.refused(422, "not_a_member", "GET", path, params=nobody)
    chat = http.get(path, params={"format": "sillytavern"}).content
    lines = [json.loads(line) for line in chat.decode().splitlines()]
    assert [(m["name"], m["is_user"]) for m in lines[1:]] == [
        ("阿檀", False), ("小顾", True), ("周莲生", False), ("老水", False),
    ]  # fmt: skip
    back = group.api.ok(
        "POST", "/api/conversations/import", data={"persona_id": group.tan},
        files={"file": ("灯市.jsonl", chat)},
    )  # fmt: skip
    assert [m["persona_id"] for m in back["members"]] == [group.tan, group.lian, group.shui]
    group.root = f"/api/conversations/{back['id']}"
    assert [m["persona_id"] for m in group.path()] == [group.tan, None, group.lian, group.shui]


def test_the_names_of_a_card_are_put_into_its_lore(api: Client) -> None:
    talk = Talk(api, nickname="檀爷")
    root = f"/api/personas/{talk.persona['id']}/lore"
    entries = [{"keys": ["{{char}}的锁"], "content": "{{user}}给{{char}}的。"},
               {"keys": ["空"], "content": ""}]  # fmt: skip
    assert len(api.ok("PUT", root, json={"entries": entries})) == 2, "an empty one is kept"
    assert talk.path()[0]["text"] == "（檀爷抬头。）小顾来了。"
    told = talk.say("檀爷的锁呢？")
    assert "小顾给檀爷的。" in sent(told)
    assert "你就是檀爷" in sent(told)
