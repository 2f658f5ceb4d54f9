"""SillyTavern's chats: in as trees of messages, out as they were."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import YanchiError
from server.personas.interchange.chats import Chat, read_chat, write_chat
from tests.server.conftest import Client
from tests.server.talking import Talk, sent

HEADER: dict[str, Any] = {
    "user_name": "小顾",
    "character_name": "老周",
    "create_date": "2025-1-2@03h04m05s",
    "chat_metadata": {"note_prompt": "下着雨。", "note_interval": 1, "note_depth": 3, "x": [1]},
}
GREETING = {
    "name": "老周", "is_user": False, "is_system": False, "send_date": "January 2, 2025 3:04am",
    "mes": "今日不渡。", "swipes": ["水大，不渡。", "今日不渡。"], "swipe_id": 1,
    "swipe_info": [{"extra": {"a": 1}}, {"extra": {"a": 2}}], "force_avatar": "x.png",
}  # fmt: skip
ASKED = {"name": "小顾", "is_user": True, "is_system": False, "mes": "为何？",
         "send_date": "2025-01-02T03:05:00.000Z", "extra": {"isSmallSys": False}}  # fmt: skip
HIDDEN = {"name": "System", "is_user": False, "is_system": True, "mes": "旁人看不见", "extra": {}}
ANSWER = {"name": "老周", "is_user": False, "is_system": False, "mes": "怕你喂鱼。", "extra": {}}
CHAT = [HEADER, GREETING, ASKED, HIDDEN, ANSWER, HIDDEN]
IMPORT = "/api/conversations/import"


def lines(rows: list[Any]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def again(chat: Chat, character: str = "老周") -> list[Any]:
    told = write_chat(chat.columns, character, chat.said)
    return [json.loads(line) for line in told.split("\n") if line]


def brought(talk: Talk, rows: list[Any], name: str = "渡口.jsonl") -> dict[str, Any]:
    told: dict[str, Any] = talk.api.ok(
        "POST", IMPORT, data={"persona_id": talk.persona["id"]}, files={"file": (name, lines(rows))}
    )
    talk.root = f"/api/conversations/{told['id']}"
    return told


def out(talk: Talk) -> list[Any]:
    answer = talk.api.http.get(f"{talk.root}/export?format=sillytavern")
    assert ".jsonl" in answer.headers["content-disposition"]
    return [json.loads(line) for line in answer.text.split("\n") if line]


def test_a_chat_becomes_a_conversation(api: Client) -> None:
    talk = Talk(api)
    told = brought(talk, CHAT)
    assert (told["title"], told["user_name"]) == ("渡口", "小顾")
    assert (told["author_note"], told["author_depth"]) == ("下着雨。", 3)
    assert [(m["role"], m["text"], m["origin"]) for m in talk.path()] == [
        ("assistant", "今日不渡。", "greeting"),
        ("user", "为何？", "typed"),
        ("assistant", "怕你喂鱼。", "generated"),
    ]
    other = next(m for m in talk.tree()["messages"] if m["text"] == "水大，不渡。")
    assert other["parent_id"] is None, "the other version stands beside the first message"
    assert talk.path()[1]["created_at"].startswith("2025-01-02T03:05:00")


def test_it_goes_out_as_it_came(api: Client) -> None:
    talk = Talk(api, name="老周")
    brought(talk, CHAT)
    assert out(talk) == CHAT


def test_it_is_gone_on_with_and_goes_out_whole(api: Client) -> None:
    talk = Talk(api, name="老周")
    brought(talk, CHAT)
    assert "怕你喂鱼。" in sent(talk.say("那等雨停。"))
    last = talk.path()[-1]
    talk.post(f"messages/{last['id']}/again")
    rows = out(talk)
    assert rows[: len(CHAT)] == CHAT
    said, answered = rows[len(CHAT) :]
    assert (said["name"], said["is_user"], said["mes"]) == ("小顾", True, "那等雨停。")
    assert (answered["name"], len(answered["swipes"]), answered["swipe_id"]) == ("老周", 2, 1)
    assert answered["mes"] == answered["swipes"][1]
    assert len(answered["swipe_info"]) == 2


def test_an_edit_is_one_more_swipe_and_unknown_fields_stay(api: Client) -> None:
    talk = Talk(api, name="老周")
    brought(talk, [HEADER, GREETING])
    first = talk.path()[0]
    path = f"{talk.root}/messages/{first['id']}"
    api.ok("PATCH", path, json={"text": "明日再渡。"})
    _, told = out(talk)
    assert (told["mes"], told["swipe_id"], told["force_avatar"]) == ("明日再渡。", 2, "x.png")
    assert told["swipes"] == ["水大，不渡。", "今日不渡。", "明日再渡。"]
    assert told["swipe_info"][:2] == GREETING["swipe_info"]
    assert len(told["swipe_info"]) == 3


def test_an_older_file_without_a_name_takes_it_from_what_was_said() -> None:
    chat = read_chat(lines([HEADER | {"user_name": "unused"}, GREETING, ASKED]))
    assert chat.columns["user_name"] == "小顾"
    assert again(chat)[0]["user_name"] == "unused"
    assert read_chat(lines([GREETING])).columns["user_name"] == "我"


BROKEN = {
    "nothing": (422, "unreadable_file", b""),
    "no JSON": (422, "unreadable_file", b"hello\n"),
    "a header alone": (422, "unreadable_file", lines([HEADER])),
    "a cut line": (422, "unreadable_file", lines(CHAT)[:-9]),
    "another line": (422, "damaged_file", lines([HEADER, GREETING, {"text": "x"}, ASKED])),
    "all hidden": (422, "unreadable_file", lines([HEADER, HIDDEN])),
    "not UTF-8": (422, "unreadable_file", b"\xff\xfe\x00"),
    "too many": (413, "too_large", lines([GREETING]) * 20_001),
    "too many swipes": (413, "too_large", lines([GREETING | {"swipes": ["a"] * 201}])),
}


def test_broken_files_are_refused_and_nothing_is_kept(api: Client) -> None:
    talk = Talk(api)
    before = len(api.ok("GET", "/api/conversations"))
    for status, code, data in BROKEN.values():
        api.refused(status, code, "POST", IMPORT, data={"persona_id": talk.persona["id"]},
                    files={"file": ("a.jsonl", data)})  # fmt: skip
    api.refused(404, "persona_not_found", "POST", IMPORT, data={"persona_id": "0" * 32},
                files={"file": ("a.jsonl", lines(CHAT))})  # fmt: skip
    assert len(api.ok("GET", "/api/conversations")) == before


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
).map(lambda v: json.loads(json.dumps(v).replace("\\u0000", "").replace("\\ud", "\\u1")))
unknown = st.dictionaries(st.sampled_from(["extra", "title", "bias", "gen_id"]), json_values)
swiped = st.lists(st.text("甲乙\n\r\u2028 ", max_size=4), min_size=1, max_size=3).flatmap(
    lambda texts: st.integers(0, len(texts) - 1).map(
        lambda n: {"swipes": texts, "swipe_id": n, "mes": texts[n]}
    )
)
message = st.tuples(unknown, st.booleans(), st.booleans(), swiped).map(
    lambda t: t[0] | {"name": "谁", "is_user": t[1], "is_system": t[2]} | t[3]
)


@settings(max_examples=60, deadline=None)
@given(unknown, st.lists(message, min_size=1, max_size=5))
def test_a_round_trip_loses_nothing(header: dict[str, Any], rows: list[Any]) -> None:
    told = [HEADER | header, *rows]
    if all(row["is_system"] for row in rows):
        with pytest.raises(YanchiError):
            read_chat(lines(told))
    else:
        assert again(read_chat(lines(told))) == told


names = st.sampled_from([*HEADER, *GREETING, *ASKED])
wild = st.dictionaries(names, json_values, max_size=9)


@settings(max_examples=80, deadline=None)
@given(st.lists(wild, max_size=4))
def test_wild_lines_are_read_or_refused(rows: list[Any]) -> None:
    try:
        chat = read_chat(lines(rows))
    except YanchiError as error:
        refused = error.message
    else:
        refused = ""
    assert not refused or refused.endswith("。")
    if refused:
        return
    for said in chat.said:
        assert said.role in ("user", "assistant")
        assert all(isinstance(text, str) for text in said.versions)
        assert 0 <= said.chosen < len(said.versions)
    assert read_chat(lines(again(chat))).columns == chat.columns
