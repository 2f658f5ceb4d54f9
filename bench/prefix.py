"""What the order of the prompt is worth to the engine's prefix cache.

Ten continuations in a row in one chapter of the sample novel, as an author would ask for them:
each begins where the one before it ended, 150 characters on, and asks for something else. The
prompts are the desk's own, which knows the chapter's last prompt each time. The engine then gets
them twice, over its own socket: as they are, and as the same blocks with what recall found first,
which is how retrieval is usually put into a prompt. Each order has a cache of its own
(`cache_salt`), so neither profits from the other. Time to first token from the second
continuation on; hits by vLLM's own counters.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.desk import RunningDesk, serving
from bench.report import Report
from retrieval.template import PromptTemplate, load_template, template_of
from retrieval.types import ContextItem, Group, Placed

TURNS = 10
FIRST = 900
STEP = 150
BEATS = (
    "她停下来，听了一会儿。", "说起当年的事。", "外面有人敲门。", "他不肯把东西交出来。",
    "天色暗下去。", "她数了数钱。", "两个人谁也没有先开口。", "船靠了岸。", "她认出了那个字。",
    "灯灭了。",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    messages: list[dict[str, str]]
    first_token: float
    cached: float
    prompt: float


def run(report: Report) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with serving(home / "data", home / "serve.log") as desk:
            prompts, ours, naive = _measure(desk)
    _tell(report, ours, naive)
    _tell_recall(report, prompts)


def _measure(desk: RunningDesk) -> tuple[list[dict[str, Any]], list[Asked], list[Asked]]:
    socket, key = desk.engine()
    through = httpx.Client(base_url=desk.address, timeout=300, trust_env=False)
    direct = httpx.Client(
        transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://engine",
        headers={"authorization": f"Bearer {key}"}, timeout=300,
    )  # fmt: skip
    model = through.get("/api/health").json()["engine"]["model"]
    prompts = _prompts(through)
    naive = naive_order()
    return (
        prompts,
        [_ask(direct, model, p["messages"], "ours") for p in prompts],
        [_ask(direct, model, _rendered(naive, p), "naive") for p in prompts],
    )


def _prompts(client: httpx.Client) -> list[dict[str, Any]]:
    work = client.get("/api/works").json()[0]["id"]
    root = f"/api/works/{work}/chapters"
    chapter = client.get(root).json()[-1]["id"]
    return [
        _begun(
            client,
            f"{root}/{chapter}/continue",
            {"offset": FIRST + turn * STEP, "beat": BEATS[turn], "length": 100},
        )
        for turn in range(TURNS)
    ]


def _begun(client: httpx.Client, path: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """The prompt of a continuation that is let go of at its first words."""
    prompt: dict[str, Any] | None = None
    with client.stream("POST", path, json=wanted) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if prompt is None and line.startswith("data: "):
                prompt = json.loads(line.removeprefix("data: "))
            elif line == "event: delta":
                break
    if prompt is None:
        raise RuntimeError("the desk told no prompt")
    return prompt


def naive_order() -> PromptTemplate:
    """The shipped template's own words, with the found passages first and the rest behind."""
    shipped = load_template("continuation")
    before, passages, rest = _cut(shipped.user, "{%- if passages %}", "{%- if late.cast")
    head, recap, _ = _cut(shipped.system + "{# end #}", "{%- if recap", "{# end #}")
    user = f"{passages}\n{recap}\n{before}{rest}"
    return template_of("naive", head, user, shipped.assistant)


def _cut(text: str, start: str, end: str) -> tuple[str, str, str]:
    first, second = text.index(start), text.index(end)
    return text[:first], text[first:second], text[second:]


def _rendered(template: PromptTemplate, prompt: dict[str, Any]) -> list[dict[str, str]]:
    placed = [Placed(_item(k), k["text"], 0, "") for k in prompt["kept"]]
    messages = template.render(placed, {"length": 100})
    return [{"role": m.role, "content": m.content} for m in messages]


def _item(kept: dict[str, Any]) -> ContextItem:
    late = False if kept["id"].startswith("outline:") else None
    return ContextItem(kept["id"], Group(kept["group"]), kept["text"], kept["source"], late=late)


def _ask(client: httpx.Client, model: str, messages: list[dict[str, str]], salt: str) -> Asked:
    body: dict[str, Any] = {
        "model": model, "messages": messages, "max_tokens": 2, "stream": True, "temperature": 0.0,
        "add_generation_prompt": False, "continue_final_message": True, "cache_salt": salt,
    }  # fmt: skip
    hits, queries = _counters(client)
    start = time.perf_counter()
    seconds = None
    with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if seconds is None and '"content":"' in line and '"content":""' not in line:
                seconds = time.perf_counter() - start
    if seconds is None:
        raise RuntimeError("the engine sent no text")
    hits_now, queries_now = _counters(client)
    return Asked(messages, seconds, hits_now - hits, queries_now - queries)


def _counters(client: httpx.Client) -> tuple[float, float]:
    """(tokens found in the prefix cache, tokens asked for), since the engine began."""
    lines = client.get("/metrics").text.splitlines()

    def total(name: str) -> float:
        return sum(float(x.rpartition(" ")[2]) for x in lines if x.startswith(name + "{"))

    return total("vllm:prefix_cache_hits_total"), total("vllm:prefix_cache_queries_total")


def _tell(report: Report, ours: Sequence[Asked], naive: Sequence[Asked]) -> None:
    mean = {
        name: statistics.mean(a.first_token for a in asked[1:])
        for name, asked in (("ours", ours), ("naive", naive))
    }
    note = f"mean of continuations 2–{TURNS} of the sample's last chapter"
    tokens = statistics.mean(a.prompt for a in ours)
    report.add("prefix_ttft_s", mean["ours"], "s", f"{note}; prompts of {tokens:.0f} tokens")
    report.add("prefix_ttft_naive_s", mean["naive"], "s", "the same blocks, recall first")
    report.add("prefix_ttft_ratio", mean["ours"] / mean["naive"], "", "ours to naive")
    for name, asked in (("prefix_hit_rate", ours), ("prefix_hit_rate_naive", naive)):
        rate = sum(a.cached for a in asked[1:]) / sum(a.prompt for a in asked[1:])
        report.add(name, rate, "", "vLLM's prefix_cache_hits / prefix_cache_queries")


def _tell_recall(report: Report, prompts: Sequence[dict[str, Any]]) -> None:
    """What the prompts hold of what recall found, so that speed is not bought with it."""
    tokens = [sum(k["tokens"] for k in _passages(p["kept"])) for p in prompts]
    report.add("prefix_recall_tokens", statistics.mean(tokens), "", "passages in a prompt")
    stands = [
        max(_passages([*p["kept"], *p["dropped"]]), key=lambda k: k["score"] or 0)["id"]
        in {k["id"] for k in p["kept"]}
        for p in prompts
    ]
    note = "prompts in which the best passage of the moment stands"
    report.add("prefix_best_recalled", statistics.mean(stands), "", note)
    text = [sum(k["tokens"] for k in p["kept"] if k["group"] == "tail") for p in prompts]
    report.add("prefix_text_tokens", statistics.mean(text), "", "of the chapter in a prompt")


def _passages(account: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in account if entry["group"] == "passages"]
