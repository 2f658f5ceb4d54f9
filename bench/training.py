"""Training beside plain TRL: tokens a second and peak memory, same model, data and settings.

One LoRA run each, by turns, every one a process of its own (`bench.training_worker`): an epoch
over the same chats from the sample novel, whose passages differ in length as an author's do.
TRL's SFTTrainer is as its documentation sets it up, with the same precision and no activation
checkpointing on either side. Both must teach the same tokens (TRL also the line break after each
answer, which no server ever sends).
`BENCH_TRAINING_MODEL` names another base than the installed one.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

from bench.report import Report
from bench.retrieval_quality import tell
from bench.training_worker import Settings, Told
from server.settings import default_data_dir
from training.publishing.bases import find_base
from training.tuning.base import best_device, computes_bf16

ROOT = Path(__file__).resolve().parent.parent
MODEL = "Qwen2.5-Coder-0.5B-Instruct"
RANK = 16
ON_CPU = {"rounds": 2, "rows": 12, "batch": 2, "accumulate": 1, "length": 512}
ON_GPU = {"rounds": 2, "rows": 640, "batch": 8, "accumulate": 2, "length": 1024}


def run(report: Report) -> None:
    device = best_device()
    how = ON_GPU if device == "cuda" else ON_CPU
    base = find_base(os.environ.get("BENCH_TRAINING_MODEL", MODEL), default_data_dir())
    told: dict[str, list[Told]] = {"ours": [], "trl": []}
    load = psutil.getloadavg()[0]
    for number in range(how["rounds"]):
        for who in sorted(told, reverse=bool(number % 2)):
            told[who].append(_one(who, base, how, computes_bf16(device)))
            tell(f"  {who}: {told[who][-1].rate:.0f} tokens/s")
    _compare(report, told, how, load)
    _utilisation(report, told["ours"], base, how["length"])


def _one(who: str, base: Path, how: dict[str, int], bf16: bool) -> Told:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            str(base), chats(how["rows"]), how["batch"], how["accumulate"], how["length"], bf16,
            RANK, folder,
        )  # fmt: skip
        file = Path(folder) / "settings.json"
        file.write_text(json.dumps(asdict(settings), ensure_ascii=False), "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "bench.training_worker", who, str(file)],
            cwd=ROOT, text=True, capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{who} failed:\n{done.stderr[-3000:]}")
        return Told(**json.loads(done.stdout.strip().splitlines()[-1]))


def chats(count: int) -> list[dict[str, Any]]:
    """To go on from a paragraph of the sample novel, with the next one to five."""
    text = (ROOT / "data" / "sample" / "novel.md").read_text("utf-8")
    paragraphs = [each for each in text.split("\n\n") if each and not each.startswith("#")]
    rows = []
    for number in range(count):
        at = number * 7 % (len(paragraphs) - 6)
        answer = "\n\n".join(paragraphs[at + 1 : at + 2 + number % 5])[:380]
        rows.append(
            {
                "prompt": [{"role": "user", "content": f"请接着往下写：\n{paragraphs[at][:120]}"}],
                "completion": [{"role": "assistant", "content": answer}],
            }
        )
    return rows


def _compare(report: Report, told: dict[str, list[Told]], how: dict[str, int], load: float) -> None:
    mean = {who: _medians(runs) for who, runs in told.items()}
    ours, theirs = mean["ours"], mean["trl"]
    rows = how["rows"]
    if not 0 <= theirs["learned"] - ours["learned"] <= rows:
        raise RuntimeError(f"not the same task: {ours['learned']} and {theirs['learned']} learned")
    said = f"ours / TRL {version('trl')}, medians of {len(told['ours'])}; load {load:.1f}"
    report.add("tokens_ratio", ours["rate"] / theirs["rate"], "", said)
    report.add("cpu_tokens_ratio", ours["cpu_rate"] / theirs["cpu_rate"], "",
               "the same by processor time, which other processes do not blur")  # fmt: skip
    report.add("memory_ratio", ours["peak"] / theirs["peak"], "", "peak; ours / TRL")
    report.add("tokens_per_second", ours["rate"], "tokens/s", "ours, padding not counted")
    report.table(
        f"LoRA of rank {RANK}, {rows} chats, batch {how['batch']} × {how['accumulate']}",
        ["", "tokens/s", "tokens/s of processor time", "peak GB", "learned tokens", "last loss"],
        [
            [who, f"{m['rate']:.1f}", f"{m['cpu_rate']:.1f}", f"{m['peak'] / 1e9:.2f}",
             f"{m['learned']:.0f}", f"{m['last']:.4f}"]
            for who, m in mean.items()
        ],
    )  # fmt: skip


def _medians(runs: list[Told]) -> dict[str, float]:
    return {
        "rate": statistics.median(each.rate for each in runs),
        "cpu_rate": statistics.median(each.cpu_rate for each in runs),
        "peak": statistics.median(each.peak_bytes for each in runs),
        "learned": statistics.median(each.learned for each in runs),
        "last": statistics.median(each.losses[-1] for each in runs),
    }


def _utilisation(report: Report, runs: list[Told], base: Path, length: int) -> None:
    """Of a GPU whose peak is known: the products LoRA needs (forward, and the activations'
    gradients: two thirds of full training's) over what the device could do."""
    if not torch.cuda.is_available():
        return
    from transformers import AutoConfig
    from trl.trainer.utils import compute_flops_per_token, get_peak_flops

    peak = get_peak_flops(torch.cuda.get_device_name(), "bfloat16")
    if peak is None:
        return
    needed = compute_flops_per_token(AutoConfig.from_pretrained(base), length) * 2 / 3
    rate = statistics.median(each.rate for each in runs)
    report.add("flops_utilisation", rate * needed / peak, "", torch.cuda.get_device_name())
