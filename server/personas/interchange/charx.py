"""CHARX (Character Card V3): a ZIP with `card.json` and the files that its `assets` name."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from retrieval.errors import RetrievalError
from retrieval.readers.archive import Archive
from server.errors import from_retrieval
from server.personas.interchange.refusals import check_json_size, damaged

CARD = "card.json"
ICON = "assets/icon/images/main.png"
EMBEDDED = ("embeded://", "embedded://")
"""The specification spells it so; many writers do not."""


@dataclass(frozen=True, slots=True)
class Charx:
    card: bytes
    _archive: Archive

    def icon(self, assets: Any) -> tuple[bytes | None, list[str]]:
        """(the main icon's bytes, the names of the files that are left in the ZIP)."""
        name = _icon_of(assets)
        held = name is not None and name in self._archive
        left = [n for n in self._archive.names if n != CARD and not (held and n == name)]
        return (_read(self._archive, name) if held and name else None), left


def is_zip(data: bytes) -> bool:
    return data.startswith(b"PK\x03\x04")


def read_charx(data: bytes) -> Charx:
    """Raises Refused: broken, locked, or larger than it may be when unpacked; Invalid: without a
    card, or with a path that leads out of it; TooLarge."""
    try:
        archive = Archive(data)
    except RetrievalError as error:
        raise from_retrieval(error) from error
    if outside := next((n for n in archive.names if _leads_out(n)), None):
        raise damaged(f"压缩包里的路径“{outside[:80]}”指到了包外，不是正常的人物卡，没有导入。")
    if CARD not in archive:
        raise damaged("压缩包里没有 card.json，它不是 CHARX 人物卡，请重新导出一份再导入。")
    card = _read(archive, CARD)
    check_json_size(len(card))
    return Charx(card, archive)


def write_charx(card: bytes, icon: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(CARD, card)
        archive.writestr(ICON, icon, zipfile.ZIP_STORED)
    return made.getvalue()


def is_embedded(asset: Any) -> bool:
    return isinstance(asset, Mapping) and str(asset.get("uri")).startswith(EMBEDDED)


def _icon_of(assets: Any) -> str | None:
    """The path of the main icon, else of any."""
    listed: Sequence[Any] = assets if isinstance(assets, list) else []
    icons = [a for a in listed if is_embedded(a) and a.get("type") == "icon"]
    icons.sort(key=lambda a: a.get("name") != "main")
    return str(icons[0]["uri"]).partition("://")[2] if icons else None


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in path.parts[0]


def _read(archive: Archive, name: str) -> bytes:
    try:
        return archive.read(name)
    except RetrievalError as error:
        raise from_retrieval(error) from error
