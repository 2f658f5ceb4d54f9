"""Killed at any step, a run goes on as if nothing had happened: the same losses, the same end."""

import errno
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.training.tuning.runs import Died, dying_at, evaluations, losses, make_sets, recipe
from training.errors import RunFailed
from training.tuning.run import resume, start
from training.tuning.run_folder import RunFolder

DROPOUT = {"rank": 4, "dropout": 0.2}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    make_sets(tmp_path)
    return tmp_path


def weights(run: RunFolder) -> dict[str, torch.Tensor]:
    (last,) = run.checkpoints()[-1:]
    name = "adapter_model" if (last.path / "adapter_config.json").exists() else "model"
    return load_file(last.path / f"{name}.safetensors")


def assert_same(one: RunFolder, other: RunFolder) -> None:
    assert losses(one) == pytest.approx(losses(other), abs=1e-4)
    assert evaluations(one) == pytest.approx(evaluations(other), abs=1e-4)
    assert one.status().best_step == other.status().best_step
    torch.testing.assert_close(weights(one), weights(other), atol=1e-6, rtol=1e-5)


RUNS = [
    {"tuning": DROPOUT, "packing": True, "length": 256},
    {"method": "dpo", "tuning": DROPOUT},
]
MORE_RUNS = [
    {"tuning": DROPOUT, "epochs": 4},
    {"tuning": {"rank": 4, "lora_plus_ratio": 8}},
    {"tuning": {"kind": "dora", "rank": 4}},
    {"tuning": {"kind": "pissa", "rank": 4}},
    {"tuning": {"kind": "full"}},
    {"tuning": {"kind": "galore", "rank": 4, "switch_every": 3}},
    {"tuning": {"kind": "badam", "switch_every": 2}},
    {"tuning": {"kind": "badam", "switch_every": 2}, "dtype": "bf16"},
    {"method": "kto", "tuning": DROPOUT},
    {"method": "pretrain", "length": 64},
]


@pytest.mark.parametrize(
    "how", [*RUNS, *(pytest.param(each, marks=pytest.mark.slow) for each in MORE_RUNS)], ids=str
)
def test_dying_at_any_step_changes_nothing(base: Path, data_dir: Path, how: dict[str, Any]) -> None:
    wanted = recipe(base, **how)
    whole = start(wanted, data_dir, at=data_dir / "whole")
    step = random.randint(1, whole.status().steps - 1)
    with pytest.raises(Died):
        start(wanted, data_dir, at=data_dir / "dead", progress=dying_at(step))
    dead = RunFolder(data_dir / "dead")
    assert dead.status().state == "failed"
    assert max(losses(dead)) == step
    resume(dead.path, data_dir)
    assert dead.status().state == "done"
    assert_same(dead, whole)


CHILD = """
import sys
from pathlib import Path
from training.tuning.config import Recipe
from training.tuning.run import start
start(Recipe.read(Path(sys.argv[1])), Path(sys.argv[2]), at=Path(sys.argv[3]))
"""


def run_child(wanted: Any, data_dir: Path, at: Path) -> subprocess.Popen[bytes]:
    file = data_dir / "recipe.yaml"
    file.write_text(wanted.yaml(), "utf-8")
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(file), str(data_dir), str(at)],
        cwd=Path(__file__).resolve().parents[3], stderr=subprocess.DEVNULL,
    )  # fmt: skip


def wait_for_step(child: subprocess.Popen[bytes], run: RunFolder, step: int) -> None:
    until = time.monotonic() + 300
    while time.monotonic() < until:
        assert child.poll() is None, "the child ended before it was killed"
        if sum(each["type"] == "step" for each in run.entries()) >= step:
            return
        time.sleep(0.01)
    raise AssertionError(f"step {step} never came")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_sigkill_at_a_random_step(base: Path, data_dir: Path) -> None:
    wanted = recipe(base, tuning=DROPOUT, epochs=40, evaluate_every=7, save_every=5)
    whole = start(wanted, data_dir, at=data_dir / "whole")
    killed = RunFolder(data_dir / "killed")
    child = run_child(wanted, data_dir, killed.path)
    try:
        wait_for_step(child, killed, random.randint(3, 80))
        child.send_signal(signal.SIGKILL)
    finally:
        child.wait()
    assert child.returncode == -signal.SIGKILL
    assert killed.status().state == "running"
    assert not killed.alive()
    resume(killed.path, data_dir)
    assert_same(killed, whole)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_sigterm_saves_and_stops(base: Path, data_dir: Path) -> None:
    wanted = recipe(base, tuning=DROPOUT, epochs=40, evaluate_every=50, save_every=500)
    whole = start(wanted, data_dir, at=data_dir / "whole")
    asked = RunFolder(data_dir / "asked")
    child = run_child(wanted, data_dir, asked.path)
    try:
        wait_for_step(child, asked, 3)
        child.terminate()
        assert child.wait(300) == 0
    finally:
        child.kill()
        child.wait()
    assert asked.status().state == "stopped"
    assert asked.checkpoints()
    resume(asked.path, data_dir)
    assert_same(asked, whole)


def test_the_stop_file_saves_and_stops(base: Path, data_dir: Path) -> None:
    wanted = recipe(base, tuning=DROPOUT, save_every=100)
    whole = start(wanted, data_dir, at=data_dir / "whole")
    stopped = RunFolder(data_dir / "stopped")

    def ask(done: int, total: int, note: str = "") -> None:
        del total
        if done == 2 and note.startswith("损失"):
            stopped.ask_stop()

    start(wanted, data_dir, at=stopped.path, progress=ask)
    status = stopped.status()
    assert status.state == "stopped"
    assert 2 <= status.step < status.steps
    assert [each.step for each in stopped.checkpoints()] == [status.step]
    assert (stopped.adapter / "adapter_model.safetensors").exists()
    resume(stopped.path, data_dir)
    assert stopped.status().state == "done"
    assert_same(stopped, whole)


def test_a_run_without_a_checkpoint_begins_anew(base: Path, data_dir: Path) -> None:
    wanted = recipe(base, save_every=100, evaluate_every=100)
    with pytest.raises(Died):
        start(wanted, data_dir, at=data_dir / "dead", progress=dying_at(2))
    dead = resume(data_dir / "dead", data_dir)
    assert_same(dead, start(wanted, data_dir))


@pytest.mark.parametrize(("every", "died"), [(1, 3), (3, 4)], ids=["before the save", "after it"])
def test_a_warning_is_given_once_however_often_a_run_dies(
    base: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, every: int, died: int
) -> None:
    monkeypatch.setattr("training.tuning.samples.Sampler._text", lambda *_: "")
    wanted = recipe(base, sample_every=every, sample_tokens=2, save_every=2, evaluate_every=100)
    with pytest.raises(Died):
        start(wanted, data_dir, at=data_dir / "dead", progress=dying_at(died))
    run = RunFolder(data_dir / "dead")
    assert len(run.status().warnings) == 1
    resume(run.path, data_dir)
    told = [each["message"] for each in run.entries() if each["type"] == "warning"]
    assert len(told) == 1
    assert run.status().warnings == tuple(told)


def test_other_data_is_another_run(base: Path, data_dir: Path) -> None:
    from tests.training.tiny import chats, make_data

    with pytest.raises(Died):
        start(recipe(base), data_dir, at=data_dir / "dead", progress=dying_at(3))
    (data_dir / "datasets" / "talk").rename(data_dir / "former")
    make_data(data_dir, "talk", chats(11), chats(3))
    with pytest.raises(RunFailed, match="数据在停下之后变了"):
        resume(data_dir / "dead", data_dir)


@pytest.mark.parametrize("name", ["loss", "grad_norm"])
def test_what_is_no_number_stops_the_run(
    base: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from training.tuning.trainer import Tuner

    honest = Tuner.log

    def log(self: Any, logs: dict[str, float], start_time: float | None = None) -> None:
        if self.state.global_step == 3 and name in logs:
            logs[name] = float("nan")
        honest(self, logs, start_time)

    monkeypatch.setattr(Tuner, "log", log)
    with pytest.raises(RunFailed, match="learning_rate 降到三分之一"):
        start(recipe(base), data_dir, at=data_dir / "nan")
    run = RunFolder(data_dir / "nan")
    assert run.status().state == "failed"
    assert "第 2 步的存档完好" in run.status().message
    assert [each.step for each in run.checkpoints()] == [2]


def test_a_rate_that_blows_up_is_stopped_by_itself(base: Path, data_dir: Path) -> None:
    with pytest.raises(RunFailed, match="不是数"):
        start(
            recipe(base, learning_rate=0.9, clip=1e30, epochs=60, schedule="constant",
                   tuning={"kind": "full"}, steps=200, weight_decay=30.0), data_dir)  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_disk_that_fills_keeps_the_last_checkpoint(base: Path, data_dir: Path) -> None:
    """A limit on the size of files stands in for the disk: the same calls fail, for real."""
    run = RunFolder(data_dir / "full")
    wanted = recipe(base, tuning={"rank": 4}, epochs=40, save_every=2, evaluate_every=100)
    child = run_child(wanted, data_dir, run.path)
    try:
        wait_for_step(child, run, 6)
        # From now on no file may grow beyond 1 KiB; those that are there stay as they are.
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (1024, 1024))
        assert child.wait(300) == 1
    finally:
        child.kill()
        child.wait()
    whole = run.checkpoints()
    assert whole
    assert not run.unfinished.exists()
    load_file(whole[-1].path / "adapter_model.safetensors")
    torch.load(whole[-1].path / "optimizer.pt", weights_only=True)
    resume(run.path, data_dir)
    assert run.status().state == "done"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "磁盘写不下了"),
        (
            RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"),
            "磁盘",
        ),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), "显存不够"),
        (MemoryError(), "内存不够"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "内存不够"),
    ],
)
def test_what_failed_is_said_with_the_way_out(
    base: Path, data_dir: Path, error: Exception, words: str
) -> None:
    def fail(done: int, total: int, note: str = "") -> None:
        del total
        if done == 3 and note.startswith("损失"):
            raise error

    with pytest.raises(RunFailed, match=words):
        start(recipe(base), data_dir, at=data_dir / "failed", progress=fail)
    status = RunFolder(data_dir / "failed").status()
    assert (status.state, status.code) == ("failed", "run_failed")
    assert "--resume" in status.message


def test_an_error_nobody_knows_is_ours(base: Path, data_dir: Path) -> None:
    def fail(done: int, total: int, note: str = "") -> None:
        del done, total, note
        raise ZeroDivisionError("oops")

    with pytest.raises(ZeroDivisionError):
        start(recipe(base), data_dir, at=data_dir / "failed", progress=fail)
    assert RunFolder(data_dir / "failed").status().code == "internal"
