"""The client against a server that answers exactly the bytes a test tells it to."""

import asyncio
import json
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from retrieval.types import Message
from server.engines.base import EngineRequest, Piece, Sampling, Usage
from server.engines.openai_client import OpenAIEngine
from server.engines.openai_request import DRY_PROMPT_TOKENS
from server.engines.openai_stream import EventParser
from server.engines.tokens import RemoteTokenCounter, UpperBoundCounter
from server.errors import (
    EngineBusy,
    EngineError,
    EngineFailed,
    EngineLost,
    EngineRefused,
    EngineStarting,
    UnknownAdapter,
    YanchiError,
)

pytestmark = pytest.mark.anyio

DONE = "data: [DONE]\n\n"


def delta(text: str | None, reason: str | None = None, index: int = 0, **more: Any) -> str:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": reason}
    return f"data: {json.dumps({'choices': [choice], **more}, ensure_ascii=False)}\n\n"


def usage(prompt: int = 9, completion: int = 3, cached: int | None = None) -> str:
    body: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": completion}
    if cached is not None:
        body["prompt_tokens_details"] = {"cached_tokens": cached}
    return f"data: {json.dumps({'choices': [], 'usage': body})}\n\n"


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Server:
    """`chat` writes the answer's bytes itself; other paths are looked up in `answers`."""

    chat: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
            headers = {name.lower(): value for name, value in headers.items()}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            path = lines[0].split()[1]
            self.asked.append(Asked(path, headers, json.loads(body or b"{}")))
            if path == "/v1/chat/completions" and self.chat is not None:
                watch = asyncio.create_task(self._watch(reader))
                await self.chat(writer)
                watch.cancel()
            else:
                status, payload = self.answers.get(path, (404, {"error": "no such thing"}))
                self._plain(writer, status, payload)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _watch(self, reader: asyncio.StreamReader) -> None:
        await reader.read()
        self.gone.set()

    def _plain(self, writer: asyncio.StreamWriter, status: int, payload: Any) -> None:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)

    def bodies(self, path: str = "/v1/chat/completions") -> list[dict[str, Any]]:
        return [asked.body for asked in self.asked if asked.path == path]


def open_stream(writer: asyncio.StreamWriter, kind: str = "text/event-stream") -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())


def says(*parts: str | bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def chat(writer: asyncio.StreamWriter) -> None:
        open_stream(writer)
        for part in parts:
            writer.write(part if isinstance(part, bytes) else part.encode())
            await writer.drain()

    return chat


def refuses(status: int, payload: Any) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def chat(writer: asyncio.StreamWriter) -> None:
        Server()._plain(writer, status, payload)

    return chat


VLLM_CARD = {"id": "qwen", "owned_by": "vllm", "max_model_len": 4096}
VLLM = {
    "/v1/models": (200, {"data": [VLLM_CARD]}),
    "/tokenize": (200, {"count": 3, "tokens": [1, 2, 3]}),
}
FOREIGN = {"/v1/models": (200, {"data": [{"id": "gpt", "context_length": 32768}]})}


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[str]:
    listener = await asyncio.start_server(server.handle, "127.0.0.1", server.port)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{server.port}/v1"
    finally:
        listener.close()


@asynccontextmanager
async def engine_of(server: Server, **options: Any) -> AsyncIterator[OpenAIEngine]:
    server.answers = server.answers or VLLM
    async with serving(server) as url:
        engine = OpenAIEngine(url, "a key", **options)
        await engine.start()
        try:
            await settled(engine)
            yield engine
        finally:
            await engine.stop()


async def settled(engine: OpenAIEngine) -> None:
    async with asyncio.timeout(5):
        while engine.status().state in ("starting", "restarting"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def asking(**changes: Any) -> EngineRequest:
    return EngineRequest(**({"messages": (Message("user", "续写。"),), "max_tokens": 9} | changes))


async def collect(engine: OpenAIEngine, **changes: Any) -> list[Piece]:
    return [piece async for piece in engine.stream(asking(**changes))]


# The event stream itself


def parse(*chunks: bytes) -> list[str]:
    parser = EventParser()
    return [event.data for chunk in chunks for event in parser.feed(chunk)]


def test_lines_end_in_lf_cr_or_crlf() -> None:
    assert parse(b"data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\r\n\n") == ["a", "b", "c", "d"]


def test_nothing_else_ends_a_line() -> None:
    assert parse("data: 一\u2028二\x85三\x0b四\n\n".encode()) == ["一\u2028二\x85三\x0b四"]


def test_the_specification_is_followed() -> None:
    stream = (
        b"\xef\xbb\xbf: a comment\ndata:x\ndata:  y\nid: 7\nretry: 9\nother\n\n\ndata\n\ndata: z"
    )
    assert parse(stream) == ["x\n y", ""]


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), max_size=5),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    cuts=st.lists(st.integers(1, 7), min_size=1, max_size=20),
)
@example(texts=["砚"], ending="\r\n", cuts=[1])
async def test_how_the_bytes_are_cut_does_not_matter(
    texts: list[str], ending: str, cuts: list[int]
) -> None:
    stream = "".join(f"data: {text}{ending}{ending}" for text in texts) + f":end{ending}{ending}"
    data, chunks, at = stream.encode("utf-8"), [], 0
    while at < len(data):
        step = cuts[len(chunks) % len(cuts)]
        chunks.append(data[at : at + step])
        at += step
    assert parse(*chunks) == texts


# Answers


async def test_an_answer_becomes_pieces_with_usage_last() -> None:
    role = 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
    text = [delta("从前"), delta(None), delta("有", "stop")]
    server = Server(says(role, ": keep-alive\n\n", *text, usage(cached=8), DONE))
    async with engine_of(server) as engine:
        assert await collect(engine) == [
            Piece(text="从前"),
            Piece(text="有", finish_reason="stop"),
            Piece(usage=Usage(9, 3, 8)),
        ]


async def test_candidates_come_interleaved() -> None:
    chat = says(
        delta("甲", index=0), delta("乙", index=1), delta("丁", "length", 1), delta("丙", "stop", 0),
        usage(), DONE,
    )  # fmt: skip
    server = Server(chat)
    async with engine_of(server) as engine:
        got = await collect(engine, candidates=2)
    assert "".join(p.text for p in got if p.index == 1) == "乙丁"
    assert server.bodies()[0]["n"] == 2


async def test_usage_in_the_finishing_chunk_is_understood() -> None:
    finish = delta("完", "stop", usage={"prompt_tokens": 4, "completion_tokens": 1})
    async with engine_of(Server(says(finish, DONE))) as engine:
        assert (await collect(engine))[-1] == Piece(usage=Usage(4, 1))


async def test_an_end_without_done_counts_when_all_is_finished() -> None:
    async with engine_of(Server(says(delta("完", "stop")))) as engine:
        assert [piece.text for piece in await collect(engine)] == ["完"]


ERROR = 'data: {"error": {"message": "%s", "type": "x", "code": %s}}\n\n'


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([delta("从前"), DONE], EngineLost),
        ([DONE], EngineLost),
        ([delta("从前")], EngineLost),
        ([], EngineLost),
        ([delta("从前"), delta("", "abort"), DONE], EngineLost),
        ([delta("从前"), ERROR % ("EngineCore died", 500), DONE], EngineLost),
        ([ERROR % ("queue is full", 503), DONE], EngineBusy),
        ([ERROR % ("bad logit bias", 400), DONE], EngineRefused),
        (['data: {"error": "it broke"}\n\n', DONE], EngineLost),
        (["event: error\ndata: it broke\n\n"], EngineLost),
        (["data: {\n\n"], EngineError),
        (["data: [1, 2]\n\n"], EngineError),
        (['data: {"choices": "none"}\n\n'], EngineError),
        (['data: {"choices": [{"index": 0, "delta": "none"}]}\n\n'], EngineError),
    ],
)
async def test_broken_answers_are_errors(parts: list[str], error: type[EngineError]) -> None:
    async with engine_of(Server(says(*parts))) as engine:
        with pytest.raises(error) as caught:
            await collect(engine)
        assert type(caught.value) is error


async def test_one_unfinished_candidate_is_an_error() -> None:
    server = Server(says(delta("甲", "stop", 0), delta("乙", index=1), DONE))
    async with engine_of(server) as engine:
        with pytest.raises(EngineLost):
            await collect(engine, candidates=2)


async def test_a_reset_in_mid_stream_is_an_error() -> None:
    async def chat(writer: asyncio.StreamWriter) -> None:
        open_stream(writer)
        writer.write(delta("从前").encode())
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    async with engine_of(Server(chat)) as engine:
        with pytest.raises(EngineLost):
            await collect(engine)


async def test_silence_is_an_error() -> None:
    async def chat(writer: asyncio.StreamWriter) -> None:
        open_stream(writer)
        await writer.drain()
        await asyncio.sleep(5)

    async with engine_of(Server(chat), read_seconds=0.1) as engine:
        with pytest.raises(EngineLost, match="太久"):
            await collect(engine)


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json"])
async def test_a_page_is_not_a_stream(kind: str) -> None:
    async def chat(writer: asyncio.StreamWriter) -> None:
        open_stream(writer, kind)
        writer.write(b"<html></html>")

    async with engine_of(Server(chat)) as engine:
        with pytest.raises(EngineError, match="流式"):
            await collect(engine)


TOO_LONG = "max_tokens=4000 cannot be greater than max_model_len=1024. Please request fewer"


@pytest.mark.parametrize(
    ("status", "payload", "adapter", "error", "words"),
    [
        (400, {"error": {"message": TOO_LONG, "code": 400}}, None, EngineRefused, "窗口"),
        (400, {"error": {"message": "temperature must be"}}, None, EngineRefused, "temperature"),
        (422, {"detail": "?"}, None, EngineRefused, "参数"),
        (404, {"error": {"message": "no model"}}, "文风", UnknownAdapter, "文风"),
        (404, {"error": {"message": "no model"}}, None, EngineFailed, "no model"),
        (401, {"error": "Unauthorized"}, None, EngineFailed, "密钥"),
        (429, {}, None, EngineBusy, "正忙"),
        (503, b"Service Unavailable", None, EngineBusy, "正忙"),
        (500, b"\xff\xfe not text", None, EngineLost, "出错"),
        (502, b"<html>", None, EngineLost, "出错"),
    ],
)
async def test_statuses_are_translated(
    status: int, payload: Any, adapter: str | None, error: type[YanchiError], words: str
) -> None:
    async with engine_of(Server(refuses(status, payload))) as engine:
        with pytest.raises(error, match=words) as caught:
            await collect(engine, adapter=adapter)
        assert type(caught.value) is error


# Going away


async def test_closing_in_mid_stream_closes_the_connection() -> None:
    async def chat(writer: asyncio.StreamWriter) -> None:
        open_stream(writer)
        for _ in range(1000):
            writer.write(delta("山").encode())
            await writer.drain()
            await asyncio.sleep(0.01)

    server = Server(chat)
    async with engine_of(server) as engine:
        stream = engine.stream(asking())
        await anext(stream)
        await stream.aclose()
        await asyncio.wait_for(server.gone.wait(), 1)


@pytest.mark.parametrize("answered", [True, False], ids=["reading the prompt", "queued"])
async def test_leaving_before_the_first_token_closes_the_connection(answered: bool) -> None:
    arrived = asyncio.Event()

    async def chat(writer: asyncio.StreamWriter) -> None:
        if answered:
            open_stream(writer)
            await writer.drain()
        arrived.set()
        await asyncio.sleep(5)

    server = Server(chat)
    async with engine_of(server) as engine:
        task = asyncio.create_task(collect(engine))
        await arrived.wait()
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 1)


# What is asked


async def test_vllm_is_told_what_only_vllm_knows() -> None:
    server = Server(says(delta("完", "stop"), DONE))
    sampling = Sampling(
        temperature=0.5, top_p=0.7, top_k=20, min_p=0.05, repetition_penalty=1.1,
        frequency_penalty=0.3, dry=0.8, seed=7, stop=("\n\n",),
    )  # fmt: skip
    async with engine_of(server) as engine:
        await collect(
            engine, sampling=sampling, adapter="文风", request_id="r-1", names=("沈砚", "阿砚")
        )
    assert server.bodies()[0] == {
        "model": "文风",
        "messages": [{"role": "user", "content": "续写。"}],
        "max_tokens": 9,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "top_p": 0.7,
        "frequency_penalty": 0.3,
        "seed": 7,
        "stop": ["\n\n"],
        "top_k": 20,
        "min_p": 0.05,
        "repetition_penalty": 1.1,
        "vllm_xargs": {
            "dry_multiplier": 0.8,
            "dry_names": ["沈砚", "阿砚"],
            "dry_prompt_tokens": DRY_PROMPT_TOKENS,
        },
        "chat_template_kwargs": {"enable_thinking": False},
    }
    headers = next(a.headers for a in server.asked if a.path == "/v1/chat/completions")
    assert headers["authorization"] == "Bearer a key"
    assert headers["x-request-id"] == "r-1"


async def test_an_assistants_last_message_is_gone_on_with_where_that_can_be_asked() -> None:
    begun = (Message("user", "续写。"), Message("assistant", "天色将晚，"))
    server = Server(says(delta("完", "stop"), DONE))
    async with engine_of(server) as engine:
        await collect(engine, messages=begun, min_tokens=20)
    body = server.bodies()[0]
    assert body["add_generation_prompt"] is False
    assert body["continue_final_message"] is True
    assert body["min_tokens"] == 9  # never more than max_tokens, which vLLM would refuse


async def test_other_endpoints_get_the_standard_fields_alone() -> None:
    server = Server(says(delta("完", "stop"), DONE), FOREIGN)
    async with engine_of(server) as engine:
        sampling = Sampling(top_k=20, min_p=0.1, repetition_penalty=1.2, dry=0.8)
        await collect(engine, sampling=sampling, min_tokens=5)
        assert engine.status().window == 32768
        assert isinstance(engine.tokens, UpperBoundCounter)
        with pytest.raises(EngineRefused, match="适配器"):
            await engine.unload_adapter("文风")
    known = {"model", "messages", "max_tokens", "stream", "stream_options", "temperature", "top_p"}
    assert set(server.bodies()[0]) == known


async def test_other_endpoints_are_asked_once_a_candidate() -> None:
    server = Server(says(delta("完", "stop"), usage(9, 2), DONE), FOREIGN)
    async with engine_of(server) as engine:
        got = await collect(engine, candidates=3, sampling=Sampling(seed=5))
    assert [piece.index for piece in got if piece.finish_reason] == [0, 1, 2]
    assert got[-1] == Piece(usage=Usage(9, 6))
    assert [body["seed"] for body in server.bodies()] == [5, 6, 7]
    assert all("n" not in body for body in server.bodies())


# Getting to know the endpoint


async def test_model_and_window_are_learned() -> None:
    async with engine_of(Server()) as engine:
        status = engine.status()
        assert (status.state, status.model, status.window) == ("ready", "qwen", 4096)
        assert isinstance(engine.tokens, RemoteTokenCounter)


async def test_what_is_set_wins() -> None:
    async with engine_of(Server(), model="qwen", window=2048) as engine:
        assert engine.status().window == 2048


async def test_an_endpoint_without_a_model_list_serves_when_the_model_is_set() -> None:
    server = Server(says(delta("完", "stop"), DONE), {"/other": (200, {})})
    async with engine_of(server, model="deep") as engine:
        assert (await collect(engine))[0].text == "完"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {"error": "Unauthorized"}), "密钥"),
        ((200, {"data": []}), "YANCHI_MODEL"),
        ((200, b"<html>"), "YANCHI_ENGINE_URL"),
    ],
)
async def test_a_wrong_endpoint_is_a_failure_with_a_way_out(answer: Any, words: str) -> None:
    async with engine_of(Server(answers={"/v1/models": answer})) as engine:
        assert engine.status().state == "failed"
        with pytest.raises(EngineFailed, match=words):
            await collect(engine)


async def test_an_endpoint_that_is_away_is_waited_for_and_found_again() -> None:
    server = Server(says(delta("完", "stop"), DONE), VLLM)
    async with serving(server) as url:
        engine = OpenAIEngine(url)
        with pytest.raises(EngineStarting):
            _ = engine.tokens
        await engine.start()
        await settled(engine)
    with pytest.raises(EngineLost, match="连不上"):  # nobody listens there now
        await collect(engine)
    with pytest.raises(EngineStarting):
        await collect(engine)
    assert engine.status().state == "restarting"
    async with serving(server):
        await settled(engine)
        assert engine.status().restarts == 1
        assert (await collect(engine))[0].text == "完"
    await engine.stop()
    with pytest.raises(EngineFailed, match="停止"):
        await collect(engine)


# Adapters


def adapter_at(path: Path, **config: Any) -> Path:
    path.mkdir()
    told = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]} | config
    (path / "adapter_config.json").write_text(json.dumps(told))
    (path / "adapter_model.safetensors").write_bytes(b"x")
    return path


async def test_adapters_are_loaded_replaced_and_unloaded(tmp_path: Path) -> None:
    old, new = adapter_at(tmp_path / "old"), adapter_at(tmp_path / "new")
    card = {"id": "文风", "parent": "qwen", "root": str(old)}
    answers = VLLM | {
        "/v1/models": (200, {"data": [VLLM_CARD, card]}),
        "/v1/load_lora_adapter": (200, {}),
        "/v1/unload_lora_adapter": (200, {}),
    }
    server = Server(answers=answers)
    async with engine_of(server) as engine:
        assert [(a.name, a.path) for a in await engine.adapters()] == [("文风", old)]
        await engine.load_adapter("文风", old)
        assert not server.bodies("/v1/load_lora_adapter")
        await engine.load_adapter("文风", new)
        await engine.unload_adapter("文风")
    assert server.bodies("/v1/load_lora_adapter") == [{"lora_name": "文风", "lora_path": str(new)}]
    assert server.bodies("/v1/unload_lora_adapter") == [{"lora_name": "文风"}] * 2


async def test_unloading_what_is_not_there_says_so() -> None:
    answers = VLLM | {"/v1/unload_lora_adapter": (404, {"error": {"message": "?"}})}
    async with engine_of(Server(answers=answers)) as engine:
        with pytest.raises(UnknownAdapter):
            await engine.unload_adapter("文风")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"r": 1024}, "秩"),
        ({"rank_pattern": {"q_proj": 1024}}, "秩"),
        ({"use_dora": True}, "DoRA"),
        ({"bias": "all"}, "偏置"),
        ({"modules_to_save": ["lm_head"]}, "整个模块"),
        ({"init_lora_weights": "pissa"}, "pissa"),
        ({"peft_type": "IA3"}, "不是 LoRA"),
    ],
)
async def test_what_vllm_would_not_serve_is_refused_before_it_is_asked(
    tmp_path: Path, config: dict[str, Any], words: str
) -> None:
    server = Server()
    async with engine_of(server) as engine:
        with pytest.raises(EngineRefused, match=words):
            await engine.load_adapter("文风", adapter_at(tmp_path / "a", **config))
    assert not server.bodies("/v1/load_lora_adapter")


@pytest.mark.parametrize("name", ["", "../up", "a/b", "-x", "a b", "x" * 200, "a..b"])
async def test_names_that_are_no_names_are_refused(tmp_path: Path, name: str) -> None:
    async with engine_of(Server()) as engine:
        with pytest.raises(EngineRefused, match="名字"):
            await engine.load_adapter(name, adapter_at(tmp_path / "a"))


async def test_an_empty_directory_is_no_adapter(tmp_path: Path) -> None:
    async with engine_of(Server()) as engine:
        with pytest.raises(EngineRefused, match="safetensors"):
            await engine.load_adapter("文风", tmp_path)


# Counting


async def test_vllm_is_asked_once_for_each_text() -> None:
    server = Server()
    async with engine_of(server) as engine:
        before = len(server.bodies("/tokenize"))
        assert await asyncio.to_thread(engine.tokens.count, ["甲", "乙", "甲"]) == [3, 3, 3]
        assert await asyncio.to_thread(engine.tokens.count, ["乙"]) == [3]
        assert (
            await asyncio.to_thread(engine.tokens.count_messages, [Message("user", "续写。")]) == 3
        )
    asked = server.bodies("/tokenize")[before:]
    assert [body["prompt"] for body in asked[:2]] == ["甲", "乙"]
    assert asked[2]["messages"] == [{"role": "user", "content": "续写。"}]
    assert asked[2]["chat_template_kwargs"] == {"enable_thinking": False}
    assert len(asked) == 3


async def test_a_count_that_does_not_come_is_an_error() -> None:
    server = Server(answers=VLLM)
    async with engine_of(server) as engine:
        server.answers = {}
        with pytest.raises(EngineLost):
            await asyncio.to_thread(engine.tokens.count, ["甲"])


@pytest.fixture(scope="module")
def bpe() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(["天色将晚，江上起了薄雾。"] * 4, trainer)
    return tokenizer


@settings(max_examples=100, deadline=None)
@given(text=st.text())
@example(text="\ufdfa")
@example(text="㍿天色将晚")
async def test_the_upper_bound_is_one(bpe: Tokenizer, text: str) -> None:
    counted = len(bpe.encode(text).ids)
    assert counted <= UpperBoundCounter().count([text])[0]
    assert len(unicodedata.normalize("NFC", text).encode()) <= UpperBoundCounter().count([text])[0]
