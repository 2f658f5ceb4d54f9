"""What machine this is, and what follows for serving a model on it.

`detect` reads the machine; everything else is a pure function of what it read. Memory is in
GiB. Nothing here imports torch: a process that only asks must not open the GPU.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

import psutil

GIB = 2**30
CPU_FLAGS = {"avx512f", "avx512_bf16", "amx_bf16"}
SMI_QUERY = ["nvidia-smi", "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader"]
TORCH_QUERY = (
    "import json, torch; print(json.dumps([(p.name, p.total_memory / 2**20, p.major, p.minor) for p"
    " in map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))]))"
)


@dataclass(frozen=True, slots=True)
class Gpu:
    name: str
    memory_gib: float
    capability: tuple[int, int]
    """NVIDIA's compute capability; bfloat16 is native from (8, 0) on."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """`cores` are the ids of the processors that this process may use, one a physical core."""

    kind: Literal["cpu", "cuda"]
    gpus: tuple[Gpu, ...] = ()
    cores: tuple[int, ...] = (0,)
    memory_gib: float = 0.0
    flags: frozenset[str] = frozenset()

    @property
    def gpu_names(self) -> tuple[str, ...]:
        return tuple(gpu.name for gpu in self.gpus)

    @property
    def gpu_memory_gib(self) -> float:
        """Memory of the smallest GPU: one model is served on one GPU."""
        return min((gpu.memory_gib for gpu in self.gpus), default=0.0)

    @property
    def cpu_count(self) -> int:
        return len(self.cores)

    @property
    def avx512(self) -> bool:
        return "avx512f" in self.flags

    @property
    def avx512_bf16(self) -> bool:
        return "avx512_bf16" in self.flags

    @property
    def amx(self) -> bool:
        return "amx_bf16" in self.flags

    @property
    def omp_bind(self) -> str:
        """The value of VLLM_CPU_OMP_THREADS_BIND that computes on every core: `0-1`, `0,2,4-7`."""
        return as_ranges(self.cores)

    def describe(self) -> str:
        if self.kind == "cuda":
            return f"{len(self.gpus)} × {self.gpus[0].name}（{self.gpu_memory_gib:.0f} GiB 显存）"
        return f"CPU，{self.cpu_count} 核，{self.memory_gib:.0f} GiB 内存"


def detect(
    environ: Mapping[str, str] = os.environ, root: Path = Path("/"), cuda: bool | None = None
) -> Hardware:
    """Reads this machine.

    Its GPUs count only where the installed engine can use them (`cuda`; by default what
    `scripts/bootstrap.py` installed) and `YANCHI_HARDWARE=cpu` does not forbid it.
    """
    cuda = engine_is_cuda() if cuda is None else cuda
    gpus = read_gpus(root) if cuda and environ.get("YANCHI_HARDWARE") != "cpu" else ()
    cpuinfo = _text(root / "proc/cpuinfo")
    cores = first_of_each_core(usable_processors(), lambda cpu: siblings(cpu, root))
    return Hardware(
        kind="cuda" if gpus else "cpu",
        gpus=gpus,
        cores=within_quota(cores, _text(root / "sys/fs/cgroup/cpu.max")),
        memory_gib=usable_memory(
            psutil.virtual_memory().total, _text(root / "sys/fs/cgroup/memory.max")
        ),
        flags=parse_flags(cpuinfo),
    )


def engine_is_cuda() -> bool:
    """The CUDA build is the distribution `vllm`; the CPU build calls itself `vllm-cpu`."""
    try:
        distribution("vllm")
    except PackageNotFoundError:
        return False
    return True


def read_gpus(root: Path = Path("/")) -> tuple[Gpu, ...]:
    """The NVIDIA GPUs, by the driver's tool or, where a container lacks it, by torch."""
    if found := parse_nvidia_smi(_output(SMI_QUERY)):
        return found
    if not (root / "dev/nvidia0").exists():
        return ()
    return parse_torch(_output([sys.executable, "-c", TORCH_QUERY]))


def parse_nvidia_smi(text: str) -> tuple[Gpu, ...]:
    """From lines like `NVIDIA H100 80GB HBM3, 81559 MiB, 9.0`; other lines are passed over."""
    line = re.compile(r"^(?P<name>.+), (?P<mib>\d+) MiB, (?P<major>\d+)\.(?P<minor>\d+)$")
    found = filter(None, (line.match(each.strip()) for each in text.splitlines()))
    return tuple(
        Gpu(each["name"], int(each["mib"]) / 1024, (int(each["major"]), int(each["minor"])))
        for each in found
    )


def parse_torch(text: str) -> tuple[Gpu, ...]:
    try:
        rows = json.loads(text)
    except ValueError:
        return ()
    return tuple(Gpu(name, mib / 1024, (major, minor)) for name, mib, major, minor in rows)


def parse_flags(cpuinfo: str) -> frozenset[str]:
    """Which of `CPU_FLAGS` /proc/cpuinfo names; only what every processor has."""
    lines = re.findall(r"^flags\s*:(.*)$", cpuinfo, flags=re.MULTILINE)
    per_cpu = [CPU_FLAGS & set(line.split()) for line in lines]
    return frozenset(set.intersection(*per_cpu)) if per_cpu else frozenset()


def usable_processors() -> list[int]:
    """By this process's affinity mask where the system has one."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def siblings(cpu: int, root: Path = Path("/")) -> str:
    """What the hardware threads of one core have in common; the processor's own id if unknown."""
    path = root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
    return _text(path).strip() or str(cpu)


def first_of_each_core(
    processors: Iterable[int], siblings: Callable[[int], str]
) -> tuple[int, ...]:
    """One hardware thread a core: two of one core only share its arithmetic units."""
    first: dict[str, int] = {}
    for cpu in processors:
        first.setdefault(siblings(cpu), cpu)
    return tuple(first.values())


def within_quota(cores: tuple[int, ...], cpu_max: str) -> tuple[int, ...]:
    """As many cores as cgroup v2's `cpu.max` (`quota period`, or `max period`) pays for."""
    quota, _, period = cpu_max.strip().partition(" ")
    if not quota.isdigit() or not period.isdigit():
        return cores
    return cores[: max(1, -(-int(quota) // int(period)))]


def usable_memory(total: int, memory_max: str) -> float:
    """GiB: the machine's bytes, or cgroup v2's `memory.max` where that is less."""
    limit = memory_max.strip()
    return min(total, int(limit) if limit.isdigit() else total) / GIB


def as_ranges(numbers: Iterable[int]) -> str:
    """0, 1, 2, 5 → `0-2,5`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
