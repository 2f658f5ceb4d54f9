"""LoRA adapters that the engine serves, from the data directory's `adapters/` alone."""

import asyncio

from fastapi import APIRouter, status

from retrieval.types import Message
from server.deps import TheDesk
from server.engines.base import EngineRequest, Sampling
from server.errors import UnknownAdapter
from server.jobs.report import report
from server.schemas.adapters import AdapterLoad, AdapterOut
from server.schemas.jobs import JobOut
from server.schemas.tuning import CompareIn, Folder, PublishedOut
from server.sse import EventStream
from server.tuning.comparing import compare
from server.tuning.published import published

router = APIRouter(prefix="/api/adapters", tags=["adapters"])


@router.get("")
async def list_adapters(desk: TheDesk) -> list[AdapterOut]:
    return [
        AdapterOut(name=a.name, path=a.path.name if a.path else None)
        for a in await desk.engine.adapters()
    ]


@router.post("", status_code=status.HTTP_201_CREATED)
async def load_adapter(wanted: AdapterLoad, desk: TheDesk) -> AdapterOut:
    # The name is a plain folder name by its pattern, so that no path can leave `adapters/`.
    folder = desk.settings.adapters_dir / wanted.name
    if not folder.is_dir():
        raise UnknownAdapter(f"数据目录的 adapters/ 里没有“{wanted.name}”，请先训练或放入它。")
    await desk.engine.load_adapter(wanted.name, folder)
    return AdapterOut(name=wanted.name, path=folder.name)


@router.delete("/{name}", status_code=status.HTTP_204_NO_CONTENT)
async def unload_adapter(name: str, desk: TheDesk) -> None:
    await desk.engine.unload_adapter(name)


@router.get("/published")
async def list_published(desk: TheDesk) -> list[PublishedOut]:
    """Every adapter in the data directory, loaded or not; versions of one name together."""
    loaded = {adapter.name for adapter in await desk.engine.adapters()}
    found = await asyncio.to_thread(published, desk.settings.adapters_dir)
    return [
        PublishedOut(
            folder=one["folder"],
            name=one["name"],
            version=one.get("version"),
            title=str(one.get("title") or one["name"]),
            rank=one.get("rank"),
            current=one["current"],
            loaded=one["folder"] in loaded,
            card=one,
        )
        for one in found
    ]


@router.post("/published/{folder}/current", status_code=status.HTTP_202_ACCEPTED)
def make_current(folder: Folder, desk: TheDesk) -> JobOut:
    """This version is the one that its name means from now on: forward, or back again."""
    args = ["adapters", "rollback", folder, "--json"]
    return report(desk.jobs, desk.jobs.add("current", folder, lambda _: args))


@router.delete("/published/{folder}", status_code=status.HTTP_202_ACCEPTED)
async def remove_published(folder: Folder, desk: TheDesk) -> JobOut:
    """Out of the engine, then into the bin."""
    if folder in {adapter.name for adapter in await desk.engine.adapters()}:
        await desk.engine.unload_adapter(folder)
    args = ["adapters", "remove", folder, "--json"]
    return report(desk.jobs, desk.jobs.add("remove", folder, lambda _: args))


@router.post(
    "/compare",
    response_model=None,
    responses={200: {"content": {"text/event-stream": {}}}},
)
def compare_adapters(wanted: CompareIn, desk: TheDesk) -> EventStream:
    """One question to several sides at once: `delta` (side, text), `done` or `error` of each."""
    system = [Message("system", wanted.system)] if wanted.system else []
    messages = (*system, Message("user", wanted.prompt))
    sampling = Sampling(temperature=wanted.temperature, seed=wanted.seed)
    request = EngineRequest(messages, wanted.max_tokens, sampling)
    return EventStream(compare(desk.engine, request, wanted.adapters))
