"""The client: retries, the way there, forms, and what is one prompt's fault."""

import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from retrieval.types import Message
from tests.training.served.served_peer import Peer, reply
from training.errors import EngineUnreachable, PromptRefused
from training.served.asking import Ask, Nonsense, Unusable, ask_checked, parsed, schema_of
from training.served.client import Client, Endpoint, Sampling

ASKED = (Message("user", "一句话"),)


class Word(BaseModel):
    word: str


def in_turn(*answers: str | httpx.Response | Exception) -> Callable[[Any], str | httpx.Response]:
    left = list(answers)

    def says(_: Any) -> str | httpx.Response:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return says


def test_it_waits_for_a_busy_engine_and_a_lost_connection() -> None:
    peer = Peer(
        in_turn(httpx.Response(429), httpx.Response(503), httpx.ConnectError("gone"), "好。")
    )
    assert peer.client().ask(ASKED, Sampling()).text == "好。"
    assert len(peer.bodies) == 4


@pytest.mark.parametrize("answer", [httpx.Response(503), httpx.ConnectError("gone")])
def test_it_gives_up_on_an_engine_that_stays_away(answer: httpx.Response | Exception) -> None:
    peer = Peer(in_turn(answer))
    with pytest.raises(EngineUnreachable, match="再运行一次"):
        peer.client(tries=3).ask(ASKED, Sampling())
    assert len(peer.bodies) == 3


def test_it_waits_as_long_as_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = Peer(in_turn(httpx.Response(429, headers={"retry-after": "7"}), "好。"))
    client = peer.client()
    waits: list[float] = []
    monkeypatch.setattr(client._stopped, "wait", waits.append)
    client.ask(ASKED, Sampling())
    assert waits == [7.0]


def test_a_prompt_that_is_refused_is_not_the_engines_end() -> None:
    peer = Peer(in_turn(httpx.Response(400, json={"error": {"message": "context too long"}})))
    with pytest.raises(PromptRefused, match="context too long"):
        peer.client().ask(ASKED, Sampling())
    assert len(peer.bodies) == 1


def test_a_wrong_key_or_model_ends_it() -> None:
    with pytest.raises(EngineUnreachable, match="YANCHI_SERVED_KEY"):
        Peer(in_turn(httpx.Response(401, text="no"))).client().ask(ASKED, Sampling())


def test_the_key_goes_along_and_the_first_model_is_taken() -> None:
    peer = Peer(in_turn("好。"))
    client = peer.client(model="", key="secret")
    client.ask(ASKED, Sampling(9, 0.1, 0.5, 4))
    assert peer.headers[0]["authorization"] == "Bearer secret"
    body = peer.bodies[0]
    assert (body["model"], body["max_tokens"], body["seed"]) == ("first", 9, 4)
    assert "chat_template_kwargs" not in body


def test_thinking_is_off_where_the_engine_is_vllm() -> None:
    peer = Peer(in_turn("好。"), vllm=True)
    peer.client().ask(ASKED, Sampling())
    assert peer.bodies[0]["chat_template_kwargs"] == {"enable_thinking": False}


def test_the_form_goes_along_and_a_service_without_forms_is_asked_without() -> None:
    def says(body: dict[str, Any]) -> str | httpx.Response:
        if "response_format" in body:
            return httpx.Response(400, text="unknown field response_format")
        return '{"word": "砚"}'

    peer = Peer(says)
    client = peer.client()
    for _ in range(2):
        client.ask(ASKED, Sampling(), schema_of(Word))
    form = peer.bodies[0]["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["schema"]["required"] == ["word"]
    assert ["response_format" in body for body in peer.bodies] == [True, False, False]


def word(text: str) -> str:
    return parsed(Word, text).word


def test_nonsense_is_asked_again_once_with_the_reason() -> None:
    peer = Peer(in_turn("不会", '```json\n{"word": "砚"}\n```'))
    taken = ask_checked(peer.client(), Ask(ASKED, word, form=Word))
    assert (taken.value, taken.nonsense) == ("砚", 1)
    first, again = peer.bodies
    assert [each["content"] for each in again["messages"][:2]] == ["一句话", "不会"]
    assert "不合 JSON" in again["messages"][2]["content"]
    assert again["seed"] == first["seed"] + 1


def test_nonsense_twice_is_given_up_and_counted() -> None:
    peer = Peer(in_turn("不会"))
    with pytest.raises(Nonsense) as caught:
        ask_checked(peer.client(), Ask(ASKED, word, form=Word))
    assert (caught.value.count, len(peer.bodies)) == (2, 2)


def test_an_answer_that_was_cut_off_is_none_but_may_be_mended() -> None:
    def short(text: str) -> str:
        if len(text) > 3:
            raise Unusable("太长")
        return text

    peer = Peer(in_turn(reply("一二三四", "length")))
    taken = ask_checked(peer.client(), Ask(ASKED, short, mend=lambda text: text[:3]))
    assert (taken.value, taken.text, taken.nonsense) == ("一二三", "一二三四", 2)


def test_where_the_engine_is_said() -> None:
    desk = {"YANCHI_SERVED_URL": "http://engine/v1", "YANCHI_SERVED_MODEL": "m",
            "YANCHI_SERVED_KEY": "k", "YANCHI_SERVED_SOCKET": "/run/e"}  # fmt: skip
    assert Endpoint.told(environment=desk) == Endpoint("http://engine/v1", "m", "k", "/run/e")
    assert Endpoint.told("", "other", desk).model == "other"
    elsewhere = Endpoint.told("http://there/v1/", "n", desk)
    assert (elsewhere.url, elsewhere.model, elsewhere.socket) == ("http://there/v1", "n", "")
    with pytest.raises(EngineUnreachable, match="--url"):
        Endpoint.told(environment={})


def test_a_key_of_the_desk_is_told_to_nobody_else() -> None:
    desk = {"YANCHI_SERVED_URL": "http://engine/v1", "YANCHI_SERVED_KEY": "k"}
    assert Endpoint.told("http://there/v1", environment=desk).key == ""
    assert Endpoint.told("http://there/v1", environment={"YANCHI_SERVED_KEY": "k"}).key == "k"


def test_a_unix_socket(tmp_path: Path) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            content = reply("从插座来").content
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def address_string(self) -> str:
            return "socket"

        def log_message(self, *_: object) -> None:
            """Nothing."""

    path = str(tmp_path / "e")
    with socketserver.ThreadingUnixStreamServer(path, Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Client(Endpoint("http://engine/v1", "m", socket=path)) as client:
            assert client.ask(ASKED, Sampling()).text == "从插座来"
        server.shutdown()
