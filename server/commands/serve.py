"""`yanchi serve`: the desk, open until it is told to stop."""

import asyncio
import logging
import socket
import time
from typing import Annotated

import typer

from server.commands.common import DataDir, err, sentences, settings_for
from server.errors import Conflict, Invalid
from server.settings import Settings

app = typer.Typer()
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@app.command("serve")
def serve(
    model: Annotated[
        str | None,
        typer.Option(help="本地目录、Hugging Face 编号或 ms:所有者/名字（ModelScope）。"),
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="端口。")] = None,
    engine: Annotated[str | None, typer.Option(help="vllm 或 scripted（演示用）。")] = None,
    data_dir: DataDir = None,
) -> None:
    """打开书桌：载入模型，最后一行是要打开的地址。Ctrl+C 停止。"""
    with sentences(as_json=False):
        started = time.monotonic()
        settings = settings_for(data_dir, model=model, port=port, engine=engine)
        _check_host(settings)
        listener = _bind(settings)
        logging.basicConfig(
            level=settings.log_level.upper(),
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        )
        for noisy in ("httpx", "httpcore", "alembic", "faiss", "sentence_transformers"):
            logging.getLogger(noisy).setLevel("WARNING")
        _run(settings, listener, started)


def _run(settings: Settings, listener: socket.socket, started: float) -> None:
    import uvicorn

    from server.app import create_app
    from server.commands.model import weights_progress
    from server.desk import Desk, open_desk
    from server.launch import prepare_engine
    from server.presence import announce, find_desk, withdraw

    taken = find_desk(settings.data_dir)
    if taken is not None:
        raise Conflict(
            f"这个数据目录已有一张书桌开着：{taken}，请直接打开它，或先停掉它。",
            code="already_serving",
        )
    err.print(f"数据目录：{settings.data_dir}")
    with weights_progress() as progress:
        prepared = prepare_engine(settings, progress, err.print)
    desk = open_desk(settings, prepared.engine, prompt_tokens=prepared.prompt_tokens)
    address = f"http://{settings.host}:{listener.getsockname()[1]}"
    announced: list[asyncio.Task[None]] = []

    async def on_ready() -> None:
        announce(settings.data_dir, address)
        announced.append(asyncio.create_task(_tell(desk, address, started)))

    async def _tell(desk: Desk, address: str, started: float) -> None:
        """Say what the engine is doing until it can write; the address stands last."""
        said = ""
        while (status := desk.engine.status()).state not in ("ready", "failed"):
            if status.detail and status.detail != said:
                said = status.detail
                err.print(f"  模型：{said}")
            await asyncio.sleep(0.5)
        if status.state == "failed":
            err.print(f"[red]模型没能启动[/red]：{status.detail}\n书桌仍可读写：{address}")
            return
        seconds = time.monotonic() - started
        err.print(f"[green]就绪[/green]，用了 {seconds:.0f} 秒。打开 [bold]{address}[/bold]")

    config = uvicorn.Config(
        create_app(desk, on_ready=on_ready),
        log_level=settings.log_level,
        access_log=False,
        timeout_graceful_shutdown=5,
        log_config=None,
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        withdraw(settings.data_dir)
        for task in announced:
            task.cancel()


def _check_host(settings: Settings) -> None:
    if settings.host not in LOOPBACK:
        raise Invalid(
            f"书桌还没有账号，只能监听本机（127.0.0.1），不能是 {settings.host}；"
            "要从别处打开，请用 SSH 端口转发。",
            code="host_not_loopback",
        )


def _bind(settings: Settings) -> socket.socket:
    """Take the port before minutes of loading, so that a taken one is told at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise Conflict(
            f"端口 {settings.port} 已被占用，请换一个：make serve PORT={settings.port + 1}。",
            code="port_taken",
        ) from error
    return listener
