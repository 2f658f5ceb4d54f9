"""Data sets as they lie in `<data-dir>/datasets/`: cards, rows, uploads to make them of.

The layout is that of `training/data/store.py`: `dataset.json`, `train.jsonl`, `held_out.jsonl`.
"""

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from server.errors import NotFound

NAME = r"^[A-Za-z0-9\u4e00-\u9fff][A-Za-z0-9\u4e00-\u9fff_.-]{0,63}$"
UPLOAD = r"^[0-9a-f]{16}$"
Split = Literal["train", "held_out"]
KEPT_SECONDS = 7 * 24 * 3600.0
"""How long an upload waits to be made into something."""


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    """From 1, as people count."""
    item: dict[str, Any]


class Datasets:
    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir / "datasets"
        self.uploads = data_dir / "uploads" / "training"

    def folder(self, name: str) -> Path:
        """Raises NotFound for what is no data set."""
        path = self.root / name
        if not re.fullmatch(NAME, name) or not (path / "dataset.json").is_file():
            raise NotFound(f"没有叫“{name}”的数据集，它可能已经被删除。", code="no_dataset")
        return path

    def cards(self) -> list[dict[str, Any]]:
        """The newest first; what cannot be read is passed over."""
        found = (self._card(path) for path in self.root.glob("*/dataset.json"))
        cards = [card for card in found if card is not None]
        return sorted(cards, key=lambda card: str(card.get("created", "")), reverse=True)

    def card(self, name: str) -> dict[str, Any]:
        card = self._card(self.folder(name) / "dataset.json")
        if card is None:
            raise NotFound(f"数据集“{name}”的说明读不出来，请重新制作它。", code="no_dataset")
        return card

    def rows(self, name: str, split: Split, skip: int, most: int) -> list[Row]:
        return list(_rows(self.folder(name) / f"{split}.jsonl", skip, most))

    def remove(self, name: str) -> None:
        """Into the bin beside the others, from which a person can bring it back."""
        folder = self.folder(name)
        binned = self.root / ".bin"
        binned.mkdir(exist_ok=True)
        folder.rename(binned / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")

    def _card(self, path: Path) -> dict[str, Any] | None:
        try:
            card = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return {**card, "name": path.parent.name} if isinstance(card, dict) else None

    # What data sets are made of

    def keep(self, filename: str, data: bytes) -> str:
        """The upload's id. The name stays: formats and titles are read off it."""
        self._clear()
        ident = secrets.token_hex(8)
        folder = self.uploads / ident
        folder.mkdir(parents=True)
        (folder / (_safe(filename) or "未命名.txt")).write_bytes(data)
        return ident

    def upload(self, ident: str) -> Path:
        found = list((self.uploads / ident).glob("*")) if re.fullmatch(UPLOAD, ident) else []
        if not found:
            raise NotFound("这个文件已不在了，请重新上传。", code="upload_not_found")
        return found[0].absolute()

    def _clear(self) -> None:
        for folder in self.uploads.glob("*"):
            if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _rows(path: Path, skip: int, most: int) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if number > skip + most:
                    return
                if number > skip:
                    yield Row(number, json.loads(line))
    except FileNotFoundError:
        return


def _safe(filename: str) -> str:
    """Without a path and without what file systems refuse."""
    plain = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", Path(filename).name).strip(". ")
    return plain[-120:]
