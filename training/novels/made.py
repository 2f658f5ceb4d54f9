"""What a model made of chunks, kept in a JSONL file by the chunks' ids.

`{"id": "9f…", "summary": "…"}`, and `draft` for a flat version that is to be rewritten. A later
line for the same chunk adds to the earlier one.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from training.errors import BadInput
from training.novels.chunks import Chunk
from training.types import Refusal


@dataclass(frozen=True, slots=True)
class Made:
    summary: str = ""
    draft: str = ""


def read_made(path: Path, chunks: Iterable[Chunk], refusals: list[Refusal]) -> dict[str, Made]:
    """By chunk id. A broken line and one of a chunk that is not there go to `refusals`.

    Raises BadInput where nothing in the file belongs to the chunks.
    """
    known = {chunk.id for chunk in chunks}
    found: dict[str, Made] = {}
    rows = path.read_bytes().split(b"\n")
    for number, line in enumerate(rows, 1):
        if not line.strip():
            continue
        id, told, flaw = _read(line)
        if not flaw and id not in known:
            flaw = ("id", "没有这个片段：原文或切法可能改过，请重新生成")
        if flaw:
            refusals.append(Refusal(path.name, number, *flaw))
        else:
            found[id] = replace(found.get(id, Made()), **told)
    if known and not found:
        raise BadInput("没有一条梗概属于这些片段，请用同样的书和同样的长度重新生成。", file=path)
    return found


def _read(line: bytes) -> tuple[str, Mapping[str, str], tuple[str, str] | None]:
    """(chunk id, what was made, what is wrong with the line: field and reason)."""
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
        return "", {}, ("", "不是完整的 JSON")
    if not isinstance(row, dict) or not isinstance(row.get("id"), str):
        return "", {}, ("id", "缺少片段的 id")
    told = {
        key: row[key].strip()
        for key in ("summary", "draft")
        if isinstance(row.get(key), str) and row[key].strip()
    }
    return row["id"], told, None if told else ("summary", "是空的")


def write_made(
    path: Path,
    chunks: Iterable[Chunk],
    before: Mapping[str, Made],
    kind: Literal["summary", "draft"],
    made: Iterable[tuple[Chunk, str]],
) -> None:
    """One line a chunk that something was made of, in the book's order: what was made `before`
    and what is made now. Replaces the file at once, so that a reader finds it whole."""
    found = dict(before)
    for chunk, text in made:
        new = Made(summary=text) if kind == "summary" else Made(draft=text)
        old = found.get(chunk.id, Made())
        found[chunk.id] = Made(new.summary or old.summary, new.draft or old.draft)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("w", encoding="utf-8") as file:
        for chunk in chunks:
            if own := found.get(chunk.id):
                file.write(json.dumps(_row(chunk, own), ensure_ascii=False) + "\n")
    beside.replace(path)


def _row(chunk: Chunk, made: Made) -> dict[str, str]:
    told = {key: value for key, value in asdict(made).items() if value}
    return {"id": chunk.id, **told, "book": chunk.book, "place": chunk.place}
