"""`kill -9` of the process that owns a real vLLM leaves nothing behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from server.engines.vllm import VllmOptions

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
OWNER = """
import asyncio, sys
from pathlib import Path
from server.engines.vllm import VllmEngine, VllmOptions

async def main():
    model, logs, bind = sys.argv[1:]
    options = VllmOptions(Path(model), "tiny", "float32", 512, cpu=True, logs_dir=Path(logs),
                          omp_bind=bind, kv_cache_gib=1)
    engine = VllmEngine(options)
    await engine.start()
    while engine.status().state != "ready":
        await asyncio.sleep(0.1)
    print("ready", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def shared_memory() -> set[Path]:
    return set(Path("/dev/shm").glob("psm_*"))


def test_a_killed_owner_leaves_no_process_and_no_shared_memory(other_logs: VllmOptions) -> None:
    before = shared_memory()
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(other_logs.model_path), str(other_logs.logs_dir),
         other_logs.omp_bind],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert owner.stdout is not None
    with owner.stdout as out:
        assert out.readline().strip() == "ready", (other_logs.logs_dir / "engine.log").read_text()
    tree = psutil.Process(owner.pid).children(recursive=True)
    assert len([p for p in tree if p.name().startswith("VLLM::")]) >= 2
    began = time.monotonic()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    _, alive = psutil.wait_procs(tree, timeout=10)
    assert not alive
    print(f"all gone {time.monotonic() - began:.1f} s after the kill")
    assert shared_memory() <= before
