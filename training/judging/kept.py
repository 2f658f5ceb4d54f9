"""What has been made already, so that judging goes on where it was stopped.

Answers and votes are appended as they come, each under the digest of everything it depends on;
a changed prompt, model or sampling has another key and is simply made.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from retrieval.types import Message
from training.judging.generating import Writer
from training.judging.prompting import Messages, as_dicts
from training.served.batch import Lines
from training.served.client import Sampling, Schema
from training.types import Progress


def key_of(*parts: Any) -> str:
    """The digest of plain JSON values."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:20]


class Kept:
    """A file of `{"key", "value"}` lines; the last one of a key counts."""

    def __init__(self, path: Path) -> None:
        self._lines = Lines(path)
        self._values = {row["key"]: row["value"] for row in self._lines if "value" in row}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def get(self, key: str, otherwise: Any) -> Any:
        return self._values.get(key, otherwise)

    def __setitem__(self, key: str, value: Any) -> None:
        self._lines.append(key=key, value=value)
        self._values[key] = value


def make(
    kept: Kept,
    writer: Writer,
    wanted: Mapping[str, Sequence[Message]],
    sampling: Sampling,
    progress: Progress,
    note: str,
    schema: Schema | None = None,
) -> None:
    """Have written what of `wanted` is not kept yet, and keep each answer as it comes.

    What the writer refuses is not kept: the next run asks again.
    """
    keys = [key for key in wanted if key not in kept]
    written = writer.write([wanted[key] for key in keys], sampling, schema)
    for done, (place, text) in enumerate(written, 1):
        kept[keys[place]] = text
        progress(done, len(keys), note)


def written_by(
    kept: Kept,
    writer: Writer,
    identity: str,
    asked: Mapping[str, Messages],
    sampling: Sampling,
    progress: Progress,
    note: str,
    schema: Schema | None = None,
) -> dict[str, str]:
    """Answers under the names of what is asked; none for a prompt that the writer refuses.

    `identity` says which weights write.
    """
    given = [identity, writer.name, asdict(sampling)]
    keys = {name: key_of("answer", *given, as_dicts(m)) for name, m in asked.items()}
    wanted = {keys[name]: messages for name, messages in asked.items()}
    make(kept, writer, wanted, sampling, progress, note, schema)
    return {name: kept[key] for name, key in keys.items() if key in kept}
