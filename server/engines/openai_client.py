"""A client of any OpenAI-compatible endpoint: vLLM, ours or somebody else's, or a service.

Knows the wire and nothing of processes. Fields that only vLLM understands are sent to vLLM
alone. Closing a stream closes its connection at once, which makes vLLM drop the request
whether it is queued, reading the prompt or writing.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from retrieval.types import TokenCounter
from server.engines import openai_errors
from server.engines.base import (
    Adapter,
    Endpoint,
    Engine,
    EngineRequest,
    EngineStatus,
    Piece,
    State,
    Usage,
)
from server.engines.lora import check_adapter, check_name
from server.engines.openai_endpoint import describe, fetch_models
from server.engines.openai_request import request_body
from server.engines.openai_stream import read_pieces
from server.engines.tokens import RemoteTokenCounter, UpperBoundCounter
from server.errors import (
    EngineError,
    EngineFailed,
    EngineRefused,
    EngineStarting,
    UnknownAdapter,
)

MOST_RETRY_SECONDS = 30.0
LOAD_SECONDS = 300.0


class OpenAIEngine(Engine):
    """`base_url` ends in `/v1`. Model, window and dialect are asked of the endpoint when None.

    `window` falls back to 8,192 tokens where the endpoint does not tell. `read_seconds` is
    the longest silence in mid-stream that does not count as lost.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        model: str | None = None,
        window: int | None = None,
        *,
        is_vllm: bool | None = None,
        read_seconds: float = 300.0,
        transport: httpx.AsyncBaseTransport | None = None,
        counter_transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._key = api_key
        self._model = model
        self._window = window
        self._is_vllm = is_vllm
        self._read_seconds = read_seconds
        self._transport = transport
        self._counter_transport = counter_transport
        self._template_kwargs: dict[str, Any] = {}
        self._client: httpx.AsyncClient | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._counter: TokenCounter | None = None
        self._state: State = "stopped"
        self._detail = ""
        self._restarts = 0

    # Life

    async def start(self) -> None:
        self._state = "starting"
        self._reconnect()

    async def stop(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._connecting
            self._connecting = None
        if self._client is not None:
            await self._client.aclose()
            self._client = None
        if isinstance(self._counter, RemoteTokenCounter):
            self._counter.close()
        self._counter = None
        self._state, self._detail = "stopped", ""

    def status(self) -> EngineStatus:
        return EngineStatus(
            state=self._state,
            model=self._model or "",
            window=self._window or 0,
            detail=self._detail,
            restarts=self._restarts,
        )

    def endpoint(self) -> Endpoint | None:
        return Endpoint(self._base_url, self._model or "", self._key)

    @property
    def tokens(self) -> TokenCounter:
        if self._counter is None:
            raise EngineStarting("引擎还没有准备好，请稍候再试。")
        return self._counter

    def _check_ready(self) -> None:
        if self._state in ("starting", "restarting"):
            raise EngineStarting(f"还没有连上引擎（{self._detail}），请稍候再试。")
        if self._state == "failed":
            raise EngineFailed(self._detail)
        if self._state == "stopped":
            raise EngineFailed("引擎已经停止，请重新启动 yanchi serve。")

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
                timeout=httpx.Timeout(self._read_seconds, connect=10.0, pool=None),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=16),
                transport=self._transport,
            )
        return self._client

    # Getting to know the endpoint

    def _reconnect(self) -> None:
        if self._connecting is None or self._connecting.done():
            self._detail = f"正在连接 {self._base_url}"
            self._connecting = asyncio.create_task(self._connect(), name="engine connection")

    async def _connect(self) -> None:
        delay = 0.5
        while True:
            try:
                await self._learn()
            except EngineFailed as error:
                self._state, self._detail = "failed", error.message
                return
            except EngineError as error:
                self._detail = error.message
            else:
                self._state, self._detail = "ready", ""
                return
            await asyncio.sleep(delay)
            delay = min(delay * 2, MOST_RETRY_SECONDS)

    async def _learn(self) -> None:
        """Model, window, dialect and token counter, as far as they are not known yet."""
        found = describe(await fetch_models(self._http(), self._base_url), self._model)
        self._model = found.model
        self._window = self._window or found.window
        self._is_vllm = found.is_vllm if self._is_vllm is None else self._is_vllm
        if self._is_vllm:
            # Templates without the switch ignore it; vLLM filters what a template cannot take.
            self._template_kwargs = {"enable_thinking": False}
        if self._counter is None:
            self._counter = await asyncio.to_thread(self._make_counter)

    def _make_counter(self) -> TokenCounter:
        if not self._is_vllm:
            return UpperBoundCounter()
        counter = RemoteTokenCounter(
            self._base_url.removesuffix("/v1"),
            self._key,
            model=self._model,
            chat_template_kwargs=self._template_kwargs,
            transport=self._counter_transport,
        )
        try:
            counter.count(["砚"])
        except EngineError:
            counter.close()
            return UpperBoundCounter()
        return counter

    # Streaming

    async def stream(self, request: EngineRequest) -> AsyncGenerator[Piece]:
        self._check_ready()
        answers = self._answer if self._is_vllm or request.candidates == 1 else self._one_by_one
        async with aclosing(answers(request)) as pieces:
            async for piece in pieces:
                yield piece

    async def _one_by_one(self, request: EngineRequest) -> AsyncGenerator[Piece]:
        """Candidates in turn, for the many endpoints that ignore `n`."""
        prompt = completion = 0
        for index in range(request.candidates):
            seed = request.sampling.seed
            sampling = replace(request.sampling, seed=None if seed is None else seed + index)
            single = replace(request, candidates=1, sampling=sampling)
            async with aclosing(self._answer(single)) as pieces:
                async for piece in pieces:
                    if piece.usage is None:
                        yield replace(piece, index=index)
                    else:
                        prompt = max(prompt, piece.usage.prompt_tokens)
                        completion += piece.usage.completion_tokens
        if prompt or completion:
            yield Piece(usage=Usage(prompt, completion))

    async def _answer(self, request: EngineRequest) -> AsyncGenerator[Piece]:
        headers = {"X-Request-Id": request.request_id} if request.request_id else {}
        try:
            async with self._http().stream(
                "POST",
                f"{self._base_url}/chat/completions",
                json=self.body(request),
                headers=headers,
            ) as response:
                if response.is_error:
                    raise await openai_errors.from_response(response, request.adapter)
                openai_errors.check_is_stream(response)
                pieces = read_pieces(response.aiter_bytes(), request.candidates)
                async with aclosing(pieces):
                    async for piece in pieces:
                        yield piece
        except httpx.HTTPError as error:
            self._connection_failed()
            raise openai_errors.from_transport(error) from error

    def _connection_failed(self) -> None:
        """From now on requests are told so at once, until the endpoint answers again."""
        if self._state == "ready":
            self._state = "restarting"
            self._restarts += 1
            self._reconnect()

    def body(self, request: EngineRequest) -> dict[str, Any]:
        """As it is sent, in the endpoint's dialect. Raises EngineError while that is unknown."""
        self._check_ready()
        assert self._model is not None  # known since the state is `ready`
        vllm_only = {"chat_template_kwargs": self._template_kwargs} if self._template_kwargs else {}
        return request_body(request, self._model, vllm_only if self._is_vllm else None)

    # Adapters

    async def adapters(self) -> list[Adapter]:
        self._check_ready()
        return [
            Adapter(str(card.get("id")), Path(card["root"]) if card.get("root") else None)
            for card in await fetch_models(self._http(), self._base_url)
            if card.get("parent")
        ]

    async def load_adapter(self, name: str, path: Path) -> None:
        """`path` is read by the engine; it is checked here only where it can be seen.

        Loading another path under a loaded name replaces it; the same path again does nothing.
        """
        self._check_ready()
        check_name(name)
        await asyncio.to_thread(_check_if_visible, path)
        loaded = {adapter.name: adapter.path for adapter in await self.adapters()}
        old = loaded.get(name)
        if old == path:
            return
        if name in loaded:
            await self._lora("unload_lora_adapter", name)
        try:
            await self._lora("load_lora_adapter", name, path)
        except EngineRefused:
            if old is not None:
                await self._lora("load_lora_adapter", name, old)
            raise

    async def unload_adapter(self, name: str) -> None:
        self._check_ready()
        await self._lora("unload_lora_adapter", name)

    async def _lora(self, action: str, name: str, path: Path | None = None) -> None:
        if not self._is_vllm:
            raise EngineRefused("这个引擎不支持适配器，请改用 vLLM。")
        body = {"lora_name": name} | ({"lora_path": str(path)} if path else {})
        try:
            response = await self._http().post(
                f"{self._base_url}/{action}", json=body, timeout=LOAD_SECONDS
            )
        except httpx.HTTPError as error:
            self._connection_failed()
            raise openai_errors.from_transport(error) from error
        if response.status_code == 404 and action == "unload_lora_adapter":
            raise UnknownAdapter(f"引擎里没有名为「{name}」的适配器。")
        if response.is_error:
            raise openai_errors.adapter_refused(name, response)


def _check_if_visible(path: Path) -> None:
    if path.exists():
        check_adapter(path)
