"""The command line: joins the rooms' commands. The only file that may know server and training."""

from importlib.metadata import version
from typing import Annotated

import typer

from server.commands import books, model, serve, write

app = typer.Typer(
    name="yanchi",
    help="砚池：读过全书的小说书桌。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"yanchi {version('yanchi')}")
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="版本号。")
    ] = False,
) -> None:
    """砚池：读过全书的小说书桌。"""


for commands in (serve.app, books.app, write.app):
    app.registered_commands.extend(commands.registered_commands)
app.add_typer(model.app, name="model")


def main() -> None:
    app()


if __name__ == "__main__":
    main()
