"""Adapters that come along (`data/adapters/`): put among the desk's own once, and loaded.

Only where their base is what is served; elsewhere the log says why one is left out, and the desk
goes on without it. What an author took down lies in `adapters/.bin` and is not put back.
"""

import asyncio
import json
import logging
import secrets
import shutil
from collections.abc import Collection
from pathlib import Path

from server.db import Database
from server.engines.base import Engine
from server.engines.lineage import RECORD, check_lineage
from server.errors import EngineError
from server.models import Persona
from server.personas.shipped import give_voice
from server.settings import ADAPTERS, PERSONAS

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.5


def adapter_of(persona: Persona, loaded: Collection[str]) -> str | None:
    """What a persona speaks through. An adapter that came along gives way to the base where it
    is not served; one that an author chose is wanted as it is."""
    is_gift = persona.adapter in {folder.name for folder in _come_along()}
    return None if is_gift and persona.adapter not in loaded else persona.adapter


def _come_along() -> list[Path]:
    """Those that say which base they are for."""
    return sorted(record.parent for record in ADAPTERS.glob(f"*/{RECORD}"))


class Shipped:
    """Offers them once, as soon as the engine can take them."""

    def __init__(self, engine: Engine, database: Database, adapters_dir: Path) -> None:
        self._engine = engine
        self._database = database
        self._adapters_dir = adapters_dir
        self._offering: asyncio.Task[None] | None = None

    def start(self) -> None:
        binned = self._adapters_dir / ".bin"
        if folders := [each for each in _come_along() if not (binned / each.name).exists()]:
            self._offering = asyncio.create_task(self._offer(folders), name="shipped adapters")

    async def close(self) -> None:
        if self._offering is not None:
            self._offering.cancel()
            await asyncio.gather(self._offering, return_exceptions=True)

    async def _offer(self, folders: list[Path]) -> None:
        while self._engine.status().state != "ready":  # noqa: ASYNC110
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        endpoint = self._engine.endpoint()
        if endpoint is None or endpoint.weights is None:
            return  # Somebody else's engine serves somebody else's adapters.
        for folder in folders:
            try:
                await asyncio.to_thread(self._put, folder, endpoint.weights)
                await self._engine.load_adapter(folder.name, self._adapters_dir / folder.name)
            except EngineError as error:
                log.warning("随书桌来的适配器 %s 没有用上：%s", folder.name, error.message)
            except OSError as error:
                log.warning("随书桌来的适配器 %s 没有用上：%s", folder.name, error)

    def _put(self, folder: Path, model: Path) -> None:
        """Whole or not at all. Raises EngineRefused where its base is another, OSError."""
        target = self._adapters_dir / folder.name
        if target.exists():
            return
        check_lineage(folder, model)
        partial = self._adapters_dir / f".partial-{secrets.token_hex(4)}"
        try:
            shutil.copytree(folder, partial)
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        with self._database.session() as session:
            give_voice(session, PERSONAS, _name(target), target.name)


def _name(adapter: Path) -> str:
    """What it is called in all its versions. Its record was read when its base was checked."""
    told = json.loads((adapter / RECORD).read_text("utf-8"))
    return str(told.get("name") or adapter.name)
