"""Talking with a persona: the tree, answers as they come, what is kept when they break off."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.engines.scripted import Fail, ScriptedEngine, Text
from server.errors import EngineLost
from tests.server.conftest import Client, make_desk
from tests.server.talking import Talk, sent


@pytest.fixture
def talk(api: Client) -> Talk:
    return Talk(api)


def scripted(tmp_path: Path, *script: Any) -> tuple[TestClient, Client]:
    desk = make_desk(tmp_path / "other", ScriptedEngine(script=script))
    http = TestClient(create_app(desk), raise_server_exceptions=False)
    return http, Client(http, desk)


def test_it_opens_with_the_greetings_and_names_put_in(talk: Talk) -> None:
    rows = talk.tree()["messages"]
    assert [m["text"] for m in rows] == ["（阿檀抬头。）小顾来了。", "又是你，小顾。"]
    assert {m["origin"] for m in rows} == {"greeting"}
    assert talk.leaf() == rows[0]["id"]
    other = talk.begin(greeting=1)
    told = talk.api.ok("GET", f"/api/conversations/{other}/tree")
    assert told["leaf_id"] == told["messages"][1]["id"]
    talk.api.refused(
        422, "no_such_greeting", "POST", "/api/conversations",
        json={"persona_id": talk.persona["id"], "greeting": 2},
    )  # fmt: skip


def test_an_answer_is_told_and_kept(talk: Talk) -> None:
    told = talk.say("门锁了吗？")
    assert [name for name, _ in told[:2]] == ["message", "prompt"]
    text = "".join(data["text"] for name, data in told if name == "delta")
    name, done = told[-1]
    assert name == "done"
    assert done["message"]["text"] == text.rstrip()
    assert [m["text"] for m in talk.path()] == [
        "（阿檀抬头。）小顾来了。",
        "门锁了吗？",
        text.rstrip(),
    ]
    prompt = told[1][1]
    roles = [m["role"] for m in prompt["messages"]]
    assert roles == ["system", "assistant", "user"]
    assert "阿檀是看门的老人，认得小顾。" in prompt["messages"][0]["content"]
    assert "门是门，锁是锁。" in prompt["messages"][0]["content"]
    assert prompt["tokens"] <= prompt["budget"]
    full = talk.api.ok("GET", f"{talk.root}/messages/{done['message']['id']}")
    assert full["prompt"]["messages"] == prompt["messages"]


def test_again_makes_a_sibling_and_the_old_one_stays(talk: Talk) -> None:
    first = talk.say("说说这扇门。")[-1][1]["message"]
    second = talk.post(f"messages/{first['id']}/again")[-1][1]["message"]
    assert second["parent_id"] == first["parent_id"]
    assert talk.leaf() == second["id"]
    talk.api.ok("POST", f"{talk.root}/leaf", json={"message_id": first["id"]})
    assert talk.path()[-1]["id"] == first["id"]
    third = talk.say("再说一遍。")[-1][1]["message"]
    talk.api.ok("POST", f"{talk.root}/leaf", json={"message_id": second["id"]})
    back = talk.api.ok("POST", f"{talk.root}/leaf", json={"message_id": first["id"]})
    assert back["leaf_id"] == third["id"], "a branch is come back to where it went on last"
    here = {"message_id": first["id"], "exact": True}
    assert talk.api.ok("POST", f"{talk.root}/leaf", json=here)["leaf_id"] == first["id"]


def test_editing_makes_a_sibling_of_either_s_words(talk: Talk) -> None:
    answer = talk.say("门在哪？")[-1][1]["message"]
    said = talk.path()[1]
    changed = talk.api.ok("PATCH", f"{talk.root}/messages/{said['id']}", json={"text": "锁在哪？"})
    assert (changed["parent_id"], changed["origin"]) == (said["parent_id"], "edited")
    told = talk.post(f"messages/{changed['id']}/again")
    assert "锁在哪？" in sent(told)
    assert "门在哪？" not in sent(told)
    mine = talk.api.ok("PATCH", f"{talk.root}/messages/{answer['id']}", json={"text": "在墙上。"})
    assert mine["role"] == "assistant"
    texts = {m["text"] for m in talk.tree()["messages"]}
    assert {"门在哪？", "锁在哪？", "在墙上。", answer["text"]} <= texts


def test_going_on_begins_with_what_there_is(talk: Talk) -> None:
    first = talk.say("讲个故事。")[-1][1]["message"]
    told = talk.post(f"messages/{first['id']}/continue")
    prompt = told[0][1]
    assert prompt["messages"][-1] == {"role": "assistant", "content": first["text"]}
    longer = told[-1][1]["message"]
    assert longer["text"].startswith(first["text"])
    assert len(longer["text"]) > len(first["text"])
    assert longer["parent_id"] == first["parent_id"]
    said = talk.path()[1]["id"]
    talk.api.refused(422, "not_an_answer", "POST", f"{talk.root}/messages/{said}/continue")


def test_a_greeting_is_the_card_s_own(talk: Talk) -> None:
    talk.api.refused(
        422, "greeting_is_written", "POST", f"{talk.root}/messages/{talk.leaf()}/again"
    )


def test_what_broke_off_is_kept_and_can_be_gone_on_with(tmp_path: Path) -> None:
    broken = (Text("门轴该上油了，一开就叫。"), Fail(EngineLost("断了。"), after=3))
    http, api = scripted(tmp_path, broken, Fail(EngineLost("又断了。")))
    with http:
        talk = Talk(api)
        name, told = talk.say("门响吗？")[-1]
        assert (name, told["error"]["code"]) == ("error", "engine_lost")
        part = told["message"]
        assert part["state"] == "failed"
        assert "门轴该上油了，一开就叫。".startswith(part["text"])
        assert talk.path()[-1]["id"] == part["id"]
        name, told = talk.say("怎么不说了？")[-1]
        assert (name, told["message"]) == ("error", None)
        spoken = talk.path()[-1]
        assert spoken["text"] == "怎么不说了？"
        assert talk.post(f"messages/{spoken['id']}/again")[-1][0] == "done"


def test_labels_and_others_lines_are_no_part_of_an_answer(tmp_path: Path) -> None:
    http, api = scripted(tmp_path, Text("阿檀：门开着。\n小顾：那我走了。"))
    with http:
        talk = Talk(api)
        assert talk.say("门开着吗？")[-1][1]["message"]["text"] == "门开着。"


def test_the_author_s_note_stands_at_its_depth(talk: Talk) -> None:
    for text in ("一", "二", "三"):
        talk.say(text)
    note = {"author_note": "{{char}}今天咳嗽。", "author_depth": 2}
    talk.api.ok("PATCH", talk.root, json=note)
    messages = talk.say("四")[1][1]["messages"]
    noted = [n for n, m in enumerate(messages) if "作者注：阿檀今天咳嗽。" in m["content"]]
    assert noted == [len(messages) - 3]
    assert messages[noted[0]]["role"] == "user"


def test_the_oldest_turns_go_first_and_none_is_missing_between(talk: Talk) -> None:
    talk.api.ok("PATCH", talk.root, json={"sampling": {"length": 400}})
    for n in range(14):
        told = talk.say(f"第{n}句。" + "说。" * 40)
    prompt = next(data for name, data in told if name == "prompt")
    assert prompt["tokens"] <= prompt["budget"]
    path = [m["id"] for m in talk.path()[:-2]]
    stand = {k["id"].removeprefix("turn:") for k in prompt["kept"] if k["group"] == "tail"}
    assert 4 < len(stand) < len(path)
    assert set(path[-len(stand) :]) == stand


def test_lore_of_the_card_fires_from_the_last_turns(talk: Talk) -> None:
    root = f"/api/personas/{talk.persona['id']}/lore"
    made = talk.api.ok("PUT", root, json={"entries": [
        {"name": "铁锁", "keys": ["/锁/"], "content": "锁是前朝的。"},
        {"keys": ["井"], "content": "井里有铜钱。"},
    ]})  # fmt: skip
    told = talk.say("这把锁多少年了？")
    assert "锁是前朝的。" in sent(told)
    assert "井里有铜钱。" not in sent(told)
    assert any("铁锁" in g["title"] for g in told[-1][1]["message"]["grounds"])
    kept = talk.api.ok("PUT", root, json={"entries": [made[0] | {"content": "锁是新的。"}]})
    assert [(e["id"], e["content"]) for e in kept] == [(made[0]["id"], "锁是新的。")]
    unknown = {"entries": [{"id": "0" * 32, "content": "无"}]}
    talk.api.refused(404, "lore_entry_not_found", "PUT", root, json=unknown)


def test_exports(talk: Talk) -> None:
    answer = talk.say("门朝哪边开？")[-1][1]["message"]["text"]
    talk.say("没有回答的话", parent=talk.leaf())
    text = talk.api.http.get(f"{talk.root}/export").text
    assert text.startswith("阿檀：（阿檀抬头。）小顾来了。\n\n小顾：门朝哪边开？\n\n阿檀：")
    marked = talk.api.http.get(f"{talk.root}/export", params={"format": "md"}).text
    assert marked.startswith("# 门朝哪边开？\n\n**阿檀**")
    answered = talk.api.http.get(f"{talk.root}/export", params={"format": "jsonl"})
    (line,) = answered.text.splitlines()
    told = json.loads(line)
    assert [t["from"] for t in told["conversations"]] == ["human", "gpt"] * 2
    assert told["conversations"][1]["value"] == answer
    assert "阿檀先开口：（阿檀抬头。）小顾来了。" in told["system"]


def test_the_bin(talk: Talk) -> None:
    persona = f"/api/personas/{talk.persona['id']}"
    talk.api.ok("DELETE", talk.root)
    talk.api.refused(404, "conversation_not_found", "GET", talk.root)
    assert [c["id"] for c in talk.api.ok("GET", "/api/conversations?bin=true")] == [talk.id]
    talk.api.ok("POST", f"{talk.root}/restore")
    talk.api.ok("DELETE", persona)
    assert talk.api.ok("GET", "/api/conversations") == []
    assert talk.api.ok("GET", "/api/personas?bin=true")[0]["id"] == talk.persona["id"]
    talk.api.refused(
        404, "persona_not_found", "POST", f"{talk.root}/messages", json={"text": "在吗"}
    )
    talk.api.ok("POST", f"{persona}/restore")
    assert talk.say("在吗")[-1][0] == "done"


def test_refusals(talk: Talk) -> None:
    api, nobody = talk.api, "0" * 32
    api.refused(404, "message_not_found", "POST", f"{talk.root}/messages",
                json={"text": "喂", "parent_id": nobody})  # fmt: skip
    api.refused(422, "invalid_request", "POST", f"{talk.root}/messages", json={"text": " \n"})
    api.ok("PATCH", f"/api/personas/{talk.persona['id']}", json={"adapter": "nobody"})
    told = api.refused(404, "unknown_adapter", "POST", f"{talk.root}/messages", json={"text": "喂"})
    assert "阿檀" in told
    assert len(talk.path()) == 1, "what is refused leaves nothing behind"
