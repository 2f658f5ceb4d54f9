"""Summaries and drafts of books' pieces in `<data-dir>/summaries/`, one JSONL file a name.

The layout is that of `training/novels/made.py`. They are made once and asked for by name where
data sets are made of the same texts.
"""

import json
from pathlib import Path
from typing import Any

from server.errors import NotFound


class Summaries:
    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir / "summaries"

    def place(self, name: str) -> Path:
        """Where those of this name lie, or will."""
        return (self.root / f"{name}.jsonl").absolute()

    def get(self, name: str) -> Path:
        """Raises NotFound for what nobody made."""
        path = self.place(name)
        if not path.is_file():
            raise NotFound(f"没有叫“{name}”的梗概，请先做一份。", code="no_summaries")
        return path

    def all(self) -> list[dict[str, Any]]:
        """The fields of `SummariesOut`, the newest first."""
        found = sorted(self.root.glob("*.jsonl"), key=lambda path: -path.stat().st_mtime)
        return [{"name": path.stem, **_counted(path)} for path in found]


def _counted(path: Path) -> dict[str, int]:
    rows = [json.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
    return {
        "summaries": sum("summary" in row for row in rows),
        "drafts": sum("draft" in row for row in rows),
    }
