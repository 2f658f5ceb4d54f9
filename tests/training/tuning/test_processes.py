"""Several processes, on CPU over gloo: the same losses as one, and one that writes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.training.tuning.runs import evaluations, losses, make_sets, recipe
from training.tuning.run import start
from training.tuning.run_folder import RunFolder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[3]
CHILD = Path(__file__).with_name("processes_child.py")
FSDP = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "false",
    "ACCELERATE_USE_CPU": "true",
}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    make_sets(tmp_path)
    return tmp_path


def launched(
    verb: str, wanted: Any, data_dir: Path, at: Path, environment: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    file = data_dir / "recipe.yaml"
    file.write_text(wanted.yaml(), "utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         str(CHILD), verb, str(file), str(data_dir), str(at)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)} | (environment or {}), text=True,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def finished(child: subprocess.Popen[str]) -> None:
    _, told = child.communicate(timeout=800)
    assert child.returncode == 0, told[-3000:]


@pytest.mark.parametrize(("method", "rows"), [("sft", 12), ("dpo", 8)])
def test_two_processes_learn_what_one_learns(
    base: Path, data_dir: Path, method: str, rows: int
) -> None:
    """One step over all rows: half of them each, or all in one."""
    how = {"method": method, "batch": 1, "steps": 1, "warmup": 0, "tuning": {"rank": 4}}
    how["preference"] = {"sft_weight": 0.3}
    alone = start(recipe(base, **how, accumulate=rows), data_dir)
    two = RunFolder(data_dir / "two")
    finished(launched("start", recipe(base, **how, accumulate=rows // 2), data_dir, two.path))
    assert two.status().state == "done"
    assert evaluations(two)[0] == pytest.approx(evaluations(alone)[0], abs=1e-4)
    assert losses(two) == pytest.approx(losses(alone), abs=1e-4)
    assert evaluations(two)[1] == pytest.approx(evaluations(alone)[1], abs=1e-4)


def test_a_sharded_model_learns_what_a_whole_one_learns(base: Path, data_dir: Path) -> None:
    wanted = recipe(base, batch=1, tuning={"kind": "full"})
    whole, shards = RunFolder(data_dir / "whole"), RunFolder(data_dir / "shards")
    finished(launched("start", wanted, data_dir, whole.path))
    finished(launched("start", wanted, data_dir, shards.path, FSDP))
    assert losses(shards) == pytest.approx(losses(whole), abs=1e-4)
    assert evaluations(shards) == pytest.approx(evaluations(whole), abs=1e-4)
    assert (shards.checkpoints()[-1].path / "pytorch_model_fsdp.bin").exists()
    assert load_file(shards.model / "model.safetensors")


def test_a_sharded_run_whose_process_was_killed_goes_on(base: Path, data_dir: Path) -> None:
    wanted = recipe(base, batch=1, epochs=20, tuning={"rank": 4, "dropout": 0.2}, save_every=4)
    whole, killed = RunFolder(data_dir / "whole"), RunFolder(data_dir / "killed")
    finished(launched("start", wanted, data_dir, whole.path, FSDP))
    child = launched("start", wanted, data_dir, killed.path, FSDP)
    until = time.monotonic() + 600
    while sum(each["type"] == "step" for each in killed.entries()) < 6:
        assert child.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    os.kill(killed.status().pid, signal.SIGKILL)
    child.communicate()
    assert child.returncode != 0
    assert killed.status().state == "running"
    finished(launched("resume", wanted, data_dir, killed.path, FSDP))
    assert losses(killed) == pytest.approx(losses(whole), abs=1e-4)
    assert killed.status().state == "done"
    assert load_file(killed.adapter / "adapter_model.safetensors")


def test_the_stop_file_is_heard_by_all(base: Path, data_dir: Path) -> None:
    wanted = recipe(base, batch=1, epochs=400, save_every=10_000, evaluate_every=10_000)
    run = RunFolder(data_dir / "stopped")
    child = launched("start", wanted, data_dir, run.path)
    try:
        until = time.monotonic() + 600
        while not any(each["type"] == "step" for each in run.entries()):
            assert child.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        run.ask_stop()
        finished(child)
    finally:
        child.kill()
        child.wait()
    assert run.status().state == "stopped"
    assert run.checkpoints()


def test_what_works_alone_says_so(base: Path, data_dir: Path) -> None:
    run = RunFolder(data_dir / "alone")
    child = launched("start", recipe(base, tuning={"kind": "badam"}), data_dir, run.path)
    child.communicate(timeout=800)
    assert child.returncode != 0
    assert "badam 只能在一个进程里训练" in run.status().message
