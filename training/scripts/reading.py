"""Files to scripts: texts of every kind that novels come in, and JSON lines with a text each."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.encoding import decode
from retrieval.readers import read_source
from training.errors import BadInput
from training.scripts.parsing import heading_names, parse
from training.scripts.structure import Script
from training.types import Refusal

TEXT_FIELD = "text"
LONGEST_TITLE = 30
PLAIN_SUFFIXES = (".txt", ".text", "")


@dataclass(frozen=True, slots=True)
class Piece:
    """A script and where it stands in its file: “第 12 条”, or nothing where it is all of it."""

    within: str
    script: Script


@dataclass(frozen=True, slots=True)
class ScriptFile:
    title: str
    sha256: str
    pieces: tuple[Piece, ...]

    @property
    def scripts(self) -> Sequence[Script]:
        return [piece.script for piece in self.pieces]


def read_script(path: Path, refusals: list[Refusal], field: str = TEXT_FIELD) -> ScriptFile:
    """A script file; of `.jsonl` and `.json`, the texts of `field`, each a script of its own.

    Broken rows go to `refusals`. Raises BadInput where no text is left, and retrieval's
    ReadError for a file that cannot be read.
    """
    data = path.read_bytes()
    if path.suffix.lower() in (".jsonl", ".json"):
        texts = _rows(data, path.name, field, refusals)
    else:
        texts = [("", _text(data, path))]
    if not any(text.strip() for _, text in texts):
        raise BadInput("没有可以读的剧本文字", file=path)
    known: Counter[str] = Counter()
    for _, text in texts:
        known.update(heading_names(text))
    pieces = tuple(Piece(within, parse(text, known)) for within, text in texts)
    return ScriptFile(_title(pieces) or path.stem, hashlib.sha256(data).hexdigest(), pieces)


def _title(pieces: Sequence[Piece]) -> str:
    """The row above everything, where it is short and stands alone."""
    blocks = pieces[0].script.blocks if len(pieces) == 1 else ()
    if not blocks or blocks[0].kind != "narration" or blocks[0].line != blocks[0].last:
        return ""
    title = blocks[0].text.strip().strip("#《》 \u3000\ufeff")
    return title if len(title) <= LONGEST_TITLE and not re.search("[。！？，：]", title) else ""


def _text(data: bytes, path: Path) -> str:
    if path.suffix.lower() in PLAIN_SUFFIXES:
        return decode(data).text
    return "\n".join(read_source(data, path.name).lines)


def _rows(data: bytes, file: str, field: str, refusals: list[Refusal]) -> list[tuple[str, str]]:
    """(place, text) of each row: of JSON lines, or of the array that calls itself .jsonl."""
    found: list[tuple[str, str]] = []
    for number, row in _objects(decode(data).text):
        if row is None:
            refusals.append(Refusal(file, number, "", "不是完整的 JSON"))
        elif not isinstance(row, dict) or not isinstance(row.get(field), str):
            refusals.append(Refusal(file, number, field, "没有这一栏文字"))
        else:
            found.append((f"第 {number} 条", row[field]))
    return found


def _objects(text: str) -> Iterator[tuple[int, Any]]:
    """The rows with their numbers from 1; None for a line that is no JSON."""
    if text.lstrip().startswith("[") and isinstance(whole := _loaded(text), list):
        yield from enumerate(whole, 1)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _loaded(line)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
