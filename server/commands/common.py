"""What every command shares: settings, errors as sentences and exit codes, JSON output.

Exit codes: 0 done, 1 refused or failed (the reason on stderr), 2 wrong usage.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from server.errors import YanchiError, as_body
from server.settings import Settings

err = Console(stderr=True, highlight=False)

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="一切存放的地方（默认 $YANCHI_DATA_DIR）。", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="在标准输出打印一个 JSON 对象。")]


def settings_for(data_dir: Path | None, **changes: Any) -> Settings:
    """Settings from the environment, with what the command line says on top."""
    given = {k: v for k, v in changes.items() if v is not None}
    if data_dir is not None:
        given["data_dir"] = data_dir.expanduser().absolute()
    return Settings(**given)


def print_json(result: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    sys.stdout.flush()


@contextmanager
def sentences(as_json: bool) -> Iterator[None]:
    """Turn an error into one sentence on stderr (and its JSON on stdout) and exit code 1."""
    try:
        yield
    except YanchiError as error:
        err.print(f"[red]出错[/red]：{error.message}（{error.code}）", soft_wrap=True)
        if as_json:
            print_json(as_body(error))
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        err.print("已停止。")
        raise typer.Exit(130) from None
