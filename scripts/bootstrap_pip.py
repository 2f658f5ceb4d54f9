"""pip as a child: its noise left out, its progress counted, its failures in one sentence."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

NOISE = re.compile(
    r"^(WARNING: Location |Looking in |\[notice\]|WARNING: Running pip as|WARNING: Cache entry|\s*$)"
)
PROGRESS = re.compile(r"^(Collecting|Requirement already satisfied:) (?P<name>[\w.-]+)")


class SetupError(Exception):
    """One Chinese sentence: the cause and the way out."""


def pip(home: Path, steps: Steps, *arguments: str, count: int = 0) -> None:
    """Raises SetupError with the cause that pip's output shows."""
    options = ["--disable-pip-version-check", "--no-input"]
    if arguments[0] == "install":
        options += ["--retries=2", "--progress-bar=off"]
    verb, *rest = arguments
    run([str(home / "bin" / "python"), "-m", "pip", verb, *options, *rest], steps, count)


def run(command: Sequence[str], steps: Steps, count: int = 0) -> None:
    lines: list[str] = []
    seen = 0
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as child:
        for line in child.stdout or ():
            if NOISE.match(line):
                continue
            lines.append(line.rstrip())
            if count and (found := PROGRESS.match(line)):
                seen += 1
                steps.count(seen, count, found["name"])
            elif line.startswith("Installing collected packages"):
                steps.count(count, count, "写入磁盘")
    steps.clear()
    if child.returncode:
        raise SetupError(explain_pip(lines))


def explain_pip(lines: Sequence[str]) -> str:
    text = "\n".join(lines)
    last = next((line for line in reversed(lines) if line.startswith(("ERROR", "error"))), "")
    last = last or (lines[-1] if lines else "没有说明原因")
    causes: Iterable[tuple[str, str]] = (
        (r"No space left on device", "安装时磁盘写满了，请腾出空间后重新运行。"),
        (
            r"THESE PACKAGES DO NOT MATCH THE HASHES",
            "下载的安装包与锁定的哈希不符，请检查 pip 的软件源是否可信，清空 pip 缓存后重新运行。",
        ),
        (
            r"Max retries exceeded|NewConnectionError|Name or service not known|"
            r"Temporary failure in name resolution|Connection (refused|reset|timed out)|"
            r"ReadTimeout|ConnectTimeout|Failed to fetch|client error \(Connect\)",
            "连不上 Python 软件源，请检查网络，或用 pip config set global.index-url 换一个镜像。",
        ),
    )
    for pattern, sentence in causes:
        if re.search(pattern, text):
            return sentence
    return f"安装失败（{last.strip()}），请处理后重新运行。"


def explain_venv(output: str) -> str:
    if "No space left on device" in output:
        return "建立 .venv 时磁盘写满了，请腾出空间后重新运行。"
    if "ensurepip" in output or "No module named venv" in output:
        return "这个 Python 没有 venv 模块，请安装它（Debian/Ubuntu：apt install python3-venv）。"
    last = output.strip().splitlines()[-1:] or ["没有说明原因"]
    return f"建立 .venv 失败（{last[0]}），请检查 Python 的安装。"


class Steps:
    """One line a step, with the seconds since the start; a live count on a terminal."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._live = sys.stderr.isatty()

    def tell(self, text: str) -> None:
        self.clear()
        print(f"[{self._clock() - self._start:5.1f} 秒] {text}", file=sys.stderr, flush=True)

    def count(self, done: int, total: int, name: str) -> None:
        if self._live:
            print(f"\r\033[K          {done}/{total} {name}", end="", file=sys.stderr, flush=True)
        elif total and done % 50 == 0:
            self.tell(f"{done}/{total}")

    def clear(self) -> None:
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
