"""Which model a machine serves when nobody said, and how it serves one: a pair of tables.

The window follows from arithmetic: what the GPU's memory has left after the weights, divided by
what one token takes in the key-value cache. On a CPU memory is not the limit, patience is.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from server.errors import WeightsError
from server.hardware import GIB, Hardware

CPU_MODEL = "Qwen/Qwen2.5-0.5B-Instruct"
CPU_WINDOW = 8192
CPU_PROMPT = 2400
"""A CPU reads about 130 tokens a second: some 20 seconds to the first character."""
CUDA_WINDOW = 32768
CUDA_PROMPT = 16000
LEAST_WINDOW = 2048
CUDA_OVERHEAD_GIB = 2.5
"""Activations, CUDA graphs and the slots for LoRA adapters, beside weights and cache."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a model decides how it is served."""

    weight_gib: float
    """What the weights take when served: two bytes a parameter, less where quantized."""
    cache_bytes: int
    """Bytes of key-value cache one token takes, at two bytes a number."""
    max_window: int

    @classmethod
    def read(cls, folder: Path) -> "Shape":
        """From `config.json` and the files' sizes. Raises WeightsError."""
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            text: dict[str, Any] = config.get("text_config", config)
            heads = text["num_attention_heads"]
            head_dim = text.get("head_dim") or text["hidden_size"] // heads
            keys = text.get("num_key_value_heads") or heads
            cache = 2 * 2 * text["num_hidden_layers"] * keys * head_dim
            window = text["max_position_embeddings"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise WeightsError(
                f"读不懂 {folder / 'config.json'}（{error!r}），请换一个完整的模型目录。"
            ) from error
        size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        stored = config.get("dtype") or config.get("torch_dtype")
        return cls(size / GIB / (2 if stored == "float32" else 1), cache, window)


@dataclass(frozen=True, slots=True)
class Plan:
    """How to serve: `window` and `prompt_tokens` count tokens."""

    dtype: Literal["bfloat16", "float16", "float32"]
    window: int
    prompt_tokens: int
    omp_bind: str


CUDA_MODELS: tuple[tuple[str, Shape], ...] = (
    ("Qwen/Qwen3-32B", Shape(61.0, 4 * 64 * 8 * 128, 40960)),
    ("Qwen/Qwen3-14B", Shape(27.5, 4 * 40 * 8 * 128, 40960)),
    ("Qwen/Qwen3-8B", Shape(15.3, 4 * 36 * 8 * 128, 40960)),
    ("Qwen/Qwen3-4B-Instruct-2507", Shape(7.5, 4 * 36 * 8 * 128, 262144)),
    ("Qwen/Qwen2.5-1.5B-Instruct", Shape(2.9, 4 * 28 * 2 * 128, 32768)),
    (CPU_MODEL, Shape(0.93, 4 * 24 * 2 * 64, 32768)),
)
"""Largest first; figures of the published checkpoints."""
COMFORT = 12_288
"""Tokens of window below which a smaller model with a longer memory is the better author."""


def default_model(hardware: Hardware, gpu_share: float = 0.85) -> str:
    """The largest Qwen that leaves its cache room for a comfortable window."""
    if hardware.kind == "cpu":
        return CPU_MODEL
    for model, shape in CUDA_MODELS:
        if _cache_tokens(hardware, shape, gpu_share) >= COMFORT:
            return model
    return CPU_MODEL


def plan(hardware: Hardware, shape: Shape, gpu_share: float = 0.85) -> Plan:
    """How this machine serves a model of this shape.

    `gpu_share` is the part of the GPU's memory that the engine may take. Raises WeightsError
    where the model does not fit the GPU.
    """
    if hardware.kind == "cpu":
        window = min(CPU_WINDOW, shape.max_window)
        prompt = min(CPU_PROMPT, window // 2)
    else:
        window = min(CUDA_WINDOW, shape.max_window, _cache_tokens(hardware, shape, gpu_share))
        prompt = min(CUDA_PROMPT, window // 2)
        if window < LEAST_WINDOW:
            raise WeightsError(
                f"显存放不下这个模型（权重 {shape.weight_gib:.1f} GiB，"
                f"显存 {hardware.gpu_memory_gib:.1f} GiB），请用 --model 指定小一些的模型。"
            )
    return Plan(dtype(hardware), window, prompt, hardware.omp_bind)


def dtype(hardware: Hardware) -> Literal["bfloat16", "float16", "float32"]:
    """bfloat16 where the machine computes in it; elsewhere it is emulated and slow."""
    if hardware.kind == "cuda":
        native = all(gpu.capability >= (8, 0) for gpu in hardware.gpus)
        return "bfloat16" if native else "float16"
    return "bfloat16" if hardware.avx512_bf16 or hardware.amx else "float32"


def _cache_tokens(hardware: Hardware, shape: Shape, gpu_share: float) -> int:
    """Tokens that fit beside the weights, in whole kibi-tokens."""
    free = hardware.gpu_memory_gib * gpu_share - shape.weight_gib - CUDA_OVERHEAD_GIB
    return max(0, int(free * GIB / shape.cache_bytes) // 1024 * 1024)
