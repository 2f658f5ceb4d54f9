"""`yanchi data …`: every verb of training data, wherever it is written."""

import typer

from training.commands import data_order, data_sets, preferences, scripts, served

app = typer.Typer(help="训练数据：导入、整理、查看、导出。", no_args_is_help=True)

for module in (data_sets, data_order, scripts, served, preferences):
    for command in module.commands:
        app.command(command.__name__.removesuffix("_"))(command)


@app.callback()
def data() -> None:
    """训练数据：导入、整理、查看、导出。"""
