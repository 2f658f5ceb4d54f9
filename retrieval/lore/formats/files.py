"""Which format a file is in, and the way in and out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from retrieval.errors import ReadError
from retrieval.lore.formats import character_book, novelai, world_info
from retrieval.lore.formats.untrusted import parse_json

Format = Literal["world_info", "character_book", "novelai"]


class UnknownLorebook(ReadError):
    code = "unknown_lorebook"


@dataclass(frozen=True, slots=True)
class LoreFile:
    """Columns of a book and of its entries, `extra` among them."""

    format: Format
    book: dict[str, Any]
    entries: list[dict[str, Any]]


def read_lore(data: bytes) -> LoreFile:
    """A World Info file, a card with a character_book, a standalone `lorebook_v3`, a bare
    character_book or a NovelAI lorebook, as JSON in UTF-8. Raises UnknownLorebook.
    """
    try:
        raw = parse_json(data)
    except ValueError as error:
        raise UnknownLorebook(
            "这个文件不是 JSON，请选 World Info、NovelAI 或角色卡导出的文件。"
        ) from error
    found = lore_in(raw)
    if found is None:
        raise UnknownLorebook(
            "文件里没有认得的设定集；能读 SillyTavern 的 World Info、NovelAI 的设定集和"
            "角色卡的 character_book。"
        )
    return found


def lore_in(raw: Any) -> LoreFile | None:
    """The book that a file's object is or has; None where there is none that is known."""
    inner = _book_in(raw)
    if not isinstance(inner, Mapping):
        return None
    if isinstance(inner.get("entries"), Mapping):
        return LoreFile("world_info", *world_info.read_book(inner))
    if novelai.is_book(inner):
        return LoreFile("novelai", *novelai.read_book(inner))
    if _is_character_book(inner):
        return LoreFile("character_book", *character_book.read_book(inner))
    return None


def write_lore(
    format: Format, book: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The object to be written as JSON; a character_book stands alone, as `lorebook_v3`."""
    if format == "world_info":
        return world_info.write_book(book, entries)
    if format == "novelai":
        return novelai.write_book(book, entries)
    return {"spec": "lorebook_v3", "data": character_book.write_book(book, entries)}


def _book_in(raw: Any) -> Any:
    """The book inside a card or a standalone file, else the object itself."""
    if not isinstance(raw, Mapping):
        return None
    data = raw.get("data")
    if isinstance(data, Mapping):
        return data if raw.get("spec") == "lorebook_v3" else data.get("character_book")
    return raw.get("character_book", raw)


def _is_character_book(raw: Mapping[str, Any]) -> bool:
    entries = raw.get("entries")
    return isinstance(entries, list) and all(
        isinstance(e, Mapping) and "keys" in e for e in entries
    )
