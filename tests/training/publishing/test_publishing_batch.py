"""A file of questions: answered once each, whatever interrupts, in the questions' order."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

import yanchi
from training.errors import BadInput, EngineUnreachable
from training.publishing.batch import Done, read_questions, run_batch
from training.publishing.engine import DeskClient, client_for
from training.served.client import Client, Endpoint

Answer = Callable[[dict[str, Any]], httpx.Response]


def said(text: str) -> httpx.Response:
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    return httpx.Response(200, json={"choices": [choice], "usage": {"completion_tokens": 3}})


def echo(body: dict[str, Any]) -> httpx.Response:
    return said(f"答：{body['messages'][-1]['content']}")


def questions(tmp_path: Path, *rows: Any) -> Path:
    file = tmp_path / "in.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def ask(file: Path, out: Path, answer: Answer = echo, *, at_once: int = 4, **defaults: Any) -> Done:
    with Client(Endpoint("http://engine/v1"), pause=0, transport=service(answer)) as client:
        asked = read_questions(file, "voice-v1", defaults)
        return run_batch(asked, out, client, at_once=at_once)


def service(answer: Answer) -> httpx.MockTransport:
    """An endpoint that is not vLLM."""

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v1/chat/completions":
            return httpx.Response(404)
        return answer(json.loads(request.content))

    return httpx.MockTransport(handle)


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text("utf-8").split("\n") if line]


def test_answers_stand_in_the_questions_order(tmp_path: Path) -> None:
    file = questions(tmp_path, *({"id": f"q{n}", "prompt": f"第{n}问"} for n in range(40)))
    told = ask(file, tmp_path / "out.jsonl")
    rows = rows_of(tmp_path / "out.jsonl")
    assert [row["id"] for row in rows] == [f"q{n}" for n in range(40)]
    assert rows[7]["text"] == "答：第7问"
    assert (told.answered, told.failed, told.kept, told.tokens) == (40, 0, 0, 120)


def test_every_way_of_asking(tmp_path: Path) -> None:
    asked = []

    def answer(body: dict[str, Any]) -> httpx.Response:
        asked.append(body)
        return echo(body)

    talk = [{"role": "system", "content": "你是嬛嬛。"}, {"role": "user", "content": "你是谁？"}]
    file = questions(
        tmp_path,
        {"prompt": "甲", "temperature": 0.1},
        {"messages": talk, "id": "b"},
        {"custom_id": "c", "method": "POST", "url": "/v1/chat/completions",
         "body": {"model": "other", "messages": talk, "max_tokens": 5}},
        "",
        {"prompt": "有\u2028行分隔符"},
    )  # fmt: skip
    ask(file, tmp_path / "out.jsonl", answer, at_once=1, max_tokens=9)
    assert asked[0] == {
        "model": "voice-v1", "max_tokens": 9, "temperature": 0.1,
        "messages": [{"role": "user", "content": "甲"}],
    }  # fmt: skip
    assert asked[1]["messages"] == talk
    assert (asked[2]["model"], asked[2]["max_tokens"]) == ("other", 5)
    assert [row["id"] for row in rows_of(tmp_path / "out.jsonl")] == [1, "b", "c", 5]


def test_an_interrupted_run_is_gone_on_with(tmp_path: Path) -> None:
    """Whatever was written before stays, and nothing is asked twice."""
    file = questions(tmp_path, *({"prompt": f"第{n}问"} for n in range(30)))
    out = tmp_path / "out.jsonl"
    count = threading.Semaphore(12)

    def dies(body: dict[str, Any]) -> httpx.Response:
        if not count.acquire(blocking=False):
            raise httpx.ConnectError("gone")
        return echo(body)

    with pytest.raises(EngineUnreachable, match="已有的结果都留着"):
        ask(file, out, dies)
    had = len(rows_of(out))
    assert 0 < had <= 12
    with out.open("a", encoding="utf-8") as torn:
        torn.write('{"id": 31, "row": 3')
    asked = []

    def counts(body: dict[str, Any]) -> httpx.Response:
        asked.append(body)
        return echo(body)

    told = ask(file, out, counts)
    assert (told.kept, told.answered, len(asked)) == (had, 30 - had, 30 - had)
    assert [row["row"] for row in rows_of(out)] == list(range(1, 31))
    assert ask(file, out, counts).answered == 0


def test_what_is_asked_differently_is_asked_again(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    ask(questions(tmp_path, {"prompt": "甲"}, {"prompt": "乙"}), out)
    told = ask(questions(tmp_path, {"prompt": "甲"}, {"prompt": "丙"}), out)
    assert (told.kept, told.answered) == (1, 1)
    assert [row["text"] for row in rows_of(out)] == ["答：甲", "答：丙"]
    assert ask(questions(tmp_path, {"prompt": "甲"}, {"prompt": "丙"}), out, max_tokens=4).kept == 0


def test_a_refused_row_costs_only_itself_and_is_asked_again(tmp_path: Path) -> None:
    def refuses(body: dict[str, Any]) -> httpx.Response:
        if "坏" in body["messages"][0]["content"]:
            return httpx.Response(400, json={"error": {"message": "too long"}})
        return echo(body)

    file, out = questions(tmp_path, {"prompt": "好"}, {"prompt": "坏"}), tmp_path / "out.jsonl"
    told = ask(file, out, refuses)
    assert (told.answered, told.failed) == (1, 1)
    assert "第 2 行" in told.errors[0]
    assert "too long" in rows_of(out)[1]["error"]
    assert ask(file, out).answered == 1
    assert [row.get("error") for row in rows_of(out)] == [None, None]


@pytest.mark.parametrize("busy", [429, 503])
def test_a_busy_engine_is_asked_again(tmp_path: Path, busy: int) -> None:
    left = [busy, busy]

    def answer(body: dict[str, Any]) -> httpx.Response:
        return httpx.Response(left.pop()) if left else echo(body)

    told = ask(questions(tmp_path, {"prompt": "甲"}), tmp_path / "out.jsonl", answer, at_once=1)
    assert (told.answered, left) == (1, [])
    with pytest.raises(EngineUnreachable):
        ask(
            questions(tmp_path, {"prompt": "乙"}),
            tmp_path / "b.jsonl",
            lambda _: httpx.Response(busy),
        )


@pytest.mark.parametrize(
    "broken", ["", "[]", '{"choices": []}', '{"choices": [{"message": {}}]}', "<html>"]
)
def test_answers_that_are_none_are_told(tmp_path: Path, broken: str) -> None:
    told = ask(
        questions(tmp_path, {"prompt": "甲"}), tmp_path / "out.jsonl",
        lambda _: httpx.Response(200, text=broken),
    )  # fmt: skip
    assert told.failed == 1


@pytest.mark.parametrize(
    ("row", "words"),
    [("{", "第 2 条：不是合格的 JSON"), ("[]", "应是一个对象"), ({"prompt": " "}, "prompt"),
     ({"messages": []}, "prompt"), ({"messages": [{"role": "user"}]}, "role 和 content")],
)  # fmt: skip
def test_a_bad_row_is_named_before_anything_is_asked(tmp_path: Path, row: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        ask(questions(tmp_path, {"prompt": "甲"}, row), tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_another_files_answers_are_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text('{"messages": []}\n')
    with pytest.raises(BadInput, match="不是这个命令写的"):
        ask(questions(tmp_path, {"prompt": "甲"}), out)
    assert out.read_text() == '{"messages": []}\n'
    with pytest.raises(BadInput, match="没有一行问题"):
        ask(questions(tmp_path, ""), tmp_path / "b.jsonl")


def test_vllm_is_asked_without_thinking_as_training_was(tmp_path: Path) -> None:
    bodies = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/version":
            return httpx.Response(200, json={"version": "0.32.0"})
        bodies.append(json.loads(request.content))
        return echo(bodies[-1])

    endpoint = Endpoint("http://engine/v1", "voice-v1")
    asked = read_questions(questions(tmp_path, {"prompt": "甲"}), "voice-v1", {})
    with Client(endpoint, transport=httpx.MockTransport(handle)) as client:
        run_batch(asked, tmp_path / "out.jsonl", client)
    assert bodies[0]["chat_template_kwargs"] == {"enable_thinking": False}


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Served(Client):
        def __init__(self, endpoint: Endpoint) -> None:
            super().__init__(endpoint, transport=service(echo))

    monkeypatch.setattr("training.publishing.engine.Client", Served)
    file, out = questions(tmp_path, {"prompt": "甲"}), tmp_path / "out.jsonl"
    words = ["adapters", "run", "nobody", str(file), str(out), "--json"]
    words += ["--data-dir", str(tmp_path)]
    result = CliRunner().invoke(yanchi.app, words)
    assert result.exit_code == 1
    assert "--url" in json.loads(result.stdout)["error"]["message"]
    result = CliRunner().invoke(
        yanchi.app, [*words, "--url", "http://e/v1", "--progress-json", "--max-tokens", "7"]
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["answered"] == 1
    assert json.loads(result.stderr.splitlines()[-1]) == {"done": 1, "total": 1, "note": "回答问题"}
    assert rows_of(out)[0]["text"] == "答：甲"


# A desk that is open on the data directory


class OpenDesk(BaseHTTPRequestHandler):
    """As much of a desk as a batch meets; `seen` is what was asked of it."""

    seen: list[tuple[str, Any]]
    kind: str

    def do_GET(self) -> None:
        self._answer({"kind": self.kind} if self.path == "/api/engine" else {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append((self.path, body))
        self._answer(echo(body).json() if self.path.startswith("/v1") else body)

    def _answer(self, told: Any) -> None:
        sent = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(params=["vllm", "scripted"])
def open_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[type[OpenDesk]]:
    desk = type("Desk", (OpenDesk,), {"seen": [], "kind": request.param})
    server = ThreadingHTTPServer(("127.0.0.1", 0), desk)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    (tmp_path / "desk.json").write_text(json.dumps({"address": address, "pid": 1}))
    yield desk
    server.shutdown()
    thread.join(60)
    server.server_close()


def test_the_open_desk_is_asked_and_loads_the_adapter_first(
    tmp_path: Path, open_desk: type[OpenDesk]
) -> None:
    folder = tmp_path / "adapters" / "voice-v2-0123abcd"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    file, out = questions(tmp_path, {"prompt": "甲"}), tmp_path / "out.jsonl"
    words = ["adapters", "run", "voice", str(file), str(out), "--data-dir", str(tmp_path)]
    result = CliRunner().invoke(yanchi.app, words)
    assert result.exit_code == 0, result.output
    (loaded, told), (asked, body) = open_desk.seen
    assert (loaded, told) == ("/api/adapters", {"name": folder.name})
    assert (asked, body["model"]) == ("/v1/chat/completions", folder.name)
    thinks_not = {"enable_thinking": False} if open_desk.kind == "vllm" else None
    assert body.get("chat_template_kwargs") == thinks_not
    assert rows_of(out)[0]["text"] == "答：甲"


@pytest.mark.usefixtures("open_desk")
def test_who_is_named_is_asked_instead_of_the_open_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(client_for("", "m", tmp_path), DeskClient)
    named = client_for("http://engine/v1", "m", tmp_path)
    assert (type(named), named.endpoint.url) == (Client, "http://engine/v1")
    monkeypatch.setenv("YANCHI_SERVED_URL", "http://own/v1")
    assert client_for("", "m", tmp_path).endpoint.url == "http://own/v1"
