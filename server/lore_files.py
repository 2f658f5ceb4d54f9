"""Lorebooks from other tools' files and back."""

import json
from pathlib import PurePath

from sqlmodel import Session

from retrieval.errors import RetrievalError
from retrieval.lore.formats import Format, read_lore, write_lore
from server.errors import Invalid, from_retrieval
from server.lore import add_book, list_entries
from server.models import Lorebook, LoreEntry

MOST_ENTRIES = 20_000


def import_book(session: Session, work_id: str, data: bytes, filename: str) -> Lorebook:
    """A new book of the work, named as the file says or as it is called. Raises Refused, Invalid."""
    try:
        file = read_lore(data)
    except RetrievalError as error:
        raise from_retrieval(error) from error
    if len(file.entries) > MOST_ENTRIES:
        raise Invalid(
            f"设定集有 {len(file.entries)} 条，一次最多导入 {MOST_ENTRIES} 条，请拆开再导入。"
        )
    named = file.book["name"].strip() or PurePath(filename).stem[:200] or "导入的设定集"
    book = add_book(session, work_id, file.book | {"name": named})
    session.add_all(
        LoreEntry(lorebook_id=book.id, position=place, **entry)
        for place, entry in enumerate(file.entries)
    )
    session.flush()
    return book


def export_book(session: Session, book: Lorebook, form: Format) -> bytes:
    """The book as a JSON file. Places and knowers are this work's own and stay here."""
    entries = [row.model_dump() for row in list_entries(session, [book.id])]
    told = write_lore(form, book.model_dump(), entries)
    return json.dumps(told, ensure_ascii=False, indent=2).encode()
