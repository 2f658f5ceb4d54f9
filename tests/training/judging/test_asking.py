"""A served model answers several prompts at once; what it answered is not asked again."""

import json
import threading
from pathlib import Path

import httpx
import pytest

from retrieval.types import Message
from training.errors import EngineUnreachable
from training.judging.asking import EndpointWriter
from training.judging.kept import Kept, key_of, make
from training.served.client import Client, Endpoint, Sampling, Schema

ASK = (Message("user", "接着写"),)


class Engine:
    """An endpoint that echoes; a prompt that says so is refused or ends it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.bodies: list[dict] = []
        self.lock = threading.Lock()
        self.two = threading.Barrier(2)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v1/chat/completions":
            return httpx.Response(404)
        body = json.loads(request.content)
        said = body["messages"][-1]["content"]
        with self.lock:
            self.bodies.append(body)
            self.asked.append(said)
        if said == "两人":
            self.two.wait(60)
        if said in ("不收", "断了"):
            return httpx.Response({"不收": 400, "断了": 404}[said], text="no")
        return httpx.Response(200, json={"choices": [{"message": {"content": f"答{said}"}}]})

    def writer(self) -> EndpointWriter:
        endpoint = Endpoint("http://engine:1/v1", "m", "k")
        return EndpointWriter(Client(endpoint, transport=httpx.MockTransport(self), pause=0))


def prompts(*said: str) -> list[tuple[Message, ...]]:
    return [(Message("user", each),) for each in said]


def test_every_prompt_has_its_answer() -> None:
    engine = Engine()
    writer = engine.writer()
    wanted = [str(n) for n in range(20)]
    sampling = Sampling(tokens=9, temperature=0.5, seed=3)
    found = dict(writer.write(prompts(*wanted), sampling, Schema("votes", {"type": "object"})))
    assert found == {n: f"答{n}" for n in range(20)}
    assert writer.name == "engine:1 上的 m"
    assert engine.bodies[0]["max_tokens"] == 9
    assert engine.bodies[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_prompts_are_asked_together() -> None:
    """Each waits for the other: one after the other, neither would be answered."""
    assert len(dict(Engine().writer().write(prompts("两人", "两人"), Sampling()))) == 2


def test_a_prompt_that_is_refused_costs_only_itself() -> None:
    found = dict(Engine().writer().write(prompts("一", "不收", "三"), Sampling()))
    assert found == {0: "答一", 2: "答三"}


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    told: list[tuple[object, ...]] = []

    def run(engine: Engine, *said: str) -> Kept:
        kept = Kept(tmp_path / "kept")
        wanted = {key_of(each): (Message("user", each),) for each in said}
        make(kept, engine.writer(), wanted, Sampling(), lambda *far: told.append(far), "作答")
        return kept

    words = ["一", "二", "三", "四", "五", "六"]
    with pytest.raises(EngineUnreachable):
        run(Engine(), *words, "断了")
    had = [each for each in words if key_of(each) in Kept(tmp_path / "kept")]
    second = Engine()
    kept = run(second, *words)
    assert sorted(second.asked) == sorted(set(words) - set(had))
    assert [kept[key_of(each)] for each in words] == [f"答{each}" for each in words]
    third = Engine()
    run(third, *words, "不收")
    assert third.asked == ["不收"]
    assert all(note == "作答" and done <= total for done, total, note in told)


def test_a_torn_last_line_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "kept"
    kept = Kept(path)
    kept["a"], kept["b"] = "甲", {"x": [1]}
    path.write_bytes(path.read_bytes()[:-9])
    torn = Kept(path)
    assert torn.get("a", "") == "甲"
    assert "b" not in torn
    torn["c"] = "丙"
    again = Kept(path)
    assert (again["a"], again["c"], "b" in again) == ("甲", "丙", False)


def test_keys_depend_on_everything() -> None:
    keys = {key_of(), key_of("a"), key_of("a", "b"), key_of(["a", "b"]), key_of("b", "a")}
    assert len(keys) == 5
    assert key_of({"x": 1, "y": 2}) == key_of({"y": 2, "x": 1})
