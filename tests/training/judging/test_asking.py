"""Engines asked over HTTP: several at once, patient with those that are busy, clear when lost."""

import json
import threading

import httpx
import pytest

from retrieval.types import Message
from training.errors import EngineUnreachable
from training.judging.asking import EndpointWriter
from training.judging.generating import Sampling
from training.judging.kept import Kept, key_of, make

ASK = (Message("user", "接着写"),)
BEGUN = (*ASK, Message("assistant", "雪停了，"))


class Engine:
    """An endpoint that echoes; `faults` are what it answers first."""

    def __init__(self, *faults: int, vllm: bool = True, text: str | None = None) -> None:
        self.faults, self.vllm, self.text = list(faults), vllm, text
        self.bodies: list[dict] = []
        self.lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/version":
            return httpx.Response(200 if self.vllm else 404, json={"version": "0.32.0"})
        assert request.url.path == "/v1/chat/completions"
        body = json.loads(request.content)
        with self.lock:
            self.bodies.append(body)
            if self.faults:
                return httpx.Response(self.faults.pop(0), text="忙")
        said = self.text if self.text is not None else f"答{body['messages'][-1]['content']}"
        return httpx.Response(200, json={"choices": [{"message": {"content": said}}]})

    def writer(self, url: str = "http://engine:1/v1/") -> EndpointWriter:
        return EndpointWriter(url, "m", "k", pause=0, transport=httpx.MockTransport(self))


def test_every_prompt_has_its_answer() -> None:
    engine = Engine()
    prompts = [(Message("user", str(n)),) for n in range(20)]
    found = dict(engine.writer().write(prompts, Sampling(tokens=9, temperature=0.5, seed=3)))
    assert found == {n: f"答{n}" for n in range(20)}
    body = engine.bodies[0]
    assert (body["model"], body["max_tokens"], body["temperature"], body["seed"]) == (
        "m",
        9,
        0.5,
        3,
    )
    assert "response_format" not in body


def test_vllm_goes_on_where_the_answer_begins() -> None:
    engine = Engine()
    list(engine.writer("http://engine:1").write([BEGUN, ASK], Sampling()))
    by_length = {len(body["messages"]): body for body in engine.bodies}
    assert by_length[2]["continue_final_message"] is True
    assert by_length[2]["add_generation_prompt"] is False
    assert "continue_final_message" not in by_length[1]


def test_others_get_nothing_that_they_may_refuse() -> None:
    engine = Engine(vllm=False)
    schema = {"type": "object"}
    list(engine.writer().write([BEGUN], Sampling(), schema))
    assert engine.bodies[0].keys() == {
        "model", "messages", "max_tokens", "temperature", "top_p", "seed", "response_format",
    }  # fmt: skip
    assert engine.bodies[0]["response_format"]["json_schema"]["schema"] == schema


def test_a_busy_engine_is_asked_again() -> None:
    engine = Engine(503, 429)
    assert dict(engine.writer().write([ASK], Sampling())) == {0: "答接着写"}
    assert len(engine.bodies) == 3


@pytest.mark.parametrize("faults", [(503,) * 9, (400,)])
def test_an_engine_that_stays_away_is_told(faults: tuple[int, ...]) -> None:
    with pytest.raises(EngineUnreachable, match="engine:1 上的 m"):
        list(Engine(*faults).writer().write([ASK], Sampling()))


def test_what_is_no_chat_completion_is_told() -> None:
    def page(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"hello": 1})

    writer = EndpointWriter("http://e", "m", pause=0, transport=httpx.MockTransport(page))
    with pytest.raises(EngineUnreachable, match="格式"):
        list(writer.write([ASK], Sampling()))
    nowhere = EndpointWriter("http://127.0.0.1:9", "m", pause=0)
    with pytest.raises(EngineUnreachable, match="没有回答"):
        list(nowhere.write([ASK], Sampling()))


# --- what is kept ---------------------------------------------------------------------------


def test_what_was_answered_is_not_asked_again(tmp_path) -> None:
    wanted = {key_of("q", n): (Message("user", str(n)),) for n in range(6)}
    first = Engine(400)
    with pytest.raises(EngineUnreachable):
        make(Kept(tmp_path / "kept"), first.writer(), wanted, Sampling(), _untold, "")
    before = Kept(tmp_path / "kept")
    had = [key for key in wanted if key in before]
    second = Engine()
    kept = Kept(tmp_path / "kept")
    make(kept, second.writer(), wanted, Sampling(), _untold, "")
    assert len(second.bodies) == len(wanted) - len(had)
    assert [kept[key] for key in wanted] == [f"答{n}" for n in range(6)]
    third = Engine()
    make(Kept(tmp_path / "kept"), third.writer(), wanted, Sampling(), _untold, "")
    assert not third.bodies


def _untold(done: int, total: int, note: str = "") -> None: ...


def test_a_torn_last_line_is_forgotten(tmp_path) -> None:
    path = tmp_path / "deep" / "kept"
    kept = Kept(path)
    kept["a"], kept["b"] = "甲", {"x": [1]}
    path.write_bytes(path.read_bytes()[:-9])
    torn = Kept(path)
    assert "a" in torn
    assert "b" not in torn
    torn["c"] = "丙"
    again = Kept(path)
    assert (again["a"], again["c"], "b" in again) == ("甲", "丙", False)


def test_keys_depend_on_everything() -> None:
    keys = {key_of(), key_of("a"), key_of("a", "b"), key_of(["a", "b"]), key_of("b", "a")}
    assert len(keys) == 5
    assert key_of({"x": 1, "y": 2}) == key_of({"y": 2, "x": 1})
