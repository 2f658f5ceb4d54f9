"""A real engine in an event loop of its own, so that every test may share it."""

import asyncio
import os
from collections.abc import AsyncGenerator, Coroutine
from concurrent.futures import Future
from threading import Thread
from typing import Any, TypeVar

import httpx
import psutil

from server.engines.base import EngineRequest, Piece
from server.engines.leftovers import read_record
from server.engines.vllm import VllmEngine, VllmOptions

T = TypeVar("T")
START_SECONDS = 300.0


class Running:
    """An engine in an event loop of its own, so that every test may share it."""

    def __init__(self, options: VllmOptions) -> None:
        self.options = options
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.engine = VllmEngine(options)

    def spawn(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 100.0) -> T:
        return self.spawn(work).result(seconds)

    def start(self) -> "Running":
        self.run(self.engine.start())
        self.run(self.until("ready", START_SECONDS), START_SECONDS + 10)
        return self

    def stop(self) -> None:
        self.run(self.engine.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def until(self, state: str, seconds: float = 100.0) -> None:
        async with asyncio.timeout(seconds):
            while (status := self.engine.status()).state != state:
                assert status.state != "failed", status.detail
                await asyncio.sleep(0.1)

    async def pieces(self, request: EngineRequest) -> list[Piece]:
        return [piece async for piece in self.engine.stream(request)]

    def text(self, request: EngineRequest) -> str:
        return "".join(piece.text for piece in self.run(self.pieces(request)))

    def open(self, request: EngineRequest) -> AsyncGenerator[Piece]:
        return self.engine.stream(request)

    async def gauge(self, name: str) -> float:
        """vLLM's own figure, read as an operator would: from /metrics."""
        transport = httpx.AsyncHTTPTransport(uds=str(self.engine.socket))
        async with httpx.AsyncClient(transport=transport, timeout=10.0) as client:
            lines = (await client.get("http://engine/metrics")).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def processes(self) -> list[psutil.Process]:
        record = read_record(self.options.logs_dir / "engine.pid")
        assert record is not None
        guardian = psutil.Process(record.session)
        return [guardian, *guardian.children(recursive=True)]


def processors() -> str:
    return ",".join(map(str, sorted(os.sched_getaffinity(0))))
