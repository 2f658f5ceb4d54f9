"""Which set of packages this machine gets: a decision over what `nvidia-smi` says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from bootstrap_pip import SetupError

LEAST_GPU_MIB = 6 * 1024
LEAST_CAPABILITY = (7, 5)
LEAST_DRIVER = 580
"""What CUDA 13 asks for, with which the pinned vLLM is built."""
SMI = ["nvidia-smi", "--query-gpu=memory.total,compute_cap,driver_version", "--format=csv,noheader"]


class GpuRow(NamedTuple):
    mib: int
    capability: tuple[int, int]
    driver: int


class GpuFacts(NamedTuple):
    rows: tuple[GpuRow, ...] = ()
    device: bool = False
    """A device file is there, though the driver's own tool is not (some containers)."""


class Choice(NamedTuple):
    extra: str
    reason: str


def choose(wanted: str, override: str, gpus: GpuFacts) -> Choice:
    """Which set of packages. Raises SetupError on an override that is neither cpu nor cuda."""
    if wanted != "auto":
        return Choice(wanted, "由 --extra 指定")
    if override:
        if override not in ("cpu", "cuda"):
            raise SetupError(f"YANCHI_HARDWARE={override} 不认识，请写 cpu 或 cuda。")
        return Choice(override, "由 YANCHI_HARDWARE 指定")
    if gpus.rows:
        return _by_rows(gpus.rows)
    if gpus.device:
        return Choice("cuda", "有 NVIDIA 显卡")
    return Choice("cpu", "没有 NVIDIA 显卡")


def _by_rows(rows: tuple[GpuRow, ...]) -> Choice:
    if all(row.driver < LEAST_DRIVER for row in rows):
        return Choice(
            "cpu", f"显卡驱动 {rows[0].driver} 太旧，升级到 {LEAST_DRIVER} 以上才能用上显卡"
        )
    if any(row.capability >= LEAST_CAPABILITY and row.mib >= LEAST_GPU_MIB for row in rows):
        return Choice("cuda", "有 NVIDIA 显卡")
    return Choice("cpu", "显卡太旧或显存不足 6 GiB")


def gpu_facts() -> GpuFacts:
    try:
        done = subprocess.run(SMI, capture_output=True, text=True, timeout=30, check=False)
        text = done.stdout if done.returncode == 0 else ""
    except (OSError, subprocess.TimeoutExpired):
        text = ""
    return GpuFacts(parse_smi(text), Path("/dev/nvidia0").exists())


def parse_smi(text: str) -> tuple[GpuRow, ...]:
    """From lines like `81559 MiB, 9.0, 580.65.06`; other lines are passed over."""
    line = re.compile(r"^(\d+) MiB, (\d+)\.(\d+), (\d+)")
    found = filter(None, (line.match(each.strip()) for each in text.splitlines()))
    return tuple(GpuRow(int(m[1]), (int(m[2]), int(m[3])), int(m[4])) for m in found)
