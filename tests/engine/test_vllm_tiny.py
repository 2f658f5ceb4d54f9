"""A real vLLM on a tiny random Qwen3: the protocol, counted and measured by vLLM itself."""

import asyncio
import re
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from running import Running
from tiny_qwen import SENTENCES, make_adapter

from retrieval.types import Message
from server.engines.base import EngineRequest, Sampling
from server.engines.tokens import LocalTokenCounter, RemoteTokenCounter, UpperBoundCounter
from server.errors import EngineError, EngineLost, EngineRefused, EngineStarting, UnknownAdapter

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]

USER = Message("user", "接着写：天色将晚，江上起了薄雾。")
REQUEST = EngineRequest((USER,), 24, sampling=Sampling(temperature=0.0))
NEVER_ENDING = EngineRequest((USER,), 900, min_tokens=900, sampling=Sampling(temperature=1.0))
CONVERSATIONS = [
    (USER,),
    (Message("system", "你是小说家。"), USER),
    (Message("system", ""), USER, Message("assistant", "灯一盏一盏亮起来。"), USER),
    (Message("user", "  前后的空白\n\n也算数。\n"),),
    (Message("user", "𠮷野家のé与é，👩‍👩‍👧 \u2028 \x00 <think> <|im_end|>"),),
    (Message("user", "".join(SENTENCES) * 2),),
    (USER, Message("assistant", "灯一盏一盏亮起来，她把信")),
    (USER, Message("assistant", "灯一盏一盏亮起来。\n\n")),
]
MANY = 100
"""Of those at once: so many that a busy machine, late to notice, cannot finish them all."""
RUNNING = "vllm:num_requests_running"
WAITING = "vllm:num_requests_waiting{"
GENERATED = "vllm:generation_tokens_total"


async def within(seconds: float, true: Callable[[], Awaitable[bool]]) -> float:
    """Seconds until it came true; fails when it did not."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return time.monotonic() - began


def test_an_answer_streams_and_ends_with_usage(tiny: Running) -> None:
    pieces = tiny.run(tiny.pieces(REQUEST))
    usage = pieces[-1].usage
    assert usage is not None
    assert usage.completion_tokens <= 24
    assert usage.cached_tokens is not None
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] in (
        ["length"],
        ["stop"],
    )


@pytest.mark.parametrize("messages", CONVERSATIONS, ids=range(len(CONVERSATIONS)))
def test_the_local_count_is_what_vllm_counts(tiny: Running, messages: tuple[Message, ...]) -> None:
    usage = tiny.run(tiny.pieces(replace(REQUEST, messages=messages, max_tokens=1)))[-1].usage
    assert usage is not None
    assert tiny.engine.tokens.count_messages(messages) == usage.prompt_tokens
    assert UpperBoundCounter().count_messages(messages) >= usage.prompt_tokens


def test_an_assistants_last_message_is_gone_on_with(tiny: Running) -> None:
    """The model's own words first come again, were they asked for as a new answer's beginning."""
    whole = tiny.text(REQUEST)
    half = whole[: len(whole) // 2]
    messages = (USER, Message("assistant", half))
    asked = replace(REQUEST, messages=messages, min_tokens=8)
    pieces = tiny.run(tiny.pieces(asked))
    usage = pieces[-1].usage
    assert usage is not None
    assert usage.completion_tokens >= 8
    assert usage.prompt_tokens == tiny.engine.tokens.count_messages(messages)


def test_the_remote_count_is_the_local_one(tiny: Running) -> None:
    local = tiny.engine.tokens
    assert isinstance(local, LocalTokenCounter)
    remote = RemoteTokenCounter(
        "http://engine",
        transport=httpx.HTTPTransport(uds=str(tiny.engine.socket)),
        chat_template_kwargs=local.chat_template_kwargs,
    )
    texts = [*SENTENCES, "", " ", "<|im_end|>", "\n\n"]
    assert remote.count(texts) == local.count(texts) == local.count(texts)
    for messages in CONVERSATIONS:
        assert remote.count_messages(messages) == local.count_messages(messages)
    remote.close()


def test_the_status_tells_what_is_served(tiny: Running) -> None:
    status = tiny.engine.status()
    assert (status.state, status.model, status.window) == ("ready", "tiny", 1024)


def test_candidates_are_separate(tiny: Running) -> None:
    request = replace(REQUEST, candidates=3, sampling=Sampling(temperature=1.0, seed=3))
    pieces = tiny.run(tiny.pieces(request))
    assert sorted(piece.index for piece in pieces if piece.finish_reason) == [0, 1, 2]
    texts = {i: "".join(p.text for p in pieces if p.index == i) for i in range(3)}
    assert len(set(texts.values())) == 3


def test_a_seed_gives_the_same_text_however_the_prompt_is_read(tiny: Running) -> None:
    """Longer than one step: stock vLLM 0.32 dies of this request on a CPU."""
    long = replace(
        REQUEST,
        messages=(Message("user", "".join(SENTENCES) * 8),),
        sampling=Sampling(temperature=1.0, seed=5),
    )
    assert tiny.engine.tokens.count_messages(long.messages) > 2 * 128
    cold = tiny.text(long)
    assert tiny.text(long) == cold  # now from the prefix cache, in one step
    other = replace(long, messages=(Message("user", "别的。" + "".join(SENTENCES) * 8),))

    async def together() -> list[str]:
        answers = await asyncio.gather(tiny.pieces(long), tiny.pieces(other))
        return ["".join(piece.text for piece in pieces) for pieces in answers]

    assert tiny.run(together())[0] == cold


def test_an_adapter_changes_the_text_until_it_is_unloaded(
    tiny: Running, tiny_adapter: Path
) -> None:
    base = tiny.text(REQUEST)
    with pytest.raises(UnknownAdapter):
        tiny.text(replace(REQUEST, adapter="文风"))
    tiny.run(tiny.engine.load_adapter("文风", tiny_adapter))
    assert [adapter.name for adapter in tiny.run(tiny.engine.adapters())] == ["文风"]
    tiny.run(tiny.engine.load_adapter("文风", tiny_adapter))  # the same again is no error
    assert tiny.text(replace(REQUEST, adapter="文风")) != base
    assert tiny.text(REQUEST) == base
    tiny.run(tiny.engine.unload_adapter("文风"))
    with pytest.raises(UnknownAdapter):
        tiny.text(replace(REQUEST, adapter="文风"))
    with pytest.raises(UnknownAdapter):
        tiny.run(tiny.engine.unload_adapter("文风"))
    assert tiny.run(tiny.engine.adapters()) == []


def test_base_and_adapter_in_one_step_do_not_mix(tiny: Running, tiny_adapter: Path) -> None:
    """vLLM 0.32's own CPU path lends the last slot's adapter to whoever has none."""
    longer = replace(REQUEST, max_tokens=200, min_tokens=200)
    tiny.run(tiny.engine.load_adapter("文风", tiny_adapter))
    asked = [longer, replace(longer, adapter="文风")]
    alone = [tiny.text(request) for request in asked]

    async def together() -> list[str]:
        pieces = await asyncio.gather(*(tiny.pieces(request) for request in asked * 4))
        return ["".join(piece.text for piece in one) for one in pieces]

    assert tiny.run(together()) == alone * 4
    tiny.run(tiny.engine.unload_adapter("文风"))


def test_another_adapter_under_the_same_name_replaces_it(
    tiny: Running, tiny_model: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    request = replace(REQUEST, adapter="版本")
    tiny.run(tiny.engine.load_adapter("版本", tiny_adapter))
    first = tiny.text(request)
    tiny.run(tiny.engine.load_adapter("版本", make_adapter(tiny_model, tmp_path, seed=12)))
    assert tiny.text(request) != first
    tiny.run(tiny.engine.unload_adapter("版本"))


def test_an_adapter_for_another_model_is_refused(
    tiny: Running, tiny_adapter: Path, tmp_path: Path
) -> None:
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        (tmp_path / file).write_bytes((tiny_adapter / file).read_bytes())
    config = tmp_path / "adapter_config.json"
    config.write_text(re.sub(r'"r": \d+', '"r": 1', config.read_text()))
    weights = tmp_path / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(EngineRefused, match="坏的"):
        tiny.run(tiny.engine.load_adapter("坏的", tmp_path))
    assert tiny.text(REQUEST)


def test_what_does_not_fit_the_window_is_refused(tiny: Running) -> None:
    with pytest.raises(EngineRefused, match="窗口"):
        tiny.text(replace(REQUEST, messages=(Message("user", "".join(SENTENCES) * 80),)))
    with pytest.raises(EngineRefused, match="窗口"):
        tiny.text(replace(REQUEST, max_tokens=5000))


def test_senseless_sampling_is_refused(tiny: Running) -> None:
    with pytest.raises(EngineRefused, match="temperature"):
        tiny.text(replace(REQUEST, sampling=Sampling(temperature=-1)))


async def ended_early(tiny: Running, before: float) -> None:
    """vLLM has nothing left to do, and did less than `MANY` were asked: no clock needed to tell.

    Its gauges are as of its last step, and leaving ends in no step: a short request makes one.
    """

    async def idle() -> bool:
        await tiny.pieces(REQUEST)
        return await tiny.gauge(RUNNING) + await tiny.gauge(WAITING) == 0

    await within(60, idle)
    assert await tiny.gauge(GENERATED) - before < MANY * NEVER_ENDING.max_tokens


def test_closing_streams_ends_vllms_work(tiny: Running) -> None:
    async def work() -> None:
        before = await tiny.gauge(GENERATED)
        await asyncio.gather(*(first_piece_only() for _ in range(MANY)))
        await ended_early(tiny, before)

    async def first_piece_only() -> None:
        async with aclosing(tiny.open(NEVER_ENDING)) as stream:
            await anext(stream)

    tiny.run(work())


def test_leaving_before_the_first_token_ends_vllms_work(tiny: Running) -> None:
    async def work() -> None:
        before = await tiny.gauge(GENERATED)
        await asyncio.gather(*(leaving(n / 1000) for n in range(MANY)))
        await ended_early(tiny, before)

    async def leaving(seconds: float) -> None:
        task = asyncio.create_task(tiny.pieces(NEVER_ENDING))
        await asyncio.sleep(seconds)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    tiny.run(work())


def test_leaving_the_queue_ends_vllms_work(tiny: Running) -> None:
    """More requests than vLLM runs at once (16): the rest waits, and goes when told."""

    async def work() -> None:
        before = await tiny.gauge(GENERATED)
        tasks = [asyncio.create_task(tiny.pieces(NEVER_ENDING)) for _ in range(MANY)]
        await within(60, some_wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await ended_early(tiny, before)

    async def some_wait() -> bool:
        return await tiny.gauge(WAITING) > 0

    tiny.run(work())


def test_nobody_else_can_ask(tiny: Running) -> None:
    directory = tiny.engine.socket.parent
    assert directory.stat().st_mode & 0o777 == 0o700
    listening = [c for p in tiny.processes() for c in p.net_connections("tcp") if c.laddr]
    assert all(c.laddr.ip in ("127.0.0.1", "::1") for c in listening if c.status == "LISTEN")
    for process in tiny.processes():
        assert not any("api-key" in argument for argument in process.cmdline())


def test_prompts_are_not_logged(tiny: Running) -> None:
    secret = "机密的一句话"
    tiny.text(replace(REQUEST, messages=(Message("user", secret),)))
    assert secret not in (tiny.options.logs_dir / "engine.log").read_text("utf-8", "replace")


def test_a_killed_engine_core_is_an_error_then_all_is_well(
    tiny: Running, tiny_adapter: Path
) -> None:
    """`kill -9` in mid-stream; adapters are there again afterwards. Runs last: it takes a start."""
    tiny.run(tiny.engine.load_adapter("文风", tiny_adapter))
    told = tiny.text(replace(REQUEST, adapter="文风"))
    old = tiny.processes()

    async def work() -> EngineError:
        stream = tiny.open(NEVER_ENDING)
        await anext(stream)
        for process in old:
            if process.name().startswith("VLLM::"):
                process.send_signal(signal.SIGKILL)
        try:
            async for _ in stream:
                pass
        except EngineError as error:
            return error
        raise AssertionError("the stream ended as if nothing had happened")

    assert type(tiny.run(work())) is EngineLost
    tiny.run(tiny.until("restarting"))
    with pytest.raises(EngineStarting):
        tiny.text(REQUEST)
    tiny.run(tiny.until("ready", 200), 210)
    assert tiny.engine.status().restarts == 1
    assert tiny.text(replace(REQUEST, adapter="文风")) == told
    assert not any(process.is_running() for process in old)
