"""The whole desk on a real vLLM, from outside: streams, departures and sudden deaths."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import sync_playwright

from server.presence import find_desk
from tests.clients import javascript, run

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

CHAPTER = "雨下了整整三日，井水涨到了第二级石阶。她把信折好，压在砚台底下。" * 6


@dataclass
class RunningDesk:
    process: subprocess.Popen[bytes]
    data: Path
    client: httpx.Client
    path: str = ""

    def family(self) -> list[psutil.Process]:
        """The server and everything that it has started, however far down."""
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]

    def vllm(self) -> psutil.Process:
        return next(p for p in self.family() if "vllm.entrypoints.openai.api_server" in p.cmdline())

    def running_requests(self) -> float:
        """vLLM's own gauge, over its own socket."""
        words = self.vllm().cmdline()
        socket = words[words.index("--uds") + 1]
        with httpx.Client(transport=httpx.HTTPTransport(uds=socket)) as client:
            text = client.get("http://engine/metrics").text
        names = ("vllm:num_requests_running", "vllm:num_requests_waiting{")
        return sum(float(x.split()[-1]) for x in text.splitlines() if x.startswith(names))

    def ready(self) -> bool:
        return self.client.get("/api/ready").status_code == 200

    def events(self, **wanted: Any) -> Iterator[tuple[str, Any]]:
        with self.client.stream("POST", f"{self.path}/continue", json=wanted) as answer:
            assert answer.status_code == 200, answer.read()
            name = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    yield name, json.loads(line[6:])


def within(seconds: float, true: Callable[[], bool]) -> float:
    """Seconds until `true()`; fails when it takes longer."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < seconds
        time.sleep(0.1)
    return time.monotonic() - start


@pytest.fixture(scope="module")
def desk(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    data = tmp_path_factory.mktemp("data")
    log = (data / "serve.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "yanchi", "serve", "--model", str(tiny_model), "--port", "0"],
        env={**os.environ, "YANCHI_DATA_DIR": str(data), "YANCHI_SAMPLE": "false"},
        stdout=log,
        stderr=log,
    )
    within(120, lambda: find_desk(data) is not None)
    client = httpx.Client(base_url=str(find_desk(data)), timeout=120, trust_env=False)
    running = RunningDesk(process, data, client)
    within(300, running.ready)
    work = client.post("/api/works", json={"title": "试书"}).json()["id"]
    root = f"/api/works/{work}/chapters"
    chapter = client.post(root, json={"title": "第一章", "text": CHAPTER}).json()["id"]
    running.path = f"{root}/{chapter}"
    yield running
    if process.poll() is None:
        family = running.family()
        process.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs(family, timeout=30)
        assert not alive


def test_an_author_continues_a_chapter_in_the_page(desk: RunningDesk) -> None:
    """The one journey of the page on a real engine: asked for by a key, taken by a key, saved."""
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser_path is None:
        pytest.skip("no chromium here: run scripts/e2e-deps.sh as root")
    work, chapter = desk.path.split("/")[3], desk.path.split("/")[5]
    before = desk.client.get(desk.path).json()["text"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{desk.client.base_url}/#/w/{work}/{chapter}")
        page.locator(".ProseMirror").click()
        page.keyboard.press("Control+End")
        page.keyboard.press("Control+Enter")
        page.get_by_role("button", name="收下").wait_for()
        page.keyboard.press("Tab")
        within(60, lambda: len(desk.client.get(desk.path).json()["text"]) > len(before))
        browser.close()
    revisions = desk.client.get(f"{desk.path}/revisions").json()
    assert revisions[0]["origin"] == "accepted"
    assert desk.client.get(desk.path).json()["text"].startswith(before)


def test_a_continuation_streams_and_its_prompt_was_counted_exactly(desk: RunningDesk) -> None:
    told = list(desk.events(length=60, beat="雨停了。"))
    assert [told[0][0], told[-1][0]] == ["prompt", "done"]
    plain = desk.client.post(f"{desk.path}/continue", json={"length": 2000, "stream": False})
    assert plain.status_code == 422, plain.text
    answer = desk.client.post(
        f"{desk.path}/continue", json={"length": 30, "stream": False, "sampling": {"seed": 1}}
    ).json()
    assert answer["usage"]["prompt_tokens"] == answer["prompt"]["tokens"]


def test_going_away_stops_vllm(desk: RunningDesk) -> None:
    stream = desk.events(length=300)
    assert next(stream)[0] == "prompt"
    assert next(stream)[0] == "delta"
    stream.close()
    within(60, lambda: desk.running_requests() == 0)
    generations = desk.path.replace(f"/chapters/{desk.path.split('/')[-1]}", "/generations")
    within(60, lambda: desk.client.get(generations).json()[0]["state"] == "cancelled")


# `vllm bench serve` as the command has it; the command itself looks for a package called vllm,
# which the CPU build is not.
BENCH = """
from vllm.benchmarks.serve import add_cli_args, main
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = FlexibleArgumentParser()
add_cli_args(parser)
main(parser.parse_args())
"""


@pytest.fixture(scope="module")
def name(desk: RunningDesk) -> str:
    """What the base is called below /v1."""
    return str(desk.client.get("/v1/models").json()["data"][0]["id"])


def test_the_javascript_sdk_is_held_to_a_schema_and_stops_vllm(
    desk: RunningDesk, name: str
) -> None:
    base = f"{str(desk.client.base_url).rstrip('/')}/v1"
    told = javascript("schema", base, name)["choices"][0]["message"]["content"]
    assert isinstance(json.loads(told)["rain"], bool)
    assert javascript("abort", base, name)
    within(60, lambda: desk.running_requests() == 0)


@pytest.mark.parametrize(
    ("backend", "endpoint"),
    [("openai-chat", "/v1/chat/completions"), ("openai", "/v1/completions")],
)
def test_vllm_s_own_benchmark_completes_every_request(
    desk: RunningDesk, name: str, tiny_model: Path, tmp_path: Path, backend: str, endpoint: str
) -> None:
    run(
        sys.executable, "-c", BENCH, "--backend", backend,
        "--base-url", str(desk.client.base_url).rstrip("/"), "--endpoint", endpoint,
        "--model", name, "--tokenizer", tiny_model, "--dataset-name", "random",
        "--random-input-len", "24", "--random-output-len", "8", "--num-prompts", "12",
        "--max-concurrency", "6", "--ignore-eos", "--disable-tqdm",
        "--save-result", "--result-dir", tmp_path, "--result-filename", "told.json",
    )  # fmt: skip
    told = json.loads((tmp_path / "told.json").read_text())
    assert (told["completed"], told["failed"]) == (12, 0)
    assert told["total_output_tokens"] == 12 * 8


def test_an_engine_killed_in_mid_stream_is_an_error_and_comes_back(desk: RunningDesk) -> None:
    stream = desk.events(length=300)
    assert next(stream)[0] == "prompt"
    assert next(stream)[0] == "delta"
    desk.vllm().kill()
    name, data = list(stream)[-1]
    assert name == "error"
    assert data["error"]["code"] == "engine_lost"
    assert data["error"]["retryable"]
    within(60, lambda: not desk.ready())
    meanwhile = desk.client.post(f"{desk.path}/continue", json={"length": 30})
    assert meanwhile.status_code == 503
    assert meanwhile.json()["error"]["retryable"]
    within(300, desk.ready)
    assert list(desk.events(length=30))[-1][0] == "done"


def test_a_killed_server_leaves_no_process_and_loses_no_revision(desk: RunningDesk) -> None:
    """Last in this file: the desk is gone after it."""
    stream = desk.events(length=300)
    assert next(stream)[0] == "prompt"
    saved = desk.client.put(desk.path, json={"text": CHAPTER + "最后一句。"}).json()
    family = desk.family()
    desk.process.kill()
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive
    with sqlite3.connect(desk.data / "yanchi.db") as database:
        text = database.execute(
            "select text from chapterrevision where number = ?", (saved["revision"],)
        ).fetchone()[0]
        assert text.endswith("最后一句。")
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
