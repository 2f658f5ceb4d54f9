"""From settings and hardware to an engine that only has to be started.

Knows which pieces make which engine; fetching weights may take minutes and reports progress.
"""

from collections.abc import Callable
from dataclasses import dataclass

from server.engines.base import Engine
from server.engines.scripted import ScriptedEngine
from server.engines.vllm import OpenAIEngine, VllmEngine, VllmOptions
from server.hardware import detect
from server.settings import Settings
from server.weights import Weights, resolve
from server.weights.plan import CPU_PROMPT, CUDA_PROMPT, Shape, plan
from server.weights.types import Progress, silent


@dataclass(frozen=True, slots=True)
class Prepared:
    engine: Engine
    prompt_tokens: int
    """Most tokens a prompt should take on this hardware."""


def prepare_engine(
    settings: Settings,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """Raises WeightsError when there is nothing to serve; says what it decided, and why."""
    if settings.engine == "scripted":
        say("用的是脚本引擎：它只照着几句模板写，供演示和测试。")
        return Prepared(ScriptedEngine(window=settings.window or 8192), CPU_PROMPT)
    if settings.engine_url:
        say(f"用外部的引擎：{settings.engine_url}")
        key = settings.engine_api_key
        engine = OpenAIEngine(
            settings.engine_url,
            key.get_secret_value() if key else None,
            settings.model,
            settings.window,
        )
        return Prepared(engine, CUDA_PROMPT)
    return _own_vllm(settings, progress, say)


def _own_vllm(settings: Settings, progress: Progress, say: Callable[[str], None]) -> Prepared:
    hardware = detect()
    say(f"硬件：{hardware.describe()}")
    weights: Weights = resolve(settings.model, hardware, settings.weights_dir, progress)
    if weights.note:
        say(weights.note)
    how = plan(hardware, Shape.read(weights.path), settings.gpu_memory_utilization)
    window = settings.window or how.window
    say(f"模型：{weights.name}（{how.dtype}，窗口 {window} 词元）")
    engine = VllmEngine(
        VllmOptions(
            model_path=weights.path,
            served_name=weights.name,
            dtype=how.dtype,
            window=window,
            cpu=hardware.kind == "cpu",
            logs_dir=settings.logs_dir,
            omp_bind=how.omp_bind,
            kv_cache_gib=settings.kv_cache_gib,
            gpu_memory_utilization=settings.gpu_memory_utilization,
            max_lora_rank=settings.max_lora_rank,
            start_seconds=settings.engine_start_seconds,
        )
    )
    return Prepared(engine, min(how.prompt_tokens, window // 2))
