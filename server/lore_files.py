"""Lorebooks from other tools' files and back."""

import json
from pathlib import PurePath

from pydantic import ValidationError
from sqlmodel import Session

from retrieval.errors import RetrievalError
from retrieval.lore.formats import Format, LoreFile, read_lore, write_lore
from server.errors import Invalid, from_retrieval
from server.lore import add_book, list_entries
from server.models import Lorebook, LoreEntry
from server.personas.interchange.files import lore_json
from server.schemas.lore import LONGEST_CONTENT, EntryFields

MOST_ENTRIES = 20_000
EXTENSIONS: dict[Format, str] = {
    "world_info": "json",
    "character_book": "json",
    "novelai": "lorebook",
}


def read_lore_file(data: bytes) -> LoreFile:
    """As JSON, or in a card's PNG or CHARX. Raises Invalid, Refused, TooLarge."""
    try:
        return read_lore(lore_json(data))
    except RetrievalError as error:
        raise from_retrieval(error) from error


def import_book(session: Session, work_id: str, data: bytes, filename: str) -> Lorebook:
    """A new book of the work, named as the file says or as it is called. Raises as
    `read_lore_file`."""
    file = read_lore_file(data)
    named = file.book["name"].strip() or PurePath(filename).stem[:200] or "导入的设定集"
    book = add_book(session, work_id, file.book | {"name": named})
    session.add_all(rows_of(file, book))
    session.flush()
    return book


def rows_of(file: LoreFile, book: Lorebook, place: int = 0) -> list[LoreEntry]:
    """The file's entries as rows of the book, from this place on. Raises Invalid where one is
    larger than the wire shows."""
    if place + len(file.entries) > MOST_ENTRIES:
        raise Invalid(
            f"设定集有 {place + len(file.entries)} 条，最多 {MOST_ENTRIES} 条，请拆开再导入。"
        )
    for number, entry in enumerate(file.entries, 1):
        try:
            EntryFields.model_validate({k: v for k, v in entry.items() if k != "extra"})
        except ValidationError as error:
            raise Invalid(
                f"设定集的第 {number} 条“{entry['name'][:40]}”太长：正文最多 "
                f"{LONGEST_CONTENT} 字，关键词最多 200 个，每个 2000 字；请先改短再导入。"
            ) from error
    return [
        LoreEntry(lorebook_id=book.id, position=place + n, **entry)
        for n, entry in enumerate(file.entries)
    ]


def export_book(session: Session, book: Lorebook, form: Format) -> bytes:
    """The book as a JSON file. Places and knowers are this work's own and stay here."""
    entries = [row.model_dump() for row in list_entries(session, [book.id])]
    told = write_lore(form, book.model_dump(), entries)
    return json.dumps(told, ensure_ascii=False, indent=2).encode()
