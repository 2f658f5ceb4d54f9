"""`yanchi ask`: a question to a book or to a file, in the terminal."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

import yanchi
from server.app import create_app
from server.commands import ask as command
from server.commands.remote import RemoteDesk
from server.engines.scripted import ScriptedEngine, Text
from tests.server.conftest import Client, make_desk
from tests.server.talking import CARD

SAID = "三年到十年。\n引[1]：“少则三年，多则十年”\n引[1]：“井边有人唱歌”"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A desk that gives the same answer to everything; the command finds it open."""
    desk = make_desk(tmp_path / "desk", ScriptedEngine(script=[Text(SAID)] * 3))
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:

        @contextmanager
        def found(_: Path) -> Iterator[RemoteDesk]:
            yield RemoteDesk(http)

        monkeypatch.setattr(command, "open_remote", found)
        yield Client(http, desk)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "盐政.txt"
    path.write_text("第一章 盐井\n\n凿井一口，少则三年，多则十年。\n", "utf-8")
    return path


def run(*words: Any) -> Result:
    return CliRunner().invoke(yanchi.app, ["ask", *map(str, words)])


def test_the_answer_comes_with_its_quotes_and_without_the_invented(
    api: Client, notes: Path
) -> None:
    api.book()
    result = run("试书", "凿一口井要几年？", "--add", notes)
    assert result.exit_code == 0, result.output
    assert "三年到十年。" in result.stdout
    assert "“少则三年，多则十年”" in result.stdout
    assert "—— 《盐政》 第一章 盐井" in result.stdout
    assert "井边有人唱歌" not in result.stdout
    assert "井边有人唱歌" in result.stderr


def test_a_book_that_does_not_say_it(api: Client) -> None:
    work, _ = api.book()
    told = json.loads(run(work[:8], "凿一口井要几年？", "--json").stdout)
    assert (told["found"], told["answer"]) == (False, "文中没有。")
    assert told["passages"]


def test_a_personas_documents(api: Client, notes: Path) -> None:
    api.ok("POST", "/api/personas", json=CARD | {"slug": "atan"})
    told = json.loads(run("persona/atan", "要几年？", "--add", notes, "--json").stdout)
    assert [quote["document"] for quote in told["quotes"]] == ["盐政"]


def test_what_is_not_there_is_told(api: Client) -> None:
    assert "没有名为“无此书”的作品" in run("无此书", "谁？").stderr
    assert "没有人物" in run("persona/nobody", "谁？").stderr
    api.book()
    api.book()
    assert "请用编号" in run("试书", "谁？").stderr
