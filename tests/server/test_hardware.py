"""What a machine is, from what its system says of it; and what follows for many machines."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import WeightsError
from server.hardware import (
    Gpu,
    Hardware,
    as_ranges,
    detect,
    engine_is_cuda,
    first_of_each_core,
    parse_flags,
    parse_nvidia_smi,
    parse_torch,
    usable_memory,
    within_quota,
)
from server.weights.plan import CUDA_MODELS, Shape, default_model, dtype, plan

AVX2 = "flags\t\t: fpu avx avx2 fma\n"
ZEN4 = "flags\t\t: fpu avx avx2 avx512f avx512_bf16\n"
SAPPHIRE = "flags\t\t: avx512f avx512_bf16 amx_bf16 amx_tile\n"
SMALL = Shape(0.93, 4 * 24 * 2 * 64, 32768)
BIG = Shape(15.3, 4 * 36 * 8 * 128, 40960)


def cuda(gib: float, capability: tuple[int, int] = (8, 6), count: int = 1) -> Hardware:
    return Hardware("cuda", (Gpu("GPU", gib, capability),) * count, (0, 1), 32.0)


def test_nvidia_smi_is_read_line_by_line() -> None:
    text = "NVIDIA H100 80GB HBM3, 81559 MiB, 9.0\nTesla T4, 15360 MiB, 7.5\nNo devices\n"
    first, second = parse_nvidia_smi(text)
    assert (first.name, first.capability) == ("NVIDIA H100 80GB HBM3", (9, 0))
    assert first.memory_gib == pytest.approx(79.6, abs=0.1)
    assert second == Gpu("Tesla T4", 15.0, (7, 5))
    assert parse_nvidia_smi("Failed to initialize NVML: Driver/library version mismatch") == ()


def test_torch_is_read_where_the_tool_is_missing() -> None:
    assert parse_torch('[["A10", 22528, 8, 6]]') == (Gpu("A10", 22.0, (8, 6)),)
    assert parse_torch("") == ()


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        (AVX2, set()),
        (ZEN4, {"avx512f", "avx512_bf16"}),
        (SAPPHIRE, {"avx512f", "avx512_bf16", "amx_bf16"}),
        (ZEN4 + AVX2, set()),
        ("", set()),
    ],
)
def test_only_what_every_processor_has_counts(cpuinfo: str, expected: set[str]) -> None:
    assert parse_flags(cpuinfo) == expected


@pytest.mark.parametrize(
    ("cpu_max", "expected"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("50000 100000\n", 1),
        ("", 8),
        ("nonsense", 8),
    ],
)
def test_a_quota_takes_cores_away(cpu_max: str, expected: int) -> None:
    assert within_quota(tuple(range(8)), cpu_max) == tuple(range(expected))


def test_two_threads_of_one_core_count_once() -> None:
    siblings = {0: "0,4", 1: "1,5", 4: "0,4", 5: "1,5"}
    assert first_of_each_core([0, 1, 4, 5], lambda cpu: siblings[cpu]) == (0, 1)
    assert first_of_each_core([4, 5], lambda cpu: siblings[cpu]) == (4, 5)


def test_a_containers_memory_is_its_own() -> None:
    assert usable_memory(64 * 2**30, "8589934592\n") == 8.0
    assert usable_memory(4 * 2**30, "8589934592\n") == 4.0
    assert usable_memory(64 * 2**30, "max\n") == 64.0


@pytest.mark.parametrize(
    ("cores", "expected"),
    [((0, 1), "0-1"), ((0,), "0"), ((2, 3, 4, 7), "2-4,7"), ((0, 2, 4), "0,2,4")],
)
def test_the_binding_names_every_core(cores: tuple[int, ...], expected: str) -> None:
    assert Hardware("cpu", cores=cores).omp_bind == expected


@given(st.sets(st.integers(0, 300), min_size=1))
def test_ranges_lose_no_core(cores: set[int]) -> None:
    read: list[int] = []
    for each in as_ranges(cores).split(","):
        first, _, last = each.partition("-")
        read += range(int(first), int(last or first) + 1)
    assert read == sorted(cores)


def fake_system(root: Path, cpuinfo: str, cpu_max: str = "max 100000") -> Path:
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(cpuinfo)
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "sys/fs/cgroup/cpu.max").write_text(cpu_max)
    (root / "sys/fs/cgroup/memory.max").write_text(str(2 * 2**30))
    return root


def test_detect_reads_the_system(tmp_path: Path) -> None:
    found = detect({}, fake_system(tmp_path, ZEN4, "100000 100000"), cuda=False)
    assert found.kind == "cpu"
    assert found.avx512_bf16
    assert not found.amx
    assert found.cpu_count == 1
    assert found.cores[0] in os.sched_getaffinity(0)
    assert found.memory_gib == 2.0


def smi_that_says(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\necho '{text}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_gpu_counts_where_the_engine_can_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi_that_says(tmp_path, "Tesla T4, 15360 MiB, 7.5", monkeypatch)
    assert detect({}, tmp_path, cuda=True).gpu_names == ("Tesla T4",)
    assert detect({}, tmp_path, cuda=False).kind == "cpu"
    assert detect({"YANCHI_HARDWARE": "cpu"}, tmp_path, cuda=True).kind == "cpu"


def test_the_installed_engine_is_asked_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.hardware.distribution", lambda name: name)
    assert engine_is_cuda()


def test_this_machine_can_be_described() -> None:
    assert "核" in detect(cuda=False).describe()
    assert "2 × GPU" in cuda(24, count=2).describe()


@pytest.mark.parametrize(
    ("hardware", "expected"),
    [
        (Hardware("cpu", flags=parse_flags(AVX2)), "float32"),
        (Hardware("cpu", flags=frozenset({"avx512f"})), "float32"),
        (Hardware("cpu", flags=parse_flags(ZEN4)), "bfloat16"),
        (Hardware("cpu", flags=parse_flags(SAPPHIRE)), "bfloat16"),
        (cuda(15, (7, 5)), "float16"),
        (cuda(24, (8, 6)), "bfloat16"),
        (cuda(80, (9, 0)), "bfloat16"),
    ],
)
def test_the_number_format_is_one_the_machine_computes_in(
    hardware: Hardware, expected: str
) -> None:
    assert dtype(hardware) == expected


@pytest.mark.parametrize(
    ("hardware", "expected"),
    [
        (Hardware("cpu", memory_gib=2.0), "Qwen/Qwen2.5-0.5B-Instruct"),
        (Hardware("cpu", memory_gib=500.0), "Qwen/Qwen2.5-0.5B-Instruct"),
        (cuda(6), "Qwen/Qwen2.5-0.5B-Instruct"),
        (cuda(8), "Qwen/Qwen2.5-1.5B-Instruct"),
        (cuda(15.6), "Qwen/Qwen3-4B-Instruct-2507"),
        (cuda(23.6), "Qwen/Qwen3-8B"),
        (cuda(47.5), "Qwen/Qwen3-14B"),
        (cuda(79.6), "Qwen/Qwen3-32B"),
        (cuda(139.0), "Qwen/Qwen3-32B"),
    ],
)
def test_the_default_model_fits(hardware: Hardware, expected: str) -> None:
    assert default_model(hardware) == expected


@given(st.floats(5, 200))
def test_whatever_the_gpu_the_default_can_be_served_on_it(gib: float) -> None:
    hardware = cuda(gib)
    shape = dict(CUDA_MODELS)[default_model(hardware)]
    chosen = plan(hardware, shape)
    used = shape.weight_gib + chosen.window * shape.cache_bytes / 2**30
    assert used < gib * 0.85
    assert 0 < chosen.prompt_tokens < chosen.window <= min(32768, shape.max_window)


def test_a_cpu_is_spared_long_prompts() -> None:
    chosen = plan(Hardware("cpu", cores=(0, 1)), SMALL)
    assert (chosen.window, chosen.prompt_tokens, chosen.omp_bind) == (8192, 2400, "0-1")


def test_a_short_model_shortens_the_window() -> None:
    chosen = plan(Hardware("cpu"), Shape(0.1, 100, 2048))
    assert (chosen.window, chosen.prompt_tokens) == (2048, 1024)
    assert plan(cuda(80), Shape(0.1, 100, 4096)).window == 4096


def test_what_the_memory_does_not_hold_is_refused_with_the_way_out() -> None:
    with pytest.raises(WeightsError, match=r"显存放不下.*--model"):
        plan(cuda(16), BIG)
    assert plan(cuda(24), BIG).window < plan(cuda(24), BIG, gpu_share=0.95).window


def test_more_gpus_do_not_make_one_larger() -> None:
    assert default_model(cuda(24, count=4)) == default_model(cuda(24))
