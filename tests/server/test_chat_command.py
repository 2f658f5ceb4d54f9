"""`yanchi chat`: what is typed becomes a conversation of the desk's."""

import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import yanchi
from server.commands.chat import Chat
from server.commands.remote import RemoteDesk
from server.errors import NotFound
from tests.server.conftest import Client
from tests.server.talking import CARD


@pytest.fixture
def desk(api: Client) -> RemoteDesk:
    api.ok("POST", "/api/personas", json=CARD | {"slug": "atan"})
    return RemoteDesk(api.http)


def talked(desk: RemoteDesk, *lines: str, last: bool = False) -> str:
    out = io.StringIO()
    chat = Chat(desk, desk.persona("persona/atan"), out)
    chat.open("小顾", last=last)
    chat.run(lines)
    return out.getvalue()


def rows(api: Client) -> list[dict[str, str]]:
    (talk,) = api.ok("GET", "/api/conversations")
    tree = api.ok("GET", f"/api/conversations/{talk['id']}/tree")
    found: list[dict[str, str]] = tree["messages"]
    return found


def test_it_greets_and_answers_as_it_comes(api: Client, desk: RemoteDesk) -> None:
    told = talked(desk, "门锁了吗？", "/quit", "没有人听的话")
    assert told.startswith("阿檀：（阿檀抬头。）小顾来了。\n")
    answer = rows(api)[-1]
    assert (answer["role"], answer["origin"]) == ("assistant", "generated")
    assert told.rstrip().endswith(f"阿檀：{answer['text']}")
    assert [row["text"] for row in rows(api) if row["role"] == "user"] == ["门锁了吗？"]


def test_again_and_edit_leave_what_was_said(api: Client, desk: RemoteDesk) -> None:
    told = talked(desk, "门锁了吗？", "/again", "/edit 灯灭了吗？", "/history")
    said = rows(api)
    assert [row["text"] for row in said if row["role"] == "user"] == ["门锁了吗？", "灯灭了吗？"]
    assert len([row for row in said if row["origin"] == "generated"]) == 3
    history = told.rsplit("阿檀：（阿檀抬头。）", 1)[1]
    assert "小顾：灯灭了吗？" in history
    assert "门锁了吗？" not in history


@pytest.mark.parametrize("form", ["txt", "jsonl"])
def test_it_is_saved(desk: RemoteDesk, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"聊天.{form}"
    talked(desk, "门锁了吗？", f"/save {file}")
    text = file.read_text("utf-8")
    if form == "jsonl":
        assert json.loads(text)["conversations"][0] == {"from": "human", "value": "门锁了吗？"}
    else:
        assert "小顾：门锁了吗？" in text


def test_the_last_conversation_is_gone_on_with(api: Client, desk: RemoteDesk) -> None:
    talked(desk, "门锁了吗？")
    told = talked(desk, "灯呢？", last=True)
    assert "小顾：门锁了吗？" in told
    assert [row["text"] for row in rows(api) if row["role"] == "user"] == ["门锁了吗？", "灯呢？"]


@pytest.mark.parametrize(
    "line",
    ["/edit", "/edit 没有可改的", "/save", "/save /nowhere/at/all.txt", "/save x.exe", "/跳舞"],
)
def test_what_cannot_be_done_is_told_and_the_talk_goes_on(
    desk: RemoteDesk, line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    told = talked(desk, line, "还在吗？")
    assert "出错" in capfd.readouterr().err
    assert told.count("阿檀：") == 2


def test_nobody_of_that_name(desk: RemoteDesk) -> None:
    with pytest.raises(NotFound, match="persona/atan（阿檀）"):
        desk.persona("persona/nobody")


@pytest.mark.parametrize("words", [("chat", "persona/huanhuan"), ("ask", "渡口", "谁不渡？")])
def test_without_an_open_desk_a_sentence_says_how_to_open_one(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(yanchi.app, list(words))
    assert result.exit_code == 1
    assert "yanchi serve" in result.stderr
