"""What has been made already, so that judging goes on where it was stopped.

Answers and votes are appended as they come, each under the digest of everything it depends on;
a changed prompt, model or sampling has another key and is simply made.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retrieval.types import Message
from training.judging.generating import Sampling, Writer
from training.types import Progress


def key_of(*parts: Any) -> str:
    """The digest of plain JSON values."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


class Kept:
    """A file of `{"key", "value"}` lines; the last one of a key counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._values: dict[str, Any] = {}
        self._whole = 0
        if path.exists():
            self._read(path.read_bytes())

    def _read(self, content: bytes) -> None:
        for line in content.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break  # the writer was killed in the middle of it
            row = json.loads(line)
            self._values[row["key"]] = row["value"]
            self._whole += len(line)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        line = json.dumps({"key": key, "value": value}, ensure_ascii=False).encode() + b"\n"
        with self._path.open("r+b" if self._path.exists() else "w+b") as file:
            file.seek(self._whole)
            file.truncate()
            file.write(line)
        self._whole += len(line)
        self._values[key] = value


def make(
    kept: Kept,
    writer: Writer,
    wanted: Mapping[str, Sequence[Message]],
    sampling: Sampling,
    progress: Progress,
    note: str,
    schema: Mapping[str, Any] | None = None,
) -> None:
    """Have written what of `wanted` is not kept yet, and keep each answer as it comes."""
    keys = [key for key in wanted if key not in kept]
    written = writer.write([wanted[key] for key in keys], sampling, schema)
    for done, (place, text) in enumerate(written, 1):
        kept[keys[place]] = text
        progress(done, len(keys), note)
