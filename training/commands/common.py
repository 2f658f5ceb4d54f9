"""What every training command shares: options, errors as sentences, JSON out, progress.

Exit codes: 0 done, 1 refused or failed (the reason on stderr), 2 wrong usage. Standard output
carries the result and nothing else; people and programs follow the work on standard error.
"""

import errno
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from retrieval.errors import RetrievalError
from training.errors import TrainingError
from training.types import Progress

err = Console(stderr=True, highlight=False)

SECONDS_BETWEEN_LINES = 0.2
"""A program that draws a bar needs no more than five lines a second."""

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="一切存放的地方（默认 $YANCHI_DATA_DIR）。", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="在标准输出打印一个 JSON 对象。")]
ProgressJson = Annotated[
    bool, typer.Option("--progress-json", help="进度写成标准错误上的 JSON 行，供程序读。")
]


def data_dir_for(given: Path | None) -> Path:
    """The folder that holds everything: the option, `$YANCHI_DATA_DIR`, or XDG's.

    The server's settings name the same folder; the two rooms may not import each other.
    """
    if given is not None:
        return given.expanduser().absolute()
    if named := os.environ.get("YANCHI_DATA_DIR"):
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "yanchi"


def print_json(result: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def say(sentence: str) -> None:
    """One line on standard error, however narrow the terminal; `[…]` in it is not markup."""
    err.print(sentence, soft_wrap=True, markup=False)


@contextmanager
def sentences(as_json: bool) -> Iterator[None]:
    """Turn an error into one sentence on stderr (and its JSON on stdout) and exit code 1."""
    # Importing peft on a machine without CUDA makes it print a line that no author can use.
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)
    try:
        yield
    except (TrainingError, RetrievalError) as error:
        _fail(error.code, str(error), as_json)
    except OSError as error:
        if error.errno not in _DISK:
            raise
        _fail("disk", f"{_DISK[error.errno]}：{error.filename or error.strerror}", as_json)
    except KeyboardInterrupt:
        say("已停止。")
        raise typer.Exit(130) from None


_DISK = {
    errno.ENOSPC: "磁盘满了，请腾出空间后再运行",
    errno.EDQUOT: "磁盘配额用完了，请腾出空间后再运行",
    errno.EROFS: "这里是只读的，请换一个地方存",
    errno.EACCES: "没有权限读写，请检查这个地方的权限",
    errno.EPERM: "没有权限读写，请检查这个地方的权限",
    errno.ENOENT: "没有这个文件，请检查路径",
    errno.EISDIR: "这是一个目录，这里要一个文件",
    errno.ENOTDIR: "这不是目录，请检查路径",
}


def _fail(code: str, message: str, as_json: bool) -> None:
    say(f"出错：{message}（{code}）")
    if as_json:
        print_json({"error": {"code": code, "message": message}})
    raise typer.Exit(1)


@contextmanager
def progress(what: str, as_json_lines: bool = False) -> Iterator[Progress]:
    """How far the work is: JSON lines for a program, a bar on a terminal, nothing in a log."""
    if as_json_lines:
        yield _Lines(what)
    elif err.is_terminal:
        with _bar(what) as advance:
            yield advance
    else:
        yield _nothing


def _nothing(done: int, total: int, note: str = "") -> None:
    """Where nobody watches, the result at the end says it all."""


class _Lines:
    """`{"done": n, "total": m, "note": "…"}`, thinned out; the last of a total always comes."""

    def __init__(self, what: str) -> None:
        self._what, self._told = what, 0.0

    def __call__(self, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        if done != total and now - self._told < SECONDS_BETWEEN_LINES:
            return
        self._told = now
        line = {"done": done, "total": total, "note": note or self._what}
        sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stderr.flush()


@contextmanager
def _bar(what: str) -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())  # fmt: skip
    with Bars(*columns, console=err, transient=True) as bars:
        task = bars.add_task(what, total=None)

        def advance(done: int, total: int, note: str = "") -> None:
            bars.update(task, completed=done, total=total or None, description=note or what)

        yield advance
