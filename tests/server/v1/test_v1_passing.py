"""A name of the engine's own is passed through: bytes there, bytes back, as they came."""

import json

import openai
import pytest
from fastapi.responses import JSONResponse

from tests.server.v1.conftest import Served, wait_for
from tests.server.v1.endpoint import CALLING, STREAM, Engine

SAY = [{"role": "user", "content": "说一句话。"}]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "x", "schema": {"type": "object", "properties": {}}},
}


def test_what_the_engine_answers_comes_back_byte_for_byte(passing: Served, engine: Engine) -> None:
    engine.answer = {"id": "x", "odd": [1.5e3, None], "choices": [], "usage": {"prompt_tokens": 3}}
    raw = b'{ "model":"tiny",  "messages":[{"role":"user","content":"\\u96e8"}], "top_k": 5 }'
    answer = passing.http.post("/v1/chat/completions", content=raw)
    assert engine.bodies == [raw]
    assert answer.content == JSONResponse(engine.answer).body
    assert passing.use()[0]["prompt_tokens"] == 3


@pytest.mark.parametrize("cut", [10**9, 7, 64])
def test_so_does_a_stream_wherever_it_is_cut(passing: Served, engine: Engine, cut: int) -> None:
    engine.cut = cut
    wanted = {"model": "tiny", "messages": SAY, "stream": True}
    asked = {**wanted, "stream_options": {"include_usage": True}}
    told = passing.http.post("/v1/chat/completions", json=asked)
    assert told.content == b"".join(STREAM)
    hidden = passing.http.post("/v1/chat/completions", json=wanted)
    assert hidden.content == b"".join(STREAM[:3]) + b"data: [DONE]\n\n"
    assert json.loads(engine.bodies[1])["stream_options"] == {"include_usage": True}
    wait_for(lambda: passing.use()[0]["requests"] == 2)
    (use,) = passing.use()
    assert (use["prompt_tokens"], use["completion_tokens"]) == (14, 4)


def test_tools_and_schemas_reach_the_engine_and_calls_come_back(
    passing: Served, engine: Engine
) -> None:
    engine.answer = CALLING
    passing.ok(
        "POST", "/api/personas", json={"name": "阿檀", "slug": "atan", "description": "老人"}
    )
    for model in ("tiny", "persona/atan"):
        answer = passing.sdk().chat.completions.create(
            model=model, messages=SAY, tools=TOOLS, tool_choice="auto",  # type: ignore[arg-type]
            response_format=SCHEMA, logprobs=True,  # type: ignore[arg-type]
        )  # fmt: skip
        calls = answer.choices[0].message.tool_calls or []
        assert calls[0].function.name == "weather"  # type: ignore[union-attr]
        sent = json.loads(engine.bodies[-1])
        assert (sent["tools"], sent["tool_choice"], sent["response_format"]) == (
            TOOLS, "auto", SCHEMA,
        )  # fmt: skip
        assert (sent["logprobs"], sent["model"]) == (True, "tiny")
        assert "yanchi" not in sent


def test_a_persona_s_stream_has_its_name_and_account(passing: Served, engine: Engine) -> None:
    engine.cut = 11
    passing.ok(
        "POST", "/api/personas", json={"name": "阿檀", "slug": "atan", "description": "老人"}
    )
    chunks = list(
        passing.sdk().chat.completions.create(model="persona/atan", messages=SAY, stream=True)  # type: ignore[call-overload]
    )
    assert [c.model for c in chunks] == ["persona/atan"] * 2
    assert chunks[0].yanchi["kept"]
    assert "".join(c.choices[0].delta.content for c in chunks) == "雨雨"


def test_what_the_engine_refuses_is_refused_in_its_words(passing: Served, engine: Engine) -> None:
    engine.status = 400
    told = "This model's maximum context length is 4096 tokens."
    engine.answer = {"error": {"message": told, "type": "BadRequestError", "code": 400}}
    with pytest.raises(openai.BadRequestError) as caught:
        passing.sdk().chat.completions.create(model="tiny", messages=SAY)  # type: ignore[arg-type]
    assert caught.value.code == "context_length_exceeded"
    assert told in str(caught.value)
    engine.status = 500
    with pytest.raises(openai.InternalServerError) as lost:
        passing.sdk().chat.completions.create(model="tiny", messages=SAY)  # type: ignore[arg-type]
    assert (lost.value.status_code, lost.value.code) == (502, "engine_error")


def test_an_engine_that_breaks_off_is_told_in_the_stream(passing: Served, engine: Engine) -> None:
    engine.broken = True
    stream = passing.sdk().chat.completions.create(model="tiny", messages=SAY, stream=True)  # type: ignore[call-overload]
    with pytest.raises(openai.APIError) as caught:
        list(stream)
    assert caught.value.code == "engine_lost"


@pytest.mark.parametrize("model", ["tiny", "persona/atan"])
def test_a_reader_who_goes_away_ends_the_engine_s_work(
    passing: Served, engine: Engine, model: str
) -> None:
    engine.endless = True
    passing.ok(
        "POST", "/api/personas", json={"name": "阿檀", "slug": "atan", "description": "老人"}
    )
    wanted = {"model": model, "messages": SAY, "stream": True}
    with passing.http.stream("POST", "/v1/chat/completions", json=wanted) as answer:
        chunks = answer.iter_bytes()
        assert next(chunks)
        assert engine.open == 1
        assert len(passing.desk.writer.running) == 1
    wait_for(lambda: engine.open == 0)
    wait_for(lambda: len(passing.desk.writer.running) == 0)
    wait_for(lambda: [u["failures"] for u in passing.use()] == [1])
