"""The command line: joins the rooms' commands. The only file that may know server and training."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS = {
    "serve": ("server.commands.serve", "打开书桌：载入模型，最后一行是要打开的地址。Ctrl+C 停止。"),
    "import": ("server.commands.books", "导入一部小说或一个工程，建好索引，随即可以检索和续写。"),
    "export": (
        "server.commands.books",
        "把一部作品导出为 TXT、Markdown、DOCX、EPUB 或整个工程。",
    ),
    "search": ("server.commands.books", "在全书里找段落，按字词也按意思。"),
    "works": ("server.commands.books", "列出所有作品。"),
    "continue": (
        "server.commands.write",
        "从章末（或指定位置）续写；文字边写边出，不会自动存进书里。",
    ),
    "ask": (
        "server.commands.ask",
        "问一部书或一份资料，回答带原文和页码；文中没有就说没有。",
    ),
    "chat": (
        "server.commands.chat",
        "在终端里和一个人物聊天；书桌要开着，聊的话页面上也看得到。",
    ),
    "persona": ("training.commands.persona", "人物：从一个剧本做出来。"),
    "model": ("server.commands.model", "模型权重：获取、列出、校验。"),
    "data": ("training.commands.data", "训练数据：导入、整理、查看、导出。"),
    "train": (
        "training.commands.train",
        "按配方训练，或接着练一次停下的训练；Ctrl+C 存档后停下。",
    ),
    "evaluate": (
        "training.commands.evaluate",
        "在留出的文字上评：困惑度、重合、重复、文风、照抄、遗忘，也可以请一个模型评判。",
    ),
    "advise": (
        "training.commands.advise",
        "训练前看一眼：数据够不够、设置合不合适、引擎收不收、要多久、放不放得下。",
    ),
    "adapters": ("training.commands.adapters", "适配器：发布、退回、核对、合并、混合、导出。"),
}
"""Every verb: the module whose `app` has it, or is it, and what `--help` says of it."""


class Rooms(TyperGroup):
    """Loads a room when one of its verbs is called: nobody waits for the rooms he does not enter."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        for name, (_, says) in COMMANDS.items():
            self.add_command(TyperCommand(name, help=says), name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] in COMMANDS:
            self.add_command(verb(args[0]), args[0])
        return super().resolve_command(ctx, args)


def verb(name: str) -> Any:
    """The command behind a name of `COMMANDS`."""
    group = typer.main.get_group(import_module(COMMANDS[name][0]).app)
    return group.commands.get(name, group)


app = typer.Typer(
    name="yanchi",
    cls=Rooms,
    help="砚池：读过全书的小说书桌。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"yanchi {version('yanchi')}")
        raise typer.Exit


class Personas:
    """What training builds, put onto the desk: neither room may know the other."""

    def check(self, data_dir: Path, slug: str) -> None:
        from server.personas.built import check_free

        with _desk_of(data_dir) as session:
            check_free(session, slug)

    def take_in(self, data_dir: Path, folder: Path) -> None:
        from server.personas.built import take_in

        with _desk_of(data_dir) as session:
            take_in(session, folder)


@contextmanager
def _desk_of(data_dir: Path) -> Iterator[Any]:
    """A transaction on a data directory; what the server refuses is training's sentence."""
    from server.commands.common import settings_for
    from server.db import Database
    from server.errors import YanchiError
    from training.errors import TrainingError

    database = Database(settings_for(data_dir).database)
    try:
        database.migrate()
        with database.session() as session:
            yield session
    except YanchiError as error:
        raise TrainingError(error.message) from error
    finally:
        database.close()


@app.callback()
def root(
    ctx: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="版本号。")
    ] = False,
) -> None:
    """砚池：读过全书的小说书桌。"""
    ctx.obj = Personas()


def main() -> None:
    app()


if __name__ == "__main__":
    main()
