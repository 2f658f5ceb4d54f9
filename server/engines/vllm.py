"""vLLM as our own child process: the flags it gets, its life, its adapters.

What the flags are for, and what they protect from, is in docs/engine.md.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from retrieval.types import TokenCounter
from server.engines.base import Adapter, Endpoint, EngineStatus
from server.engines.child import Child
from server.engines.lineage import check_lineage
from server.engines.lora import check_adapter, served_rank
from server.engines.openai_client import OpenAIEngine
from server.engines.supervisor import Supervisor, Timing
from server.engines.tokens import LocalTokenCounter
from server.errors import EngineError, EngineFailed, EngineRefused, EngineStarting

__all__ = ["OpenAIEngine", "VllmEngine", "VllmOptions"]

logger = logging.getLogger(__name__)

# The unix socket decides where a request goes; the host in the address is only a word.
BASE_URL = "http://engine/v1"
KEEP_ALIVE_SECONDS = 10
SILENT_SECONDS = 90.0
HEALTH_SECONDS = 10.0
CPU_WORKER = "server.engines.cpu_worker.SeededCpuWorker"
LOGITS_PROCESSOR = "server.engines.dry:DryProcessor"
PACKAGES = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class VllmOptions:
    """What is served, and on what hardware.

    `kv_cache_gib` and `omp_bind` (vLLM's VLLM_CPU_OMP_THREADS_BIND) count on a CPU alone,
    `gpu_memory_utilization` (a share of 1) on a GPU alone. `prefill_tokens` is how many
    prompt tokens one step may read: on a CPU also how long a stream waits for another's
    prompt, and a cancelled request for its end.
    """

    model_path: Path
    served_name: str
    dtype: str
    window: int
    cpu: bool
    logs_dir: Path
    omp_bind: str = "auto"
    kv_cache_gib: int = 2
    gpu_memory_utilization: float = 0.85
    max_lora_rank: int = 64
    max_loras: int | None = None
    max_sequences: int | None = None
    prefill_tokens: int | None = None
    start_seconds: float = 900.0
    grace_seconds: float = 8.0
    timing: Timing | None = None

    def command(self, socket: Path) -> list[str]:
        flags: dict[str, Any] = {
            "--model": self.model_path,
            "--served-model-name": self.served_name,
            "--uds": socket,
            "--dtype": self.dtype,
            "--max-model-len": self.window,
            "--max-lora-rank": served_rank(self.max_lora_rank),
            "--max-loras": self.max_loras or 4,
            "--generation-config": "vllm",
            "--sse-keep-alive-interval": KEEP_ALIVE_SECONDS,
            "--logits-processors": LOGITS_PROCESSOR,
        }
        switches = [
            "--enable-lora",
            "--enable-prompt-tokens-details",
            "--no-enable-log-requests",
            "--disable-uvicorn-access-log",
            "--disable-fastapi-docs",
        ]
        if self.cpu:
            # A prefix is found again in whole blocks, and vLLM's on a CPU are of 128 tokens.
            flags["--block-size"] = 32
            flags["--max-num-seqs"] = self.max_sequences or 16
            flags["--max-num-batched-tokens"] = self.prefill_tokens or 512
            flags["--worker-cls"] = CPU_WORKER
            switches.append("--enforce-eager")
        else:
            flags["--gpu-memory-utilization"] = self.gpu_memory_utilization
            if self.max_sequences:
                flags["--max-num-seqs"] = self.max_sequences
            if self.prefill_tokens:
                flags["--max-num-batched-tokens"] = self.prefill_tokens
        pairs = [str(part) for pair in flags.items() for part in pair]
        return [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *pairs, *switches]

    def environment(self, key: str, ours: Mapping[str, str]) -> dict[str, str]:
        """`ours` without our own secrets, and with what vLLM reads from its environment."""
        environment = {k: v for k, v in ours.items() if not k.startswith("YANCHI_")}
        environment.pop("VLLM_SERVER_DEV_MODE", None)
        environment |= {
            "VLLM_API_KEY": key,
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "DO_NOT_TRACK": "1",
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "PYTHONUNBUFFERED": "1",
        }
        if self.cpu:
            environment["VLLM_CPU_KVCACHE_SPACE"] = str(self.kv_cache_gib)
            environment["VLLM_CPU_OMP_THREADS_BIND"] = self.omp_bind
        # vLLM's processes have to find what is ours wherever we were started.
        paths = [str(PACKAGES), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        return environment


class VllmEngine(OpenAIEngine):
    """A supervised vLLM; `start` returns at once, `status` tells how far it is."""

    def __init__(self, options: VllmOptions) -> None:
        key = secrets.token_urlsafe(32)
        super().__init__(
            BASE_URL,
            key,
            options.served_name,
            options.window,
            is_vllm=True,
            read_seconds=SILENT_SECONDS,
        )
        self._options = options
        self._loaded: dict[str, Path] = {}
        self._tokenizer: asyncio.Task[None] | None = None
        self._child = Child(
            options.command,
            options.environment(key, os.environ),
            options.logs_dir,
            options.grace_seconds,
        )
        self._supervisor = Supervisor(
            self._child,
            healthy=self._healthy,
            on_ready=self._get_ready,
            timing=options.timing or Timing(start=options.start_seconds),
        )

    async def start(self) -> None:
        await self._supervisor.start()
        if self._counter is None and self._tokenizer is None:
            self._tokenizer = asyncio.create_task(self._read_tokenizer(), name="tokenizer")

    async def stop(self) -> None:
        await self._supervisor.stop()
        if self._tokenizer is not None:
            with contextlib.suppress(EngineError):
                await self._tokenizer
            self._tokenizer = None
        await super().stop()
        self._transport = None

    async def _read_tokenizer(self) -> None:
        counter = await asyncio.to_thread(LocalTokenCounter, self._options.model_path)
        self._template_kwargs = counter.chat_template_kwargs
        self._counter = counter

    def status(self) -> EngineStatus:
        return EngineStatus(
            state=self._supervisor.state,
            model=self._options.served_name,
            window=self._options.window,
            detail=self._supervisor.detail,
            restarts=self._supervisor.restarts,
        )

    @property
    def tokens(self) -> TokenCounter:
        """Known a few seconds after `start`, long before the engine is ready."""
        if self._counter is None and self._tokenizer is not None and self._tokenizer.done():
            self._tokenizer.result()
        if self._counter is None:
            raise EngineStarting("分词器还在载入，请稍候再试。")
        return self._counter

    @property
    def socket(self) -> Path:
        """Where vLLM listens, `/metrics` included; only this user can open it."""
        return self._child.socket

    def endpoint(self) -> Endpoint | None:
        """None while vLLM is not running."""
        options = self._options
        try:
            socket = self.socket
        except EngineFailed:
            return None
        return Endpoint(BASE_URL, options.served_name, self._key, socket, options.model_path)

    def _check_ready(self) -> None:
        self._supervisor.check()

    def _connection_failed(self) -> None:
        """The supervisor sees for itself."""

    def _http(self) -> httpx.AsyncClient:
        if self._transport is None:
            self._transport = httpx.AsyncHTTPTransport(
                uds=str(self.socket), limits=httpx.Limits(max_connections=None)
            )
        return super()._http()

    async def _healthy(self) -> bool | None:
        try:
            response = await self._http().get("http://engine/health", timeout=HEALTH_SECONDS)
        except httpx.HTTPError:
            return None
        return response.is_success

    # Adapters, which a restarted engine has forgotten

    async def adapters(self) -> list[Adapter]:
        return [Adapter(name, path) for name, path in sorted(self._loaded.items())]

    async def load_adapter(self, name: str, path: Path) -> None:
        path = await asyncio.to_thread(self._checked, path)
        await super().load_adapter(name, path)
        self._loaded[name] = path

    def _checked(self, path: Path) -> Path:
        check_adapter(path, self._options.max_lora_rank)
        check_lineage(path, self._options.model_path)
        return path.resolve()

    async def unload_adapter(self, name: str) -> None:
        await super().unload_adapter(name)
        self._loaded.pop(name, None)

    async def _get_ready(self) -> None:
        if self._tokenizer is not None:
            await self._tokenizer
        for name, path in list(self._loaded.items()):
            try:
                await self._lora("load_lora_adapter", name, path)
            except EngineRefused as error:
                logger.error("adapter %s is gone after the restart: %s", name, error.message)
                del self._loaded[name]
