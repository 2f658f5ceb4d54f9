"""The official JavaScript SDK, unchanged, run by Node."""

import json
from typing import Any

import pytest

from tests.clients import javascript
from tests.server.v1.conftest import Served, wait_for
from tests.server.v1.endpoint import CALLING, Engine

CARD = {"name": "阿檀", "slug": "atan", "description": "看门的老人"}


def js(served: Served, case: str, model: str = "scripted", key: str = "anything") -> Any:
    return javascript(case, f"{served.address}/v1", model, key)


def test_whole_and_streamed_an_answer_is_the_same(served: Served) -> None:
    served.ok("POST", "/api/personas", json=CARD)
    for model in ("scripted", "persona/atan"):
        whole, chunks = js(served, "whole", model), js(served, "stream", model)
        text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
        assert text == whole["choices"][0]["message"]["content"] != ""
        assert {c["model"] for c in chunks} == {whole["model"]} == {model}
        assert chunks[-1]["usage"] == whole["usage"]
        assert whole["usage"]["completion_tokens"] == 30
    assert sum(use["requests"] for use in served.use()) == 4


def test_several_answers_with_stops_and_logprobs(served: Served) -> None:
    choices = js(served, "choices")["choices"]
    assert [c["index"] for c in choices] == [0, 1, 2]
    for choice in choices:
        text = choice["message"]["content"]
        assert choice["finish_reason"] == "stop"
        assert "。" not in text
        assert "".join(t["token"] for t in choice["logprobs"]["content"]) == text


def test_completions_embeddings_and_models(served: Served) -> None:
    assert len(js(served, "completion")["choices"][0]["text"]) == 10
    ids = js(served, "models")
    assert ids[0] == "scripted"
    rain, boat = (one["embedding"] for one in js(served, "embedding", ids[-1])["data"])
    assert sum(x * x for x in rain) == pytest.approx(1, abs=1e-4)
    assert len(rain) == len(boat)
    assert rain != boat


def test_tools_and_a_schema_reach_the_engine_and_its_call_comes_back(
    passing: Served, engine: Engine
) -> None:
    engine.answer = CALLING
    answer = js(passing, "tools", "tiny")
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "weather"
    sent = json.loads(engine.bodies[-1])
    assert sent["tools"][0]["function"]["name"] == "weather"
    assert sent["response_format"]["json_schema"]["schema"]["required"] == ["rain"]


def test_each_refusal_has_the_sdk_s_class_for_it(served: Served) -> None:
    seen = js(served, "refused")
    assert {mistake: (e["kind"], e["code"], e["param"]) for mistake, e in seen.items()} == {
        "negative": ("BadRequestError", "integer_below_min_value", "max_tokens"),
        "unknown": ("NotFoundError", "model_not_found", "model"),
        "empty": ("BadRequestError", "invalid_value", "messages"),
    }
    assert all(error["requestID"] for error in seen.values())
    secret = served.ok("POST", "/api/keys", json={"name": "程序", "requests_per_minute": 1})[
        "secret"
    ]
    assert js(served, "error")["kind"] == "AuthenticationError"
    js(served, "whole", key=secret)
    assert js(served, "error", key=secret)["kind"] == "RateLimitError"


@pytest.mark.parametrize("model", ["tiny", "persona/atan"])
def test_an_abort_in_mid_stream_ends_the_engine_s_work(
    passing: Served, engine: Engine, model: str
) -> None:
    engine.endless = True
    passing.ok("POST", "/api/personas", json=CARD)
    assert js(passing, "abort", model).strip() == "雨"
    wait_for(lambda: engine.open == 0)
    wait_for(lambda: len(passing.desk.writer.running) == 0)
    wait_for(lambda: [use["failures"] for use in passing.use()] == [1])
