"""`yanchi model pull`, `list` and `verify`: the weights on this machine.

Also the one renderer of the weights' progress: bars on a terminal, a few plain lines in a log.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars

from server.commands.common import AsJson, DataDir, err, print_json, sentences, settings_for
from server.errors import YanchiError, as_body
from server.weights import Installed, Progress

app = typer.Typer(help="模型权重：获取、列出、校验。", no_args_is_help=True)

SECONDS_BETWEEN_LINES = 10.0
GIB = 2**30


@app.command()
def pull(
    model: Annotated[
        str | None,
        typer.Argument(
            help="本地目录、Hugging Face 的“作者/模型”或魔搭的“ms:作者/模型”；"
            "不写则按本机硬件选择。",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """获取一个模型；中断后再次运行会接着下载，已有的会直接使用。"""
    with sentences(as_json):
        from server.hardware import detect
        from server.weights import resolve

        settings = settings_for(data_dir)
        with weights_progress() as progress:
            wanted = model if model is not None else settings.model
            weights = resolve(wanted, detect(), settings.weights_dir, progress, upgrade=True)
        if weights.note:
            _say(f"[yellow]提示[/yellow]：{weights.note}")
        if as_json:
            print_json(
                {
                    "name": weights.name,
                    "path": str(weights.path),
                    "source": weights.source,
                    "note": weights.note,
                }
            )
        else:
            _say(f"已就绪：{weights.name}（{weights.path}）")


@app.command("list")
def list_models(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """列出本机已有的模型，以及本机硬件的默认选择。"""
    with sentences(as_json):
        from server.hardware import detect
        from server.weights import default_model, installed

        root = settings_for(data_dir).weights_dir
        hardware = detect()
        default, found = default_model(hardware), installed(root)
        if as_json:
            print_json({"models": [_row(each) for each in found], "default": default})
            return
        for each in found:
            size = each.manifest.bytes / GIB
            typer.echo(f"{each.manifest.name}  {size:.2f} GiB  {each.manifest.source}  {each.path}")
        if not found:
            _say(f"{root} 里还没有模型，运行 yanchi model pull 获取。")
        _say(f"本机（{hardware.describe()}）的默认模型是 {default}。")


@app.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(help="模型名；不写则校验全部。", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """按清单重新计算每个文件的 SHA-256。"""
    with sentences(as_json):
        from server.weights import Store

        store = Store(settings_for(data_dir).weights_dir)
        names = [name] if name is not None else store.names()
        whole: list[Installed] = []
        damaged: list[YanchiError] = []
        with weights_progress() as progress:
            for each in names:
                try:
                    whole.append(store.verify(each, progress))
                except YanchiError as error:
                    damaged.append(error)
        _tell_verified(whole, damaged, as_json)
    if damaged:
        raise typer.Exit(1)


@contextmanager
def weights_progress() -> Iterator[Progress]:
    """A `server.weights.Progress` that an author can follow on stderr."""
    if not err.is_terminal:
        yield _Lines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=err, transient=True) as bars:
        yield _OneBar(bars)


class _OneBar:
    """The step at hand as a bar; each new step takes the place of the one before it."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._lock = threading.Lock()
        self._step = ""
        self._task: TaskID | None = None

    def __call__(self, step: str, done: int, total: int) -> None:
        with self._lock:
            if step != self._step or self._task is None:
                if self._task is not None:
                    self._bars.remove_task(self._task)
                self._step, self._task = step, self._bars.add_task(step, total=None)
            self._bars.update(self._task, completed=done, total=total or None)


class _Lines:
    """A line when a step begins, and now and then how far it is."""

    def __init__(self) -> None:
        self._step, self._told = "", 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        if step == self._step and now - self._told < SECONDS_BETWEEN_LINES:
            return
        far = f" {done * 100 // total}%（共 {total / GIB:.2f} GiB）" if total else ""
        _say(f"{step}{far}")
        self._step, self._told = step, now


def _say(sentence: str) -> None:
    """On stderr, in one line however wide the terminal is."""
    err.print(sentence, soft_wrap=True)


def _tell_verified(whole: list[Installed], damaged: list[YanchiError], as_json: bool) -> None:
    for each in whole:
        _say(f"完好：{each.manifest.name}（{len(each.manifest.files)} 个文件）")
    for error in damaged:
        _say(f"[red]出错[/red]：{error.message}（{error.code}）")
    if not whole and not damaged:
        _say("没有可校验的模型，运行 yanchi model pull 获取。")
    if as_json:
        errors = [as_body(error)["error"] for error in damaged]
        print_json({"verified": [_row(each) for each in whole], "errors": errors})


def _row(found: Installed) -> dict[str, Any]:
    manifest = found.manifest
    return {
        "name": manifest.name,
        "path": str(found.path),
        "source": manifest.source,
        "bytes": manifest.bytes,
        "files": len(manifest.files),
    }
