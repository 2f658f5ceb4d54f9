"""One real vLLM for the whole run: starting it is what takes time."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from running import START_SECONDS, Running, processors
from tiny_qwen import make_adapter, make_model

from server.engines.vllm import VllmOptions


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("tiny-qwen3"))


@pytest.fixture(scope="session")
def tiny_adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapter(tiny_model, tmp_path_factory.mktemp("adapter"))


@pytest.fixture(scope="session")
def tiny_options(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> VllmOptions:
    """Steps of 128 tokens, so that ordinary prompts are read in several."""
    return VllmOptions(
        model_path=tiny_model,
        served_name="tiny",
        dtype="float32",
        window=1024,
        cpu=True,
        logs_dir=tmp_path_factory.mktemp("logs"),
        omp_bind=processors(),
        kv_cache_gib=1,
        prefill_tokens=128,
        start_seconds=START_SECONDS,
    )


@pytest.fixture(scope="session")
def tiny(tiny_options: VllmOptions) -> Iterator[Running]:
    running = Running(tiny_options).start()
    yield running
    processes = running.processes()
    running.stop()
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not alive


@pytest.fixture(scope="session")
def other_logs(tiny_options: VllmOptions, tmp_path_factory: pytest.TempPathFactory) -> VllmOptions:
    return replace(tiny_options, logs_dir=tmp_path_factory.mktemp("other-logs"))
