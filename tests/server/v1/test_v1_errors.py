"""Bad input: OpenAI's shape, a stable code, a sentence that a person understands."""

import json
from typing import Any

import openai
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from server.engines.scripted import Fail, ScriptedEngine
from server.errors import EngineLost
from server.openai.schemas import MOST_BYTES
from tests.server.conftest import Client
from tests.server.v1.conftest import Served, wait_for

SAY = [{"role": "user", "content": "说一句话。"}]
CHAT = "/v1/chat/completions"
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def refused(api: Client, status: int, code: str, path: str = CHAT, **how: Any) -> dict[str, Any]:
    answer = api.http.request(how.pop("method", "POST"), path, **how)
    assert answer.status_code == status, answer.text
    assert answer.headers["x-request-id"]
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code, error
    assert error["message"].isascii()
    assert error["message"].endswith(".")
    return error


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "scripted", "messages": SAY, "max_tokens": 5, **fields}


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"max_tokens": -3}, "integer_below_min_value", "max_tokens"),
        ({"max_completion_tokens": 0}, "integer_below_min_value", "max_completion_tokens"),
        ({"max_tokens": "many"}, "invalid_type", "max_tokens"),
        ({"temperature": 3.5}, "decimal_above_max_value", "temperature"),
        ({"n": 0}, "integer_below_min_value", "n"),
        ({"messages": SAY * 10_000}, "array_above_max_length", "messages"),
        ({"messages": []}, "invalid_value", "messages"),
        ({"messages": "hello"}, "invalid_type", "messages"),
        ({"messages": [{"role": "king", "content": ""}]}, "invalid_value", "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "invalid_value", "messages[0]"),
        ({"messages": [{"role": "user", "content": 7}]}, "invalid_type", "messages[0]"),
        ({"stop": ["x"] * 1000}, "array_above_max_length", "stop"),
        ({"stop": [""]}, "invalid_value", "stop[0]"),
        ({"logprobs": True, "top_logprobs": 99}, "integer_above_max_value", "top_logprobs"),
        ({"stream_options": {"include_usage": True}}, "invalid_value", None),
        ({"max_tokens": 9_000}, "context_length_exceeded", "messages"),
        ({"response_format": {"type": "json_object"}}, "unsupported_parameter", "response_format"),
        ({"yanchi": {"moon": 1}}, "unknown_parameter", "yanchi.moon"),
        (
            {"messages": [{"role": "user", "content": [PICTURE]}]},
            "unsupported_content_type",
            "messages[0].content",
        ),
    ],
)
def test_each_mistake_is_named(
    api: Client, fields: dict[str, Any], code: str, param: str | None
) -> None:
    assert refused(api, 400, code, json=body(**fields))["param"] == param


def test_a_body_that_is_none(api: Client) -> None:
    for raw in (b"", b"{", b"[1]", b'{"model": NaN}', b"\xff\xfe", b'"' * 50, b"[" * 100_000):
        refused(api, 400, "invalid_json", content=raw)
    refused(api, 413, "request_too_large", content=b" " * (MOST_BYTES + 1))
    told = refused(api, 400, "missing_required_parameter", json={"messages": SAY})
    assert told["param"] == "model"


def test_what_is_not_there(api: Client) -> None:
    refused(api, 404, "model_not_found", json=body(model="gpt-9"))
    refused(api, 404, "model_not_found", json=body(model="persona/nobody"))
    refused(api, 404, "model_not_found", json=body(model="work/../etc"))
    refused(api, 404, "model_not_found", "/v1/models/gpt-9", method="GET")
    refused(api, 404, "unknown_url", "/v1/fine_tuning/jobs")
    refused(api, 405, "method_not_allowed", method="GET")


def test_personas_and_works_read_no_pictures_either(api: Client) -> None:
    work, _ = api.book()
    api.ok("POST", "/api/personas", json={"name": "阿檀", "slug": "atan"})
    for model in ("persona/atan", f"work/{work}"):
        seen = body(model=model, messages=[*SAY, {"role": "user", "content": [PICTURE]}])
        told = refused(api, 400, "unsupported_content_type", json=seen)
        assert told["param"] == "messages[1].content"


def test_another_page_is_refused_in_the_same_shape(api: Client) -> None:
    error = api.http.post(CHAT, json=body(), headers={"origin": "http://evil.example"})
    assert error.status_code == 403
    assert error.json()["error"]["code"] == "foreign_origin"
    assert error.json()["error"]["message"].isascii()


def test_an_embedder_is_no_writer_and_a_writer_no_embedder(api: Client) -> None:
    name = api.ok("GET", "/v1/models")["data"][-1]["id"]
    refused(api, 400, "unsupported_endpoint", json=body(model=name))
    path = "/v1/embeddings"
    refused(api, 404, "model_not_found", path, json={"model": "scripted", "input": "雨"})
    refused(api, 400, "invalid_type", path, json={"model": name, "input": [1, 2]})
    refused(api, 400, "invalid_value", path, json={"model": name, "input": [""]})
    refused(api, 400, "invalid_value", path, json={"model": name, "input": "雨", "dimensions": 3})
    refused(api, 400, "array_above_max_length", path, json={"model": name, "input": ["雨"] * 3000})


def test_an_engine_that_starts_or_has_failed(api: Client) -> None:
    engine = api.desk.engine
    assert isinstance(engine, ScriptedEngine)
    engine.state = "starting"
    answer = api.http.post(CHAT, json=body())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    refused(api, 503, "engine_starting", json=body())
    engine.state = "failed"
    refused(api, 503, "engine_failed", json=body())


def test_an_engine_lost_in_mid_stream_is_told_in_the_stream(served: Served) -> None:
    served.engine._script = iter([Fail(EngineLost("引擎没了。"), after=3)])
    stream = served.sdk().chat.completions.create(
        model="scripted", messages=SAY, max_tokens=50, stream=True
    )
    with pytest.raises(openai.APIError) as caught:
        list(stream)
    assert caught.value.code == "engine_lost"
    wait_for(lambda: [u["failures"] for u in served.use()] == [1])


def test_a_fault_of_ours_is_a_500_in_the_same_shape(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("server.openai.answers.find_model", broken)
    told = refused(api, 500, "internal_error", json=body(model="persona/atan"))
    assert "boom" not in told["message"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
FIELDS = (
    "messages", "prompt", "max_tokens", "max_completion_tokens", "n", "stop", "seed", "stream",
    "stream_options", "temperature", "top_p", "logprobs", "top_logprobs", "response_format",
    "tools", "tool_choice", "yanchi", "user", "echo", "input", "encoding_format", "dimensions",
    "metadata", "logit_bias",
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(["chat/completions", "completions", "embeddings"]),
    model=st.sampled_from(["scripted", "persona/atan", "work/试书", "yanchi-embed-zh"]) | JSON,
    fields=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
    sound=st.booleans(),
)
@example(path="chat/completions", model="scripted", fields={"stop": None}, sound=True)
def test_no_body_makes_the_desk_fail(
    fuzzed: Client, path: str, model: Any, fields: dict[str, Any], sound: bool
) -> None:
    good = {"messages": SAY, "prompt": "雨", "input": "雨", "max_tokens": 4} if sound else {}
    try:
        raw = json.dumps({"model": model, **good, **fields}).encode()
    except UnicodeEncodeError:
        return
    answer = fuzzed.http.post(f"/v1/{path}", content=raw)
    assert answer.status_code < 500, (answer.status_code, answer.text, raw)
    if answer.is_error:
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.fixture
def fuzzed(api: Client) -> Client:
    """A desk with a persona and a work."""
    api.book()
    api.ok("POST", "/api/personas", json={"name": "阿檀", "slug": "atan"})
    return api
