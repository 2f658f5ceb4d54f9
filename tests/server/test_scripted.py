"""The fake that ships with the product has to be as strict as what it stands for."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.types import Message
from server.engines.base import EngineRequest, Piece, Sampling
from server.engines.scripted import Delay, Fail, ScriptedEngine, Text
from server.errors import EngineFailed, EngineLost, EngineRefused, EngineStarting, UnknownAdapter

pytestmark = pytest.mark.anyio

REQUEST = EngineRequest((Message("system", "你是小说家。"), Message("user", "续写。")), 200)


async def pieces(engine: ScriptedEngine, request: EngineRequest = REQUEST) -> list[Piece]:
    return [piece async for piece in engine.stream(request)]


async def text(engine: ScriptedEngine, request: EngineRequest = REQUEST, index: int = 0) -> str:
    return "".join(p.text for p in await pieces(engine, request) if p.index == index)


async def test_the_same_request_gives_the_same_text() -> None:
    assert await text(ScriptedEngine()) == await text(ScriptedEngine())


async def test_whatever_matters_changes_the_text() -> None:
    engine = ScriptedEngine()
    await engine.load_adapter("文风", Path("x"))
    requests = [
        REQUEST,
        replace(REQUEST, messages=(*REQUEST.messages, Message("user", "再写。"))),
        replace(REQUEST, sampling=Sampling(seed=1)),
        replace(REQUEST, adapter="文风"),
    ]
    texts = [await text(engine, request) for request in requests]
    assert len(set(texts)) == len(texts)


async def test_a_shorter_answer_is_the_beginning_of_a_longer_one() -> None:
    long = await text(ScriptedEngine())
    short = await text(ScriptedEngine(), replace(REQUEST, max_tokens=50))
    assert long.startswith(short)
    assert (len(long), len(short)) == (200, 50)


async def test_it_does_not_repeat_itself() -> None:
    long = await text(ScriptedEngine(window=10_000), replace(REQUEST, max_tokens=6000))
    sentences = long.replace("\n", "").split("。")
    told = Counter(sentence for sentence in sentences if len(sentence) > 12)
    assert told.most_common(1)[0][1] <= 3
    assert len(told) > 0.9 * told.total()


async def test_candidates_differ_and_each_ends_once_and_usage_is_last() -> None:
    request = replace(REQUEST, candidates=3)
    got = await pieces(ScriptedEngine(), request)
    texts = {i: "".join(p.text for p in got if p.index == i and not p.usage) for i in range(3)}
    assert len(set(texts.values())) == 3
    assert sorted(p.index for p in got if p.finish_reason) == [0, 1, 2]
    assert [p.usage is not None for p in got] == [False] * (len(got) - 1) + [True]
    usage = got[-1].usage
    assert usage is not None
    assert usage.completion_tokens == sum(map(len, texts.values())) == 600
    assert usage.prompt_tokens == ScriptedEngine().tokens.count_messages(REQUEST.messages)


async def test_stop_ends_the_text_before_it() -> None:
    whole = await text(ScriptedEngine())
    stop = whole[60:63]
    got = await pieces(ScriptedEngine(), replace(REQUEST, sampling=Sampling(stop=(stop,))))
    assert "".join(p.text for p in got) == whole[: whole.index(stop)]
    assert [p.finish_reason for p in got if p.finish_reason] == ["stop"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(), max_size=4))
async def test_counts_agree(texts: list[str]) -> None:
    counter = ScriptedEngine().tokens
    messages = [Message("user", content) for content in texts]
    overhead = counter.count_messages([Message("user", "")]) - counter.count_messages([])
    empty = counter.count_messages([])
    assert counter.count_messages(messages) == empty + sum(
        count + overhead for count in counter.count(texts)
    )


async def test_the_window_is_kept() -> None:
    engine = ScriptedEngine(window=100)
    room = 100 - engine.tokens.count_messages(REQUEST.messages)
    assert len(await text(engine, replace(REQUEST, max_tokens=room))) == room
    with pytest.raises(EngineRefused, match="窗口"):
        await text(engine, replace(REQUEST, max_tokens=room + 1))


@pytest.mark.parametrize("change", [{"max_tokens": 0}, {"candidates": 0}])
async def test_senseless_requests_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(EngineRefused):
        await text(ScriptedEngine(), replace(REQUEST, **change))


async def test_adapters_are_remembered() -> None:
    engine = ScriptedEngine()
    with pytest.raises(UnknownAdapter):
        await text(engine, replace(REQUEST, adapter="文风"))
    await engine.load_adapter("文风", Path("文风"))
    assert [adapter.name for adapter in await engine.adapters()] == ["文风"]
    assert await text(engine, replace(REQUEST, adapter="文风"))
    await engine.unload_adapter("文风")
    with pytest.raises(UnknownAdapter):
        await engine.unload_adapter("文风")


async def test_a_script_is_played_request_by_request() -> None:
    lost = EngineLost("断了。")
    engine = ScriptedEngine(script=[Fail(lost, after=5), (Delay(0.05), Text("完。")), Fail(lost)])
    got: list[Piece] = []
    with pytest.raises(EngineLost):
        async for piece in engine.stream(REQUEST):
            got.append(piece)
    assert len(got) == 5
    began = asyncio.get_running_loop().time()
    assert await text(engine) == "完。"
    assert asyncio.get_running_loop().time() - began >= 0.05
    with pytest.raises(EngineLost):
        await pieces(engine)
    assert await text(engine) == await text(ScriptedEngine())
    assert len(engine.requests) == 4
    assert engine.running == 0


async def test_closing_a_stream_is_seen() -> None:
    engine = ScriptedEngine(tokens_per_second=50)
    stream = engine.stream(REQUEST)
    await anext(stream)
    assert engine.running == 1
    await stream.aclose()
    assert engine.running == 0


async def test_cancelling_before_the_first_token_is_seen() -> None:
    engine = ScriptedEngine(script=[Delay(60)])
    task = asyncio.create_task(pieces(engine))
    await asyncio.sleep(0.01)
    assert engine.running == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.running == 0


async def test_it_plays_an_engine_that_is_not_ready() -> None:
    engine = ScriptedEngine()
    engine.state = "starting"
    with pytest.raises(EngineStarting):
        await text(engine)
    await engine.stop()
    assert engine.status().state == "stopped"
    with pytest.raises(EngineFailed):
        await text(engine)
    await engine.start()
    assert await text(engine)
