"""What `/v1` costs a program that could ask the engine itself: 64 streams at once, each of 100
tokens a second, straight to the engine, through the desk and through LiteLLM's proxy.

The ways alternate, round by round and there and back, and every figure is a median:

- `throughput_ratio`: how long the engine's own streams took against the desk's;
- `itl_added_ms`: between tokens as a client reads them, ours less the engine's own;
- `token_added_ms`: the same of a stream's time a token, from its request to its last. A proxy that
  falls behind and then lets go of all at once has hardly any time between tokens, but its readers
  have waited for each;
- `ttft_added_ms`: the same of the time to the first token;
- with `litellm_` before them: LiteLLM's own, of the same rounds. `throughput_over_litellm` is ours
  ÷ theirs (better above 1), `itl_over_litellm_ms` and its like ours − theirs (better below 0).
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.api_client import Round, Stream, measure
from bench.api_engine import MODEL
from bench.children import child, cpu_seconds, wait
from bench.desk import serving
from bench.litellm_proxy import litellm
from bench.report import Report

STREAMS = 64
RATE = 100
TOKENS = 1000
WARM_UP = 50
ROUNDS = 3


@dataclass
class Way:
    """One way to the engine, and what was measured on it."""

    name: str
    url: str
    """Ends in /v1."""
    process: psutil.Process
    rounds: list[Round] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Shares of one core that its process took."""
    engine_cpu: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return statistics.median(round.seconds for round in self.rounds)

    @property
    def gap(self) -> float:
        return statistics.median(gap for one in self._streams() for gap in one.gaps)

    @property
    def ttft(self) -> float:
        return statistics.median(one.first - one.began for one in self._streams())

    @property
    def token(self) -> float:
        return statistics.median((one.last - one.began) / one.tokens for one in self._streams())

    @property
    def client_cpu(self) -> float:
        return max(round.client_cpu for round in self.rounds)

    def _streams(self) -> Iterator[Stream]:
        return (one for round in self.rounds for one in round.streams)


ADDED: dict[str, Callable[[Way], float]] = {
    "itl": lambda way: way.gap,
    "token": lambda way: way.token,
    "ttft": lambda way: way.ttft,
}


def run(report: Report) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        engine, process = stack.enter_context(_engine(home))
        ways = [Way("engine", engine, process)]
        os.environ["YANCHI_ENGINE_URL"] = engine
        stack.callback(os.environ.pop, "YANCHI_ENGINE_URL")
        desk = stack.enter_context(serving(home / "data", home / "serve.log"))
        ways.append(Way("desk", f"{desk.address}/v1", desk.process))
        try:
            ways.append(Way("litellm", *stack.enter_context(litellm(home, engine, MODEL))))
        except (RuntimeError, TimeoutError) as error:
            report.fact("litellm", str(error))
        for way in ways:
            measure(way.url, MODEL, STREAMS, WARM_UP)  # opens connections and warms up
        for number in range(ROUNDS):
            for way in ways[:: -1 if number % 2 else 1]:
                _measure(way, process)
    _table(report, ways)
    _figures(report, *ways)


def _measure(way: Way, engine: psutil.Process) -> None:
    began = time.perf_counter()
    spent, engine_spent = cpu_seconds(way.process), cpu_seconds(engine)
    way.rounds.append(measure(way.url, MODEL, STREAMS, TOKENS))
    seconds = time.perf_counter() - began
    way.cpu.append((cpu_seconds(way.process) - spent) / seconds)
    way.engine_cpu.append((cpu_seconds(engine) - engine_spent) / seconds)


def _table(report: Report, ways: list[Way]) -> None:
    rows = [
        [
            way.name, f"{STREAMS * TOKENS / way.seconds:.0f}", f"{way.gap * 1000:.2f}",
            f"{way.token * 1000:.2f}", f"{way.ttft * 1000:.1f}",
            f"{statistics.median(way.cpu):.0%}", f"{statistics.median(way.engine_cpu):.0%}",
            f"{way.client_cpu:.0%}",
        ]
        for way in ways
    ]  # fmt: skip
    report.table(
        f"{STREAMS} streams of {TOKENS} tokens at {RATE} a second; medians of {ROUNDS} rounds in turns",
        ["way", "tokens a second", "between tokens, ms", "a token from the request, ms",
         "to the first token, ms", "its CPU", "the engine's CPU", "the client's CPU, at most"],
        rows,
        ["CPU as a share of one core. A client or an engine near 100% is itself what was measured."],
    )  # fmt: skip


def _figures(report: Report, engine: Way, *ways: Way) -> None:
    report.add("engine_tokens_s", STREAMS * TOKENS / engine.seconds, "1/s", "straight")
    report.add("client_cpu", max(way.client_cpu for way in (engine, *ways)), "cores", "at most")
    for way in ways:
        mark = "" if way.name == "desk" else f"{way.name}_"
        report.add(f"{mark}throughput_ratio", engine.seconds / way.seconds, "", _of(way))
        for name, value in ADDED.items():
            more = (value(way) - value(engine)) * 1000
            report.add(f"{mark}{name}_added_ms", more, "ms", _of(way))
    if len(ways) > 1:
        desk, peer = ways
        report.add("throughput_over_litellm", peer.seconds / desk.seconds, "", "desk ÷ LiteLLM")
        for name, value in ADDED.items():
            more = (value(desk) - value(peer)) * 1000
            report.add(f"{name}_over_litellm_ms", more, "ms", "desk − LiteLLM")


def _of(way: Way) -> str:
    return f"{way.name} beside the engine alone"


@contextmanager
def _engine(home: Path) -> Iterator[tuple[str, psutil.Process]]:
    log = home / "engine.log"
    with child([sys.executable, "-m", "bench.api_engine", str(RATE)], log) as process:
        wait(lambda: log.read_text().strip().isdigit(), process, "the bench's engine")
        yield f"http://127.0.0.1:{log.read_text().strip()}/v1", process
