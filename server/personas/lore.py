"""A persona's own lorebook: a book of no work, which goes with its persona."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from retrieval.lore.formats import LoreFile
from server.errors import NotFound
from server.lore import list_entries
from server.lore_files import rows_of
from server.models import Lorebook, LoreEntry, Persona, now


def entries_of(session: Session, persona: Persona) -> list[LoreEntry]:
    return list_entries(session, [persona.lorebook_id]) if persona.lorebook_id else []


def put_entries(
    session: Session, persona: Persona, wanted: Sequence[Mapping[str, Any]]
) -> list[LoreEntry]:
    """The book's entries in this order: those with an `id` changed, the others new, those that
    are not named gone. Raises NotFound for an id that is not there."""
    book = _book(session, persona)
    held = {row.id: row for row in list_entries(session, [book.id])}
    rows = []
    for place, fields in enumerate(wanted):
        told = dict(fields)
        id = told.pop("id", None)
        row = held.pop(id, None) if id else LoreEntry(lorebook_id=book.id)
        if row is None:
            raise NotFound("设定集里没有这一条，它可能已被删除。", code="lore_entry_not_found")
        row.sqlmodel_update({**told, "position": place, "updated_at": now()})
        session.add(row)
        rows.append(row)
    for row in held.values():
        session.delete(row)
    session.flush()
    return rows


def add_file(session: Session, persona: Persona, file: LoreFile) -> None:
    """The file's entries behind those that there are; a persona without a book gets the file's.
    Raises Invalid."""
    fresh = persona.lorebook_id is None
    book = _book(session, persona)
    if fresh:
        book.sqlmodel_update(file.book | {"name": file.book["name"] or persona.name})
    session.add_all(rows_of(file, book, len(list_entries(session, [book.id]))))
    session.flush()


def book_of(session: Session, persona: Persona) -> Lorebook:
    """Raises NotFound."""
    found = session.get(Lorebook, persona.lorebook_id) if persona.lorebook_id else None
    if found is None:
        raise NotFound("这个人物还没有设定集。", code="lorebook_not_found")
    return found


def _book(session: Session, persona: Persona) -> Lorebook:
    found = session.get(Lorebook, persona.lorebook_id) if persona.lorebook_id else None
    if found is None:
        # Entries of one small world name each other all over: one word would call them all.
        found = Lorebook(work_id=None, name=persona.name, recursive=False)
        session.add(found)
        session.flush()
        persona.lorebook_id = found.id
        session.add(persona)
    return found
