"""LoRA adapters that the engine serves, from the data directory's `adapters/` alone."""

from fastapi import APIRouter, status

from server.deps import TheDesk
from server.errors import UnknownAdapter
from server.schemas.adapters import AdapterLoad, AdapterOut

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
