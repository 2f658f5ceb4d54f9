"""`yanchi continue`: a continuation in the terminal.

Uses the desk that is already serving this data directory, where there is one, because an
engine takes most of a minute to start; otherwise it starts its own and stops it after.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from typing import Annotated, Any

import httpx
import typer

from server.commands.books import Work
from server.commands.common import AsJson, DataDir, err, print_json, sentences, settings_for
from server.commands.remote import EventLines, refusal, told
from server.db import Database
from server.errors import EngineFailed, EngineLost, NotFound
from server.presence import find_desk
from server.settings import Settings
from server.sse import Event

app = typer.Typer()


@app.command("continue")
def continue_chapter(
    work: Work,
    chapter: Annotated[
        int | None, typer.Option(min=1, help="第几章，从 1 数起；默认最后一章。")
    ] = None,
    beat: Annotated[str, typer.Option(help="这一段要写什么。")] = "",
    length: Annotated[int, typer.Option(min=1, max=20_000, help="大约多少字。")] = 500,
    offset: Annotated[
        int | None, typer.Option(min=0, help="从本章第几个字符续写；默认章末。")
    ] = None,
    adapter: Annotated[str | None, typer.Option(help="用哪个适配器。")] = None,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="采样温度。")] = 0.8,
    seed: Annotated[int | None, typer.Option(min=0, help="随机种子。")] = None,
    model: Annotated[str | None, typer.Option(help="模型，同 yanchi serve。")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """从章末（或指定位置）续写；文字边写边出，不会自动存进书里。"""
    with sentences(as_json):
        settings = settings_for(data_dir, model=model)
        body = {
            "beat": beat,
            "length": length,
            "offset": offset,
            "adapter": adapter,
            "sampling": {"temperature": temperature, "seed": seed},
        }
        work_id, chapter_id = _locate(settings, work, chapter)
        result = asyncio.run(_run(settings, work_id, chapter_id, body, echo=not as_json))
        if as_json:
            print_json(result)


def _locate(settings: Settings, name: str, number: int | None) -> tuple[str, str]:
    from server.manuscript import find_work, list_chapters

    database = Database(settings.database)
    try:
        database.migrate()
        with database.reading() as session:
            work = find_work(session, name)
            chapters = list_chapters(session, work.id)
    finally:
        database.close()
    if not chapters:
        raise NotFound(f"《{work.title}》还没有一章，请先写或导入。", code="chapter_not_found")
    if number is not None and number > len(chapters):
        raise NotFound(
            f"《{work.title}》只有 {len(chapters)} 章，没有第 {number} 章。",
            code="chapter_not_found",
        )
    return work.id, chapters[(number or len(chapters)) - 1].id


async def _run(
    settings: Settings, work_id: str, chapter_id: str, body: dict[str, Any], *, echo: bool
) -> dict[str, Any]:
    address = find_desk(settings.data_dir)
    if address is not None:
        err.print(f"由正在运行的书桌（{address}）来写。")
        return await _collect(_remote(address, work_id, chapter_id, body), echo)
    return await _local(settings, work_id, chapter_id, body, echo)


async def _collect(events: AsyncGenerator[Event], echo: bool) -> dict[str, Any]:
    """Follow a stream to its end; the text goes to stdout as it comes when `echo`."""
    prompt: dict[str, Any] = {}
    async for event in events:
        if event.name == "prompt":
            prompt = event.data
            err.print(
                f"提示词 {prompt['tokens']} 词元：用了 {len(prompt['kept'])} 项，"
                f"放不下 {len(prompt['dropped'])} 项。"
            )
        elif event.name == "delta" and echo and event.data["index"] == 0:
            sys.stdout.write(event.data["text"])
            sys.stdout.flush()
        elif event.name == "error":
            raise told(event.data["error"])
        elif event.name == "done":
            if echo:
                sys.stdout.write("\n")
            return {
                "text": event.data["text"],
                "finish_reason": event.data["finish_reason"],
                "usage": event.data["usage"],
                "prompt": {k: prompt[k] for k in ("tokens", "kept", "dropped")},
                "generation": event.data["generation"],
            }
    raise EngineLost("书桌没有写完就断开了，请再试一次。")


async def _remote(
    address: str, work_id: str, chapter_id: str, body: dict[str, Any]
) -> AsyncGenerator[Event]:
    url = f"{address}/api/works/{work_id}/chapters/{chapter_id}/continue"
    timeout = httpx.Timeout(10.0, read=None)
    try:
        async with (
            httpx.AsyncClient(timeout=timeout, trust_env=False) as client,
            client.stream("POST", url, json={**body, "stream": True}) as answer,
        ):
            if answer.status_code != 200:
                await answer.aread()
                raise refusal(answer)
            lines = EventLines()
            async for line in answer.aiter_lines():
                event = lines.take(line)
                if event is not None:
                    yield event
    except httpx.HTTPError as error:
        raise EngineLost(f"和书桌（{address}）的连接断了，请再试一次。") from error


async def _local(
    settings: Settings, work_id: str, chapter_id: str, body: dict[str, Any], echo: bool
) -> dict[str, Any]:
    from server.desk import open_desk
    from server.launch import prepare_engine
    from server.routes.generation import wish_from
    from server.schemas.generation import ContinueIn

    ready = await asyncio.to_thread(prepare_engine, settings)
    desk = open_desk(settings, ready.engine, prompt_tokens=ready.prompt_tokens)
    try:
        await desk.engine.start()
        await asyncio.to_thread(desk.indexer.sync, work_id)
        await asyncio.to_thread(desk.recaps.sync, work_id)
        await _until_ready(desk.engine)
        wish = wish_from(work_id, chapter_id, ContinueIn(**body))
        prepared = await desk.continuation.prepare(wish)
        return await _collect(desk.writer.events(prepared), echo)
    finally:
        await desk.engine.stop()
        desk.database.close()


async def _until_ready(engine: Any) -> None:
    with err.status("模型启动中……") as status:
        while (now := engine.status()).state != "ready":
            if now.state == "failed":
                raise EngineFailed(now.detail or "模型没能启动，请看数据目录 logs/ 里的日志。")
            status.update(f"模型启动中：{now.detail or '请稍候'}")
            await asyncio.sleep(0.2)
