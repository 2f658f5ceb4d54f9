"""A real desk as a child process, for measuring from outside."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from server.presence import find_desk
from server.settings import default_data_dir

START_SECONDS = 900


@dataclass(frozen=True)
class RunningDesk:
    address: str
    process: psutil.Process
    ready_seconds: float

    def engine(self) -> tuple[Path, str]:
        """(unix socket, API key) of its vLLM, read from the child process it started."""
        for child in self.process.children(recursive=True):
            words = child.as_dict(["cmdline"])["cmdline"] or []  # a zombie has none
            if "--uds" in words and "vllm.entrypoints.openai.api_server" in words:
                return Path(words[words.index("--uds") + 1]), child.environ()["VLLM_API_KEY"]
        raise RuntimeError("the desk has started no vLLM")


@contextmanager
def serving(data: Path, log: Path, *words: str) -> Iterator[RunningDesk]:
    """`yanchi serve` on a free port over `data`, with the weights that are installed."""
    data.mkdir(parents=True, exist_ok=True)
    installed = Path(os.environ.get("YANCHI_DATA_DIR", default_data_dir())) / "models"
    if installed.is_dir() and not (data / "models").exists():
        (data / "models").symlink_to(installed)
    environment = {**os.environ, "YANCHI_DATA_DIR": str(data)}
    start = time.perf_counter()
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "yanchi", "serve", "--port", "0", *words],
            env=environment, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        address = _wait(child, data, start)
        yield RunningDesk(address, psutil.Process(child.pid), time.perf_counter() - start)
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=60)


def _wait(child: subprocess.Popen[bytes], data: Path, start: float) -> str:
    while time.perf_counter() - start < START_SECONDS:
        if child.poll() is not None:
            raise RuntimeError(f"the desk ended with {child.returncode}")
        address = find_desk(data)
        if address and httpx.get(f"{address}/api/ready", trust_env=False).status_code == 200:
            return address
        time.sleep(0.1)
    raise TimeoutError("the desk did not become ready")
