"""What the application adds to the engine's own time to first token, at equal prompts.

One real desk; for each of several places in the sample novel the continuation endpoint and
the engine itself (over its own socket, with the very messages the endpoint reported) are
asked in turn, first the one, then the other, after one round that fills the prefix cache for
both alike. The figure is the median of the differences between neighbours.

`ttft-desk` is the same endpoint on an engine that answers at once: seconds instead of minutes,
and the desk's own work is all there is to see.
"""

import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.desk import RunningDesk, serving
from bench.report import Report

PLACES = 4
ROUNDS = 20
WANTED = {
    "length": 20,
    "beat": "他停下来，听了一会儿。",
    "sampling": {"seed": 1, "temperature": 0.0},
}


@dataclass(frozen=True)
class Place:
    path: str
    messages: list[dict[str, str]]


def run_alone(report: Report) -> None:
    """The desk's own part, on an engine that answers at once: request to first text."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with serving(home / "data", home / "serve.log", "--engine", "scripted") as desk:
            _measure_alone(desk, report)


def run(report: Report) -> None:
    """What it adds to the time of an engine that has to think."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with serving(home / "data", home / "serve.log") as desk:
            report.add(
                "serve_ready_s", desk.ready_seconds, "s", "yanchi serve, weights there, until ready"
            )
            _measure(desk, report)


def _measure_alone(desk: RunningDesk, report: Report) -> None:
    client = httpx.Client(base_url=desk.address, timeout=60, trust_env=False)
    places = _places(client)
    times = [_through(client, place) for _ in range(ROUNDS) for place in places]
    note = f"scripted engine, {len(times)} requests"
    report.add("ttft_scripted_ms", statistics.median(times) * 1000, "ms", note)


def _measure(desk: RunningDesk, report: Report) -> None:
    socket, key = desk.engine()
    # Both clients keep their connections, as an editor does: what is compared is the answer.
    direct = httpx.Client(
        transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://engine",
        headers={"authorization": f"Bearer {key}"}, timeout=300,
    )  # fmt: skip
    through = httpx.Client(base_url=desk.address, timeout=300, trust_env=False)
    model = through.get("/api/health").json()["engine"]["model"]
    ours, theirs, added = [], [], []
    for place in _places(through):
        _direct(direct, model, place)
        for turn in range(ROUNDS):
            pair: dict[str, float] = {}
            for which in ("ours", "engine") if turn % 2 else ("engine", "ours"):
                pair[which] = (
                    _through(through, place) if which == "ours" else _direct(direct, model, place)
                )
            ours.append(pair["ours"])
            theirs.append(pair["engine"])
            added.append(pair["ours"] - pair["engine"])
    report.fact("model", model)
    note = f"median of {len(added)} pairs, {PLACES} places, prefix cached for both"
    report.add("ttft_ms", statistics.median(ours) * 1000, "ms", "through the continuation endpoint")
    report.add(
        "ttft_engine_ms", statistics.median(theirs) * 1000, "ms", "the engine itself, same messages"
    )
    report.add("ttft_overhead_ms", statistics.median(added) * 1000, "ms", note)


def _places(client: httpx.Client) -> list[Place]:
    work = client.get("/api/works").json()[0]["id"]
    root = f"/api/works/{work}/chapters"
    chapters = [c["id"] for c in client.get(root).json()][-PLACES:]
    return [
        Place(
            f"{root}/{c}/continue",
            client.post(f"{root}/{c}/context", json=WANTED).json()["messages"],
        )
        for c in chapters
    ]


def _through(client: httpx.Client, place: Place) -> float:
    start = time.perf_counter()
    with client.stream("POST", place.path, json=WANTED) as answer:
        for line in answer.iter_lines():
            if line.startswith("event: delta"):
                return time.perf_counter() - start
            if line.startswith("event: error"):
                raise RuntimeError("the continuation failed")
    raise RuntimeError("no text came")


def _direct(client: httpx.Client, model: str, place: Place) -> float:
    # As the desk asks: the last message is the tail, to be gone on with.
    body: dict[str, Any] = {
        "model": model, "messages": place.messages, "max_tokens": 32, "min_tokens": 8, "stream": True,
        "temperature": 0.0, "seed": 1,
        "add_generation_prompt": False, "continue_final_message": True,
    }  # fmt: skip
    start = time.perf_counter()
    with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {") and json.loads(line[6:])["choices"][0]["delta"].get(
                "content"
            ):
                return time.perf_counter() - start
    raise RuntimeError("no text came")
