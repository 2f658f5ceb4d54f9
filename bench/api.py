"""What `/v1` costs a program that could ask the engine itself: 64 streams at once, each of 100
tokens a second, straight to the engine, through the desk and through LiteLLM's proxy.

The legs alternate, round by round. `throughput_ratio` is how long the engine's own streams took
against the desk's; `itl_added_ms` the difference of the median streams' times a token, from the
request to the last token: a proxy that falls behind and then lets go of all at once has hardly
any time between tokens, but its readers have waited for each.
"""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bench.api_engine import MODEL
from bench.desk import serving
from bench.peers.packages import FOLDER
from bench.report import Report

STREAMS = 64
RATE = 100
TOKENS = 1000
WARM_UP = 50
ROUNDS = 2
START_SECONDS = 120
LITELLM = """\
model_list:
  - model_name: {model}
    litellm_params: {{model: openai/{model}, api_base: "{url}", api_key: none}}
"""


@dataclass
class Leg:
    """One way to the engine, and what was measured on it."""

    url: str
    """Ends in /v1."""
    seconds: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)


def run(report: Report) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        engine = stack.enter_context(_engine(home))
        legs = {"engine": Leg(engine)}
        os.environ["YANCHI_ENGINE_URL"] = engine
        stack.callback(os.environ.pop, "YANCHI_ENGINE_URL")
        desk = stack.enter_context(serving(home / "data", home / "serve.log"))
        legs["desk"] = Leg(f"{desk.address}/v1")
        try:
            legs["litellm"] = Leg(stack.enter_context(_litellm(home, engine)))
        except (RuntimeError, TimeoutError) as error:
            report.fact("litellm", str(error))
        for number in range(ROUNDS + 1):
            for leg in legs.values():
                tokens = TOKENS if number else WARM_UP
                seconds, gaps = asyncio.run(_ask(leg.url, tokens))
                if number:  # the first round opens connections and warms up
                    leg.seconds.append(seconds)
                    leg.gaps += gaps
    _tell(report, legs)


def _tell(report: Report, legs: dict[str, Leg]) -> None:
    engine = legs.pop("engine")
    note = f"{STREAMS} streams of {TOKENS} tokens at {RATE} a second, median of {ROUNDS} rounds"
    own = statistics.median(engine.seconds)
    report.add("engine_tokens_s", STREAMS * TOKENS / own, "1/s", f"straight; {note}")
    for name, leg in legs.items():
        mark = "" if name == "desk" else f"{name}_"
        ratio = own / statistics.median(leg.seconds)
        added = statistics.median(leg.gaps) - statistics.median(engine.gaps)
        report.add(f"{mark}throughput_ratio", ratio, "", f"{name}; {note}")
        report.add(
            f"{mark}itl_added_ms",
            added * 1000,
            "ms",
            f"{name}, median of the streams' times a token",
        )


async def _ask(url: str, tokens: int) -> tuple[float, list[float]]:
    """(seconds until the last stream's end, seconds a token of each stream)."""
    start = time.perf_counter()
    gaps = await asyncio.gather(*(_one(url, tokens) for _ in range(STREAMS)))
    return time.perf_counter() - start, list(gaps)


async def _one(url: str, tokens: int) -> float:
    """Seconds a token, from the request to the last."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    body = (
        f'{{"model":"{MODEL}","messages":[{{"role":"user","content":"go"}}],'
        f'"max_tokens":{tokens},"stream":true}}'
    ).encode()
    head = (
        f"POST {parts.path}/chat/completions HTTP/1.1\r\nhost: {parts.netloc}\r\n"
        "authorization: Bearer none\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    began = time.perf_counter()
    came, last = 0, began
    try:
        while chunk := await reader.read(65536):
            if found := chunk.count(b'"content":'):
                came, last = came + found, time.perf_counter()
            if b"[DONE]" in chunk:
                break
    finally:
        writer.close()
    if came < tokens:
        raise RuntimeError(f"{url} sent {came} tokens of {tokens}")
    return (last - began) / tokens


@contextmanager
def _engine(home: Path) -> Iterator[str]:
    with _child(
        [sys.executable, "-m", "bench.api_engine", str(RATE)], home / "engine.log"
    ) as child:
        log = home / "engine.log"
        _wait(lambda: log.read_text().strip().isdigit(), child, "the bench's engine")
        yield f"http://127.0.0.1:{log.read_text().strip()}/v1"


@contextmanager
def _litellm(home: Path, engine: str) -> Iterator[str]:
    """Raises RuntimeError where it is not installed or does not start."""
    if not (FOLDER / "litellm").is_dir():
        raise RuntimeError("LiteLLM is not in .bench-peers")
    (home / "litellm.yaml").write_text(LITELLM.format(model=MODEL, url=engine), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--config", str(home / "litellm.yaml"), "--host", "127.0.0.1", "--port", str(port)]
    start = "from litellm.proxy.proxy_cli import run_server; run_server()"
    environment = {
        # Without a key, as the desk beside it.
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
        "PYTHONPATH": str(FOLDER), "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR",
    }  # fmt: skip
    command = [sys.executable, "-c", start, *words, "--telemetry", "False"]
    with _child(command, home / "litellm.log", **environment) as child:
        address = f"http://127.0.0.1:{port}"
        _wait(lambda: _answers(f"{address}/health/liveliness"), child, "LiteLLM's proxy")
        yield f"{address}/v1"


@contextmanager
def _child(
    command: list[str], log: Path, **environment: str
) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as out:
        child = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield child
    finally:
        child.terminate()
        child.wait(timeout=60)


def _wait(true: Callable[[], bool], child: "subprocess.Popen[bytes]", name: str) -> None:
    end = time.monotonic() + START_SECONDS
    while not true():
        if child.poll() is not None:
            raise RuntimeError(f"{name} ended with {child.returncode}")
        if time.monotonic() > end:
            raise TimeoutError(f"{name} did not become ready")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False
