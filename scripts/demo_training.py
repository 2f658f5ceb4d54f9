"""`make demo-training`: from a script to a voice that answers, every step a command of `yanchi`.

Nothing is fetched and nothing of the author's is touched: the data directory, the base (a Qwen of
a million weights that has read nothing but the sample novel) and everything made of them are
in build/demo-training, anew each time. With `--base FOLDER` a real Qwen is tuned instead, which
takes as long as it takes.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import yaml

from bench.desk import serving

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "data" / "sample"
ROLE, SET = "嬛嬛", "sample-persona"
QUESTIONS = ("你是谁？", "今日天气甚好，可要出去走走？")

READING = {
    "name": "tiny-qwen", "method": "pretrain", "data": ["sample-novel"], "tuning": {"kind": "full"},
    "length": 512, "packing": True, "epochs": 10, "batch": 4, "accumulate": 1,
    "learning_rate": 4.0e-3, "warmup": 0.05, "evaluate_every": 200, "save_every": 100_000,
}  # fmt: skip
"""How the small base learns to read: the sample novel, again and again."""


class Demo:
    def __init__(self, place: Path) -> None:
        self.place = place
        self.data = place / "data"
        self.began = time.monotonic()
        self.env = {
            **os.environ,
            "YANCHI_DATA_DIR": str(self.data),
            "YANCHI_SAMPLE": "false",
        }

    def step(self, title: str) -> None:
        print(f"\n[{time.monotonic() - self.began:4.0f} s] {title}", flush=True)

    def yanchi(self, *words: str | Path) -> dict[str, Any]:
        """One command as an author would type it; what it says as JSON. Its own progress is shown."""
        line = [str(each) for each in words]
        print("  $ yanchi " + " ".join(line), flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "yanchi", *line, "--json"],
            cwd=ROOT, env=self.env, stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            print(done.stdout)
            raise SystemExit(f"“yanchi {line[0]}”没有做成（{done.returncode}）。")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def recipe(self, name: str, content: dict[str, Any]) -> Path:
        path = self.place / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
        return path


def small_base(demo: Demo) -> Path:
    """A Qwen that has read the sample novel and nothing else."""
    from training.tiny_base import Size, make_base

    novel = (SAMPLE / "novel.md").read_text("utf-8")
    template = (files("trl") / "chat_templates" / "qwen3.jinja").read_text("utf-8")
    size = Size(tokens=3072, rows=3072, hidden=128, intermediate=384, layers=3, heads=4, head=32)
    script = (SAMPLE / "script.txt").read_text("utf-8")
    unread = make_base(demo.place / "unread", [novel, script], template, size)
    demo.yanchi("data", "import", SAMPLE / "novel.md", "--name", "sample-novel")
    recipe = demo.recipe("reading", {**READING, "base": str(unread)})
    left = demo.yanchi("train", recipe)["left"]
    return Path(shutil.move(left, demo.place / "tiny-qwen"))


@contextmanager
def desk(demo: Demo, base: Path) -> Iterator[httpx.Client]:
    """The running desk with its vLLM, once it can write; ended at the end."""
    log = demo.place / "serve.log"
    try:
        with (
            serving(demo.data, log, "--model", str(base)) as running,
            httpx.Client(base_url=running.address, timeout=300, trust_env=False) as client,
        ):
            yield client
    except (RuntimeError, TimeoutError) as error:
        raise SystemExit(f"书桌没有打开（{error}），详情在 {log}。") from error


def answers(client: httpx.Client, system: str, question: str, adapter: str) -> list[str]:
    """What the base and the adapter say, written by the engine at the same time."""
    asked = {
        "prompt": question, "system": system, "adapters": [None, adapter], "max_tokens": 60,
        "temperature": 0.0,
    }  # fmt: skip
    texts = ["", ""]
    with client.stream("POST", "/api/adapters/compare", json=asked) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line.startswith("data: "):
                told = json.loads(line[6:])
                if "message" in told:
                    raise SystemExit(f"引擎答不了：{told['message']}")
                texts[told["side"]] += told.get("text", "")
    return texts


def run(place: Path, given: Path | None) -> None:
    demo = Demo(place)
    demo.step("底座：一个只读过样章的小 Qwen" if given is None else f"底座：{given}")
    base = given or small_base(demo)

    demo.step(f"剧本 → {ROLE}的对白")
    made = demo.yanchi("data", "script", SAMPLE / "script.txt", "--role", ROLE, "--turns", "4",
                       "--name", SET)  # fmt: skip
    print(f"    {made['rows']} 条")

    recipe = yaml.safe_load((ROOT / "training" / "recipes" / "cpu-tiny.yaml").read_text("utf-8"))
    chosen = demo.recipe("cpu-tiny", {**recipe, "base": str(base)})
    demo.step("训练前看一眼")
    for finding in demo.yanchi("advise", chosen)["advice"]:
        print(f"    {finding['sentence']}")

    demo.step("训练")
    trained = demo.yanchi("train", chosen)
    print(f"    {trained['message']}")

    demo.step("评测：底座、适配器，有检索与没有检索")
    judged = demo.yanchi(
        "evaluate", "--run", trained["run"], "--limit", "6", "--length", "60", "--skip", "long"
    )
    for outcome in judged["outcomes"]:
        print(f"    {outcome}")

    demo.step("打开书桌")
    with desk(demo, base) as client:
        demo.step("发布")
        report = Path(trained["run"]) / "report" / "report.json"
        published = demo.yanchi("adapters", "publish", trained["run"], "--judged", report)
        if not published["served"]:
            raise SystemExit("发布了，但书桌没有载入它。")
        demo.step("引擎里的回答")
        for question in QUESTIONS:
            plain, voiced = answers(client, f"你是{ROLE}。", question, published["folder"])
            print(f"    问：{question}\n    底座：{plain!r}\n    {ROLE}：{voiced!r}")
            if not voiced or plain == voiced:
                raise SystemExit("适配器没有改变回答。")
    demo.step(f"完成，都留在 {place}；报告：{report.with_suffix('.html')}")


def main() -> None:
    asked = argparse.ArgumentParser(description="从剧本到会说话的适配器。")
    asked.add_argument("--base", type=Path, help="一个 Qwen 的目录；默认现做一个小的。")
    asked.add_argument("--place", type=Path, default=ROOT / "build" / "demo-training")
    told = asked.parse_args()
    shutil.rmtree(told.place, ignore_errors=True)
    (told.place / "data").mkdir(parents=True)
    run(told.place.absolute(), told.base)


if __name__ == "__main__":
    main()
