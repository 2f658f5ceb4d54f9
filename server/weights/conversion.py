"""Starts the child process that turns a GGUF into a safetensors checkpoint.

The gigabytes that dequantization takes are given back when the child ends. It reports on its
standard output, one JSON object a line, and ends by itself when its parent is gone: it holds
the other end of a pipe that only the parent writes to.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from server.errors import DiskFull, WeightsError
from server.weights.types import Progress

PROJECT = Path(__file__).resolve().parents[2]
QUIET = {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "PYTHONIOENCODING": "utf-8"}


CONVERTER = (sys.executable, "-m", "server.weights.convert")


def convert(
    gguf: Path, folder: Path, progress: Progress, converter: Sequence[str] = CONVERTER
) -> None:
    """Fills `folder` with what `gguf` holds. Raises WeightsError, DiskFull."""
    child = subprocess.Popen(
        [*converter, str(gguf.resolve()), str(folder.resolve())],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | QUIET,
    )
    noise: list[str] = []
    listener = threading.Thread(target=lambda: noise.extend(child.stderr or []), daemon=True)
    listener.start()
    with child:
        try:
            for line in child.stdout or []:
                _pass_on(line, progress)
            code = child.wait()
        except BaseException:
            child.kill()
            raise
        finally:
            listener.join()
    if code:
        raise _failure(code, noise, folder)


def _pass_on(line: str, progress: Progress) -> None:
    """Anything that is not a report (a library's greeting) is no concern of ours."""
    if line.startswith("{"):
        report = json.loads(line)
        progress(f"转换 {report['stage']}", 0, 0)


def _failure(code: int, noise: list[str], folder: Path) -> WeightsError:
    text = "".join(noise)
    if "No space left on device" in text or "os error 28" in text:
        return DiskFull(f"{folder} 所在的磁盘空间不够，请腾出空间后重试。")
    if code == -9:
        return WeightsError("转换权重时进程被系统终止，多半是内存不足 4 GiB，请腾出内存后重试。")
    last = noise[-1].strip() if noise else f"退出码 {code}"
    return WeightsError(f"转换权重失败（{last}），请重试；若仍失败，请用 --model 指定别的模型。")
