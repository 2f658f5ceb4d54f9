"""`yanchi data …`: training sets in, looked at, put in order, and out."""

import typer

app = typer.Typer(help="训练数据：导入、整理、查看、导出。", no_args_is_help=True)


@app.callback()
def data() -> None:
    """训练数据：导入、整理、查看、导出。"""
