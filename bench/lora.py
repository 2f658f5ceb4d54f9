"""What answering through an adapter costs on a CPU, beside the base and vLLM's own LoRA path.

One engine after the other with the installed weights: ours, then the same with the path that
vLLM ships. In each the base and an adapter (rank 8 on every linear layer, random) read a prompt
of about 1,500 tokens that nobody has read before, and write 64 tokens after a short one; in
turns, medians of `ROUNDS`. Then the base answers beside itself and beside the adapter, and must
say the same (not what it says alone: a product of two rows rounds otherwise than one of one).
"""

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoConfig

import server.engines.vllm as vllm_engine
from bench.report import Report
from bench.retrieval_quality import tell
from retrieval.types import Message
from server.engines.base import Engine, EngineRequest, Sampling
from server.launch import prepare_engine
from server.settings import Settings, default_data_dir

ROUNDS = {"ours": 5, "vLLM's own": 1}
"""vLLM's own reads the prompt for minutes."""
READ_CHARACTERS = 2_200
WRITE_TOKENS = 64
RANK = 8
SHAPES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SAMPLING = Sampling(temperature=0.0)


@dataclass(frozen=True)
class Seconds:
    """Medians: to the first token of the long prompt, and for a token of the answer."""

    read: float
    write: float


def run(report: Report) -> None:
    with tempfile.TemporaryDirectory() as folder:
        told = {
            name: asyncio.run(_engine(_home(Path(folder) / name), worker, ROUNDS[name]))
            for name, worker in (
                ("ours", vllm_engine.CPU_WORKER),
                ("vLLM's own", "bench.stock_worker.StockLoraWorker"),
            )
        }
    rows = []
    for name, (base, adapter, pure) in told.items():
        read, write = adapter.read / base.read, adapter.write / base.write
        prefix = "" if name == "ours" else "stock_"
        report.add(f"{prefix}cpu_lora_prefill_ratio", read, "", "adapter / base, one engine")
        report.add(f"{prefix}cpu_lora_decode_ratio", write, "", "adapter / base, one engine")
        rows.append(
            [name, f"{base.read:.2f}", f"{adapter.read:.2f}", f"{1 / base.write:.1f}",
             f"{1 / adapter.write:.1f}", "yes" if pure else "no"]
        )  # fmt: skip
    report.table(
        "An adapter on a CPU",
        ["path", "base reads, s", "adapter, s", "base writes, tok/s", "adapter, tok/s",
         "base untouched beside it"],
        rows,
        [f"rank {RANK}, all linear layers; medians of {ROUNDS['ours']}, in turns; vLLM's own once"],
    )  # fmt: skip


def _home(folder: Path) -> Path:
    """A data directory of its own over the installed weights."""
    folder.mkdir()
    (folder / "models").symlink_to(default_data_dir() / "models")
    return folder


async def _engine(home: Path, worker: str, rounds: int) -> tuple[Seconds, Seconds, bool]:
    vllm_engine.CPU_WORKER = worker
    engine = prepare_engine(Settings(data_dir=home)).engine
    tell(f"starting {worker}")
    await engine.start()
    try:
        while (status := engine.status()).state != "ready":
            if status.state == "failed":
                raise RuntimeError(status.detail)
            await asyncio.sleep(0.5)
        endpoint = engine.endpoint()
        assert endpoint is not None
        assert endpoint.weights is not None
        await engine.load_adapter("bench", make_adapter(endpoint.weights, home / "adapter"))
        return await _measured(engine, rounds)
    finally:
        await engine.stop()


async def _measured(engine: Engine, rounds: int) -> tuple[Seconds, Seconds, bool]:
    sides: tuple[str | None, ...] = (None, "bench")
    read: dict[str | None, list[float]] = {side: [] for side in sides}
    write: dict[str | None, list[float]] = {side: [] for side in sides}
    for turn in range(rounds + 1):
        for side in sides:
            seconds = await _read(engine, turn, side), await _write(engine, side)
            if turn:  # the first round warms up
                read[side].append(seconds[0])
                write[side].append(seconds[1])
    base, adapter = (
        Seconds(statistics.median(read[side]), statistics.median(write[side])) for side in sides
    )
    return base, adapter, await _pure(engine)


async def _read(engine: Engine, turn: int, side: str | None) -> float:
    """Each prompt is new to the prefix cache: it begins with its own number."""
    text = f"{turn}{side or ''}。" + "雨下了一夜，渡口的灯一盏一盏亮起来，没有人说话。" * 200
    request = EngineRequest((Message("user", text[:READ_CHARACTERS]),), 1, SAMPLING, side)
    start = time.perf_counter()
    async for _ in engine.stream(request):
        pass
    return time.perf_counter() - start


async def _write(engine: Engine, side: str | None) -> float:
    times = [time.perf_counter() async for piece in engine.stream(_writing(side)) if piece.text]
    return (times[-1] - times[0]) / (WRITE_TOKENS - 1)


def _writing(side: str | None) -> EngineRequest:
    messages = (Message("user", "接着写：天色将晚，江上起了薄雾。"),)
    return EngineRequest(messages, WRITE_TOKENS, SAMPLING, side, min_tokens=WRITE_TOKENS)


async def _pure(engine: Engine) -> bool:
    """Whether the base says beside the adapter what it says beside itself."""

    async def said(side: str | None) -> str:
        return "".join([piece.text async for piece in engine.stream(_writing(side))])

    beside_itself = await asyncio.gather(said(None), said(None))
    beside_the_adapter = await asyncio.gather(said(None), said("bench"))
    return beside_itself[0] == beside_the_adapter[0]


def make_adapter(model: Path, folder: Path) -> Path:
    """Small random weights: what they say does not matter, that they are multiplied does."""
    config = AutoConfig.from_pretrained(model)
    torch.manual_seed(0)
    hidden, inner = config.hidden_size, config.intermediate_size
    head = getattr(config, "head_dim", None) or hidden // config.num_attention_heads
    queries, keys = head * config.num_attention_heads, head * config.num_key_value_heads
    sizes = {
        "self_attn.q_proj": (hidden, queries),
        "self_attn.k_proj": (hidden, keys),
        "self_attn.v_proj": (hidden, keys),
        "self_attn.o_proj": (queries, hidden),
        "mlp.gate_proj": (hidden, inner),
        "mlp.up_proj": (hidden, inner),
        "mlp.down_proj": (inner, hidden),
    }
    weights = {}
    for layer in range(config.num_hidden_layers):
        for name, (inputs, outputs) in sizes.items():
            stem = f"base_model.model.model.layers.{layer}.{name}"
            weights[f"{stem}.lora_A.weight"] = (torch.randn(RANK, inputs) * 0.01).bfloat16()
            weights[f"{stem}.lora_B.weight"] = (torch.randn(outputs, RANK) * 0.01).bfloat16()
    folder.mkdir()
    save_file(weights, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(
        '{"peft_type": "LORA", "r": 8, "lora_alpha": 16, "bias": "none", "target_modules": '
        f"{list(SHAPES)!r}".replace("'", '"')
        + "}"
    )
    return folder
