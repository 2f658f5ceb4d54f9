"""The engine's life, with a fake program in vLLM's place and real processes throughout."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from retrieval.types import Message
from server.engines import leftovers
from server.engines.base import EngineRequest
from server.engines.child import Child
from server.engines.engine_log import cause, phase, rotate
from server.engines.supervisor import Supervisor, Timing
from server.engines.vllm import VllmEngine, VllmOptions
from server.errors import EngineFailed, EngineLost, EngineStarting

FAKE = Path(__file__).with_name("fake_engine.py")
ROOT = Path(__file__).parents[2]
QUICK = Timing(start=10.0, first_delay=0.05, poll=0.02, health=0.05, quick_deaths=3)


def fake_command(socket: Path) -> list[str]:
    return [sys.executable, "-S", str(FAKE), "--uds", str(socket)]


def environment(**switches: Any) -> dict[str, str]:
    return dict(os.environ) | {"FAKE_ENGINE": json.dumps(switches)}


@dataclass
class Watched:
    supervisor: Supervisor
    child: Child
    readied: list[float] = field(default_factory=list)

    async def until(self, state: str, seconds: float = 8.0) -> None:
        await until(lambda: self.supervisor.state == state, seconds)

    def tree(self) -> list[psutil.Process]:
        guardian = psutil.Process(session(self.child))
        return [guardian, *guardian.children(recursive=True)]


def session(child: Child) -> int:
    record = leftovers.read_record(child.log.with_suffix(".pid"))
    assert record is not None
    return record.session


async def until(true: Callable[[], bool], seconds: float = 8.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.02)


def gone(processes: list[psutil.Process], seconds: float) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return all(process.status() == psutil.STATUS_ZOMBIE for process in alive)


@asynccontextmanager
async def watched(
    logs_dir: Path, timing: Timing = QUICK, grace: float = 0.1, **switches: Any
) -> AsyncIterator[Watched]:
    child = Child(fake_command, environment(**switches), logs_dir, grace)

    async def healthy() -> bool | None:
        transport = httpx.AsyncHTTPTransport(uds=str(child.socket))
        async with httpx.AsyncClient(transport=transport, timeout=0.3) as client:
            try:
                return (await client.get("http://engine/health")).is_success
            except httpx.HTTPError:
                return None

    async def on_ready() -> None:
        it.readied.append(time.monotonic())

    it = Watched(Supervisor(child, healthy=healthy, on_ready=on_ready, timing=timing), child)
    try:
        await it.supervisor.start()
        yield it
    finally:
        await it.supervisor.stop()


@pytest.mark.anyio
async def test_becomes_ready_and_stop_leaves_nothing(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        assert it.supervisor.state == "starting"
        with pytest.raises(EngineStarting, match="还在启动"):
            it.supervisor.check()
        await it.until("ready")
        it.supervisor.check()
        await until(lambda: len(it.tree()) == 4)  # guardian, engine, child, grandchild
        tree, directory = it.tree(), it.child.socket.parent
        assert directory.stat().st_mode & 0o777 == 0o700
        await it.supervisor.stop()
        assert gone(tree, 0.5)
        assert not directory.exists()
        assert leftovers.read_record(tmp_path / "engine.pid") is None
        assert it.supervisor.state == "stopped"
        with pytest.raises(EngineFailed, match="已经停止"):
            it.supervisor.check()


@pytest.mark.anyio
async def test_an_engine_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    async with watched(tmp_path, deaf=True) as it:
        await it.until("ready")
        tree, began = it.tree(), time.monotonic()
        await it.supervisor.stop()
        assert gone(tree, 0.5)
        assert 0.1 < time.monotonic() - began < 5.0


@pytest.mark.anyio
async def test_a_crash_is_followed_by_a_restart(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await it.until("ready")
        old = it.tree()
        old[1].send_signal(signal.SIGKILL)
        await it.until("restarting")
        with pytest.raises(EngineStarting, match="重新启动"):
            it.supervisor.check()
        await it.until("ready")
        assert gone(old, 0.5)
        assert it.supervisor.restarts == 1
        assert len(it.readied) == 2


@pytest.mark.anyio
async def test_a_killed_guardian_leaves_nothing_and_a_new_one_comes(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await it.until("ready")
        old = it.tree()
        in_session = [p for p in old if os.getsid(p.pid) == old[0].pid]
        os.kill(old[0].pid, signal.SIGKILL)
        await until(lambda: it.supervisor.restarts == 1)
        await it.until("ready")
        assert gone(in_session, 0.5)
        for process in set(old) - set(in_session):  # the one that left the session on purpose
            process.kill()


@pytest.mark.anyio
async def test_an_engine_that_says_it_is_broken_is_replaced(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await it.until("ready")
        transport = httpx.AsyncHTTPTransport(uds=str(it.child.socket))
        async with httpx.AsyncClient(transport=transport) as client:
            messages = {"messages": [{"role": "user", "content": "病"}]}
            await client.post("http://engine/v1/chat/completions", json=messages)
        await until(lambda: it.supervisor.restarts == 1)
        await it.until("ready")


@pytest.mark.anyio
async def test_quick_deaths_end_in_failure_with_the_log(tmp_path: Path) -> None:
    say = "ERROR something nobody has seen before"
    async with watched(tmp_path, exit=3, say=say) as it:
        await it.until("failed")
        assert it.supervisor.restarts == QUICK.quick_deaths - 1
        assert "意外退出" in it.supervisor.detail
        assert say in it.supervisor.detail
        with pytest.raises(EngineFailed, match="意外退出") as failure:
            it.supervisor.check()
        assert "\n" not in failure.value.message


@pytest.mark.anyio
async def test_a_hopeless_cause_fails_at_once(tmp_path: Path) -> None:
    async with watched(tmp_path, exit=1, say="ModuleNotFoundError: No module named 'vllm'") as it:
        await it.until("failed")
        assert it.supervisor.restarts == 0
        assert "没有安装 vLLM" in it.supervisor.detail


@pytest.mark.anyio
async def test_a_failed_start_can_be_followed_by_a_good_one(tmp_path: Path) -> None:
    async with watched(tmp_path, exit_until=str(tmp_path / "second try")) as it:
        await it.until("ready")
        assert it.supervisor.restarts == 1


@pytest.mark.anyio
async def test_a_fault_of_our_own_is_seen_and_leaves_nothing(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:

        async def broken() -> None:
            raise ImportError("cannot import name")

        it.supervisor._on_ready = broken
        await until(it.child.log.exists)
        await it.until("failed")
        assert "cannot import name" in it.supervisor.detail
        assert it.child.died()
        with pytest.raises(psutil.NoSuchProcess):
            it.tree()


@pytest.mark.anyio
async def test_never_ready_is_a_failure_not_a_wait(tmp_path: Path) -> None:
    timing = Timing(start=0.3, poll=0.02)
    async with watched(tmp_path, timing=timing, mute=True) as it:
        await it.until("failed")
        assert "YANCHI_ENGINE_START_SECONDS" in it.supervisor.detail


@pytest.mark.anyio
async def test_two_servers_do_not_share_a_log(tmp_path: Path) -> None:
    async with watched(tmp_path) as first, watched(tmp_path) as second:
        await first.until("ready")
        await second.until("ready")
        assert first.child.log != second.child.log
        assert first.supervisor.restarts == second.supervisor.restarts == 0


OWNER = """
import asyncio, sys
from pathlib import Path
from server.engines.child import Child
from server.engines.supervisor import Supervisor, Timing
import os

async def main():
    fake, logs = sys.argv[1:]
    child = Child(lambda s: [sys.executable, "-S", fake, "--uds", str(s)], os.environ, Path(logs), 0.1)

    async def healthy():
        return child.socket.exists()

    async def on_ready():
        pass

    supervisor = Supervisor(child, healthy=healthy, on_ready=on_ready, timing=Timing(poll=0.02))
    await supervisor.start()
    while supervisor.state != "ready":
        await asyncio.sleep(0.02)
    print("ready", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def start_owner(logs_dir: Path, **how: Any) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(FAKE), str(logs_dir)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        **how,
    )
    assert owner.stdout is not None
    assert owner.stdout.readline().strip() == "ready"
    deadline = time.monotonic() + 5
    tree: list[psutil.Process] = []
    while len(tree) < 4 and time.monotonic() < deadline:
        tree = psutil.Process(owner.pid).children(recursive=True)
        time.sleep(0.02)
    assert len(tree) == 4
    owner.stdout.close()
    return owner, tree


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGINT])
def test_a_killed_owner_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    owner, tree = start_owner(tmp_path, stderr=subprocess.DEVNULL)
    record = leftovers.read_record(tmp_path / "engine.pid")
    assert record is not None
    assert record.runtime_dir is not None
    owner.send_signal(number)
    owner.wait(10)
    assert gone(tree, 5.0)
    assert not Path(record.runtime_dir).exists()


def test_the_next_start_ends_what_a_crash_left(tmp_path: Path) -> None:
    owner, tree = start_owner(tmp_path, stderr=subprocess.DEVNULL)
    guardian = tree[0]
    in_session = [p for p in tree if os.getsid(p.pid) == guardian.pid and p != guardian]
    guardian.suspend()  # it can no longer do its duty
    owner.kill()
    owner.wait()
    record = leftovers.read_record(tmp_path / "engine.pid")
    assert record is not None
    bystander = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert leftovers.end_leftovers(tmp_path) >= 3
        assert gone([guardian, *in_session], 2.0)
        assert bystander.poll() is None
        assert record.runtime_dir is not None
        assert not Path(record.runtime_dir).exists()
        assert not (tmp_path / "engine.pid").exists()
    finally:
        bystander.communicate(b"\n")
        for process in tree:
            if process.is_running():
                process.kill()


def test_a_process_that_only_has_the_number_is_spared(tmp_path: Path) -> None:
    stranger = subprocess.Popen(
        [sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        record = leftovers.Record(
            session=stranger.pid,
            session_started=leftovers.started(stranger.pid),
            owner=2**22 - 1,
            owner_started=1.0,
            log=str(tmp_path / "engine.log"),
        )
        record.write(tmp_path / "engine.pid")
        assert leftovers.end_leftovers(tmp_path) == 0
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")


class FakeOptions(VllmOptions):
    def command(self, socket: Path) -> list[str]:
        return fake_command(socket)


class NoTokenizer:
    chat_template_kwargs: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, _: Path) -> None:
        pass


@asynccontextmanager
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[VllmEngine]:
    monkeypatch.setattr("server.engines.vllm.LocalTokenCounter", NoTokenizer)
    options = FakeOptions(
        tmp_path,
        "tiny",
        "float32",
        1024,
        cpu=True,
        logs_dir=tmp_path,
        timing=QUICK,
        grace_seconds=0.1,
    )
    it = VllmEngine(options)
    await it.start()
    try:
        await until(lambda: it.status().state == "ready")
        yield it
    finally:
        await it.stop()


def asking(text: str) -> EngineRequest:
    return EngineRequest((Message("user", text),), max_tokens=50)


async def answer(it: VllmEngine, text: str) -> str:
    return "".join([piece.text async for piece in it.stream(asking(text))])


@pytest.mark.anyio
async def test_a_crash_in_mid_stream_is_an_error_and_the_next_request_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with engine(tmp_path, monkeypatch) as it:
        assert await answer(it, "讲吧") == "从前有座山。"
        got = []
        with pytest.raises(EngineLost):
            async for piece in it.stream(asking("死")):
                got.append(piece.text)
        assert "".join(got) == "从前有座山"
        await until(lambda: it.status().restarts == 1 and it.status().state == "ready")
        assert await answer(it, "讲吧") == "从前有座山。"


@pytest.mark.anyio
async def test_an_error_event_in_mid_stream_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with engine(tmp_path, monkeypatch) as it:
        with pytest.raises(EngineLost):
            await answer(it, "错")


@pytest.mark.anyio
async def test_closing_a_stream_closes_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with engine(tmp_path, monkeypatch) as it:

        async def running() -> int:
            return int((await it._http().get("http://engine/running")).text)

        stream = it.stream(asking("慢"))
        await anext(stream)
        assert await running() == 1
        await stream.aclose()
        await asyncio.sleep(0.3)
        assert await running() == 0


def test_options_become_flags_and_keep_secrets_off_the_command_line(tmp_path: Path) -> None:
    options = VllmOptions(tmp_path, "砚", "float32", 4096, cpu=True, logs_dir=tmp_path)
    command = options.command(tmp_path / "s")
    ours = {"YANCHI_ENGINE_API_KEY": "x", "VLLM_SERVER_DEV_MODE": "1", "PATH": "/bin"}
    environment = options.environment("secret", ours)
    assert "secret" not in " ".join(command)
    assert environment["VLLM_API_KEY"] == "secret"
    assert environment["VLLM_CPU_KVCACHE_SPACE"] == "2"
    assert environment.keys().isdisjoint({"YANCHI_ENGINE_API_KEY", "VLLM_SERVER_DEV_MODE"})
    assert "--enforce-eager" in command
    assert command[command.index("--max-lora-rank") + 1] == "64"
    on_gpu = VllmOptions(tmp_path, "砚", "bfloat16", 4096, cpu=False, logs_dir=tmp_path)
    assert "--enforce-eager" not in on_gpu.command(tmp_path)
    assert "--gpu-memory-utilization" in on_gpu.command(tmp_path)
    assert "VLLM_CPU_KVCACHE_SPACE" not in on_gpu.environment("k", {})


@pytest.mark.parametrize(
    ("line", "words", "final"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried", "内存或显存不够", False),
        ("ValueError: Available memory on node 0 is less than requested memory", "内存", False),
        ("safetensors_rust.SafetensorError: Error while deserializing", "已损坏", True),
        ("ValueError: User-specified max_model_len (9) > derived max_model_len", "窗口", True),
        ("OSError: x does not appear to have a file named config.json", "YANCHI_MODEL", True),
        ("OSError: [Errno 98] Address already in use", "占用", False),
    ],
)
def test_the_log_tells_why(line: str, words: str, final: bool) -> None:
    found = cause(f"INFO all is well\nTraceback (most recent call last):\n{line}\n", 1)
    assert words in found.phrase
    assert found.final is final


def test_an_engine_that_served_did_not_die_of_a_broken_adapter() -> None:
    found = cause("SafetensorError: Error while deserializing header", 1, served=True)
    assert not found.final


def test_a_kill_without_a_word_is_taken_for_lack_of_memory() -> None:
    assert "内存" in cause("INFO all is well", 137).phrase


def test_the_log_tells_how_far_it_is() -> None:
    assert phase("") is None
    log = "Starting to load model x...\nLoading safetensors checkpoint shards:  40% Completed | 2/5"
    assert phase(log) == "正在载入权重（40%）"
    assert phase(log + "\nCPU KV cache size: 9 tokens") == "正在分配缓存"


def test_the_last_logs_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    for text in ("一", "二", "三", "四"):
        rotate(log)
        log.write_text(text)
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"engine.log": "四", "engine.1.log": "三", "engine.2.log": "二"}
