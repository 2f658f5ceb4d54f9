"""Which format a file is in, and the way in and out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from retrieval.errors import ReadError
from retrieval.lore.formats import character_book, world_info

Format = Literal["world_info", "character_book"]


DEEPEST = 50


class UnknownLorebook(ReadError):
    code = "unknown_lorebook"


@dataclass(frozen=True, slots=True)
class LoreFile:
    """Columns of a book and of its entries, `extra` among them."""

    format: Format
    book: dict[str, Any]
    entries: list[dict[str, Any]]


def read_lore(data: bytes) -> LoreFile:
    """A World Info file, a card with a character_book, a standalone `lorebook_v3` or a bare
    character_book, as JSON in UTF-8. Raises UnknownLorebook.
    """
    try:
        raw = _clean(json.loads(data.decode("utf-8-sig"), parse_constant=lambda _: None))
    except (ValueError, RecursionError) as error:
        raise UnknownLorebook(
            "这个文件不是 JSON，请选 World Info 或角色卡导出的 .json。"
        ) from error
    inner = _book_in(raw)
    if isinstance(inner, Mapping) and isinstance(inner.get("entries"), Mapping):
        return LoreFile("world_info", *world_info.read_book(inner))
    if _is_character_book(inner):
        return LoreFile("character_book", *character_book.read_book(inner))
    raise UnknownLorebook(
        "文件里没有认得的设定集；能读 SillyTavern 的 World Info 和角色卡的 character_book。"
    )


def write_lore(
    format: Format, book: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The object to be written as JSON; a character_book stands alone, as `lorebook_v3`."""
    if format == "world_info":
        return world_info.write_book(book, entries)
    return {"spec": "lorebook_v3", "data": character_book.write_book(book, entries)}


def _clean(value: Any, deep: int = 0) -> Any:
    """Without what no database takes: NUL, half characters, objects in objects without end."""
    if deep > DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_clean(k): _clean(v, deep + 1) for k, v in value.items()}
    return [_clean(v, deep + 1) for v in value] if isinstance(value, list) else value


def _book_in(raw: Any) -> Any:
    """The book inside a card or a standalone file, else the object itself."""
    if not isinstance(raw, Mapping):
        return None
    data = raw.get("data")
    if isinstance(data, Mapping):
        return data if raw.get("spec") == "lorebook_v3" else data.get("character_book")
    return raw.get("character_book", raw)


def _is_character_book(raw: Any) -> bool:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("entries"), list):
        return False
    return all(isinstance(e, Mapping) and "keys" in e and "text" not in e for e in raw["entries"])
